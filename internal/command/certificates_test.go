//go:build cgo && libvirt_dlopen

package command

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/authority"
	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/testkit/certificates"
	"coreos-libvirt/internal/testkit/etcdserver"
	"coreos-libvirt/internal/testkit/pace"
)

const aDay = 24 * time.Hour

// until is how a certificate is shown that holds so long from now.
func until(holds time.Duration) string { return time.Now().Add(holds).Format("2006-01-02") }

// TestEtcdShowsCertificates has a real etcd that speaks TLS. This host's own certificate is over: it is renewed before the member
// is asked.
func TestEtcdShowsCertificates(t *testing.T) {
	inClone(t)
	for _, name := range []string{"internal", "go.mod", "go.sum"} { // the helper's source
		if err := os.Symlink(filepath.Join(moduleRoot, name), name); err != nil {
			t.Fatal(err)
		}
	}
	mustUp(t, "nodes=1")
	t.Setenv("COREOS_READY", "on")
	t.Setenv("COREOS_NODES", "1")
	own, token := authority.Authority{Dir: "vm/tls.core"}, discovery.Static([]string{"core01"}, []string{addressOf(1)}, true)
	token.TLS, token.Formed = true, true
	if err := errorOf(own.Make(), token.Write("vm", "core")); err != nil {
		t.Fatal(err)
	}
	member := filepath.Join(t.TempDir(), "member.pem")
	has := func(from, until time.Duration) {
		certificates.Write(t, own.Dir, from, until, []string{addressOf(1)}, member)
	}
	has(-aDay, 265*aDay)
	client := "https://" + addressOf(1) + ":2379"
	etcdserver.Start(t, "core01", addressOf(1), "--initial-cluster=core01=http://"+addressOf(1)+":2380",
		"--listen-client-urls="+client, "--advertise-client-urls="+client,
		"--trusted-ca-file="+own.CertificateFile(), "--cert-file="+member, "--key-file="+member, "--client-cert-auth")
	ctx, cancel := context.WithTimeout(t.Context(), pace.Hang)
	defer cancel()
	if _, err := run(t).view().Client().WaitHealthy(ctx, []string{client}, 1, func(etcd.Status) {}); err != nil {
		t.Fatal(err)
	}
	certificates.Write(t, own.Dir, -400*aDay, -35*aDay, nil, own.ClientFile())
	asked := func(words ...string) string {
		t.Helper()
		r := run(t, words...)
		node := boot.Node{Step: plan.Step{Node: r.members()[0]}, Report: reportOf("core01", addressOf(1))} // it has no guest to ask
		if err := printMembers(ctx, r, r.view(), []boot.Node{node}); err != nil {
			t.Fatal(err)
		}
		return r.said()
	}
	if said := asked(); !strings.Contains(said, "etcd: this host has a new certificate for the members to see\n") || !strings.Contains(said, "CERTIFICATE\n") || !strings.Contains(said, "until "+until(265*aDay)+"\n") {
		t.Errorf("said %s", said)
	}
	if life, err := authority.LifeOf(own.ClientFile()); err != nil || life.Due(time.Now()) {
		t.Errorf("got %v, %v", life, err)
	}
	has(-250*aDay, 115*aDay) // etcd reads it at the next connection
	if said := asked(); strings.Contains(said, "new certificate") || !strings.Contains(said, "until "+until(115*aDay)+": `mage up` renews it\n") {
		t.Errorf("said %s", said)
	}
	var got []memberStatus
	if err := json.Unmarshal([]byte(asked("format=json")), &got); err != nil || len(got) != 1 || got[0].Name != "core01" || got[0].Certificate.Format("2006-01-02") != until(115*aDay) {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestStatusShowsCertificates of nodes that have one, also while they do not run. Others see no column for it.
func TestStatusShowsCertificates(t *testing.T) {
	inClone(t)
	mustUp(t, "nodes=3")
	halt(t, "core02")
	shown := func(words ...string) string {
		t.Helper()
		r := run(t, append(words, "nodes=3")...)
		if err := Status(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		return r.said()
	}
	if said := shown(); strings.Contains(said, "CERTIFICATE") {
		t.Errorf("without TLS: %s", said)
	}
	own := authority.Authority{Dir: "vm/tls.core"}
	if err := own.Make(); err != nil {
		t.Fatal(err)
	}
	certificates.Write(t, own.Dir, -aDay, 265*aDay, nil, "vm/core01/etcd.pem")
	certificates.Write(t, own.Dir, -400*aDay, -35*aDay, nil, "vm/core02/etcd.pem")
	said := shown()
	for node, want := range map[string]string{"core01": "until " + until(265*aDay), "core02": "expired on " + until(-35*aDay) + ": `mage up` renews it", "core03": "  -"} {
		found := false
		for line := range strings.Lines(said) {
			found = found || strings.HasPrefix(line, node+" ") && strings.HasSuffix(line, want+"\n")
		}
		if !found {
			t.Errorf("%s: want %s in\n%s", node, want, said)
		}
	}
	var got []nodeStatus
	if err := json.Unmarshal([]byte(shown("format=json")), &got); err != nil || len(got) != 3 || got[0].Certificate == nil || got[0].Certificate.Format("2006-01-02") != until(265*aDay) || got[2].Certificate != nil {
		t.Errorf("got %+v, %v", got, err)
	}
}
