//go:build cgo && libvirt_dlopen

package command

import (
	"os"
	"strings"
	"testing"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/etcd/discovery"
)

// TestTokensOfClustersThatAreNot: without nodes a token is as the settings say; with nodes it stays.
func TestTokensOfClustersThatAreNot(t *testing.T) {
	inClone(t)
	save(t, "plain.yml", withEtcd)
	t.Setenv("COREOS_DISCOVERY", "static")
	render := func(words ...string) string {
		t.Helper()
		r := run(t, append([]string{"nodes=2"}, words...)...)
		defer r.unlockAll()
		through(t, r.Transpile, r.Discovery, r.Render)
		text, _ := os.ReadFile("vm/discovery.url.core")
		return string(text)
	}
	first := render("addresses=10.0.0.1,10.0.0.2")
	if again := render("addresses=10.0.0.1,10.0.0.2"); again != first {
		t.Errorf("got %s, then %s", first, again)
	}
	if other := render("addresses=10.0.0.1,10.0.0.3"); other == first || !strings.Contains(other, "10.0.0.3") {
		t.Errorf("got %s, then %s", first, other)
	}
	t.Setenv("COREOS_ADDRESSES", "10.0.0.1,10.0.0.2")
	mustUp(t)
	kept := generatedFiles(t)
	if render("recreate=all"); generatedFiles(t) != kept {
		t.Error("a look at recreate=all has taken the token of nodes that live")
	}
	t.Setenv("COREOS_ADDRESSES", "10.0.0.1,10.0.0.4")
	if _, err := up(t, "recreate=all", "image=nowhere.qcow2"); err == nil || generatedFiles(t) != kept {
		t.Errorf("a run that fails has taken the token of nodes that live: %v", err)
	}
	// etcd has never formed: its nodes are recreated together, by a token of their own
	save(t, "plain.yml", strings.Replace(withEtcd, "Node_Name", "Node_Number", 1))
	for _, fresh := range []bool{false, true} {
		for _, name := range []string{"core01", "core02"} {
			if fresh { // no run that booted it has come to its end
				save(t, "vm/"+name+"/fresh", "")
			}
		}
		r, err := definedRun(t, "recreate=changed", "ready=on")
		if fresh && (err != nil || r.planned().Way != plan.NewGeneration) || !fresh && (err == nil || !strings.Contains(err.Error(), "no member of etcd answers")) {
			t.Errorf("fresh %t: got %v, %d", fresh, err, r.planned().Way)
		}
	}
	if r, err := definedRun(t, "recreate=core02", "ready=on"); err != nil || r.planned().Way != plan.Together {
		t.Errorf("one of two: got %v, %d", err, r.planned().Way)
	}
	if said := mustUp(t, "recreate=all"); strings.Count(said, ": recreated") != 2 || !strings.Contains(generatedFiles(t), "10.0.0.4") || strings.Contains(generatedFiles(t), "retired=true") {
		t.Errorf("got\n%s\n%s", said, generatedFiles(t))
	}
	// and one that was interrupted while its nodes were being removed is ended by the next run
	token, _, err := discovery.Read("vm", "core")
	token.Retired = true
	if err := errorOf(err, token.Mark("vm", "core")); err != nil {
		t.Fatal(err)
	}
	removeDomain(t, "core02")
	if said := mustUp(t); !strings.Contains(said, "core01: recreated") || strings.Contains(generatedFiles(t), "retired=true") || !strings.HasPrefix(domainNames(t), "core01 core02 ") {
		t.Errorf("got\n%s\n%s, %s", said, generatedFiles(t), domainNames(t))
	}
}

// TestAuthorityOfALivingCluster goes with its token, and is never made on the way.
func TestAuthorityOfALivingCluster(t *testing.T) {
	inClone(t)
	save(t, "plain.yml", strings.Replace(withEtcd, "Node_Name", "Etcd_CA_Certificate", 1))
	t.Setenv("COREOS_DISCOVERY", "static")
	t.Setenv("COREOS_ADDRESSES", "10.0.0.1,10.0.0.2")
	if err := Show(t.Context(), run(t, "ready=on", "recreate=all")); err != nil {
		t.Fatal(err)
	}
	if got := generatedFiles(t); got != "" {
		t.Errorf("a look has made %s", got)
	}
	if _, err := definedRun(t, "ready=on"); err != nil {
		t.Fatal(err)
	}
	refused(t, "ready=off: nodes do not say where they are: no node's etcd can be given a certificate", "without ready=off", "ready=off")
	for _, words := range [][]string{{"recreate=all"}, {}} {
		before := generatedFiles(t)
		if _, err := definedRun(t, append(words, "ready=on")...); err != nil || generatedFiles(t) != before {
			t.Errorf("%v: got %v, and another authority", words, err)
		}
	}
	if err := os.Remove("vm/tls.core/ca.pem"); err != nil {
		t.Fatal(err)
	}
	refused(t, "cannot read the cluster's certificate authority", "recreate=all", "ready=on")
}

// TestPlanRefusesWhatUpRefuses: before there is a token, too.
func TestPlanRefusesWhatUpRefuses(t *testing.T) {
	inClone(t)
	save(t, "plain.yml", withEtcd)
	for _, words := range [][]string{
		{"discovery=foo"},
		{"discovery=static", "addresses=192.0.2.1"},
		{"discovery=static", "addresses=here,there"},
		{"discovery=embedded", "discovery_listen=here"},
		{"discovery=embedded", "discovery_listen=127.0.0.1"},
		{"discovery=http://127.0.0.1:1/$word"},
	} {
		_, planned := saysPlan(t, words...)
		said, err := up(t, words...)
		if planned == nil || err == nil || planned.Error() != err.Error() {
			t.Errorf("%v: plan says %v, up %v\n%s", words, planned, err, said)
		}
		_ = os.RemoveAll("vm")
	}
}
