//go:build cgo && libvirt_dlopen

package command

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
)

// listed is what `mage clusters` prints.
func listed(t *testing.T, words ...string) string {
	t.Helper()
	r := run(t, words...)
	if err := Clusters(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return r.said()
}

// TestClustersOfThisHost: of every workspace, with nothing changed in any.
func TestClustersOfThisHost(t *testing.T) {
	unsaid(t)
	if said := listed(t); !strings.Contains(said, "clusters: there are none at uri=test:///default") {
		t.Errorf("got %s", said)
	}
	if said := listed(t, "format=json"); strings.TrimSpace(said) != "[]" {
		t.Errorf("got %s", said)
	}
	mustUp(t, xOne...)
	mustUp(t, "prefix=y", "nodes=2", "config=other.yml", "image=base.qcow2", "ready=off", "disk=1")
	halt(t, "y02")
	here, _ := os.Getwd()
	t.Chdir(t.TempDir()) // another workspace
	elsewhere, before := listed(t), snapshot(t)
	for _, want := range []string{"x 1 0 base " + here + " ", "y 2, 1 running 0 base " + here + " "} {
		if !strings.Contains(strings.Join(strings.Fields(elsewhere), " "), want) {
			t.Errorf("no %q in\n%s", want, elsewhere)
		}
	}
	var all []clusterStatus
	if err := json.Unmarshal([]byte(listed(t, "format=json")), &all); err != nil || len(all) != 2 || all[1].Prefix != "y" || all[1].Nodes != 2 ||
		all[1].Running != 1 || all[1].Here || all[1].Since == nil || time.Since(*all[1].Since) < 0 {
		t.Errorf("got %+v, %v", all, err)
	}
	if before != snapshot(t) || before != "" {
		t.Errorf("something was written: %s", snapshot(t))
	}
	t.Chdir(here)
	if err := json.Unmarshal([]byte(listed(t, "format=json")), &all); err != nil || !all[0].Here {
		t.Errorf("got %+v, %v", all, err)
	}
}

func TestAge(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 40 * time.Second: "40s", 61 * time.Second: "1m1s", 5*time.Hour + 12*time.Minute: "5h12m", 76 * time.Hour: "3d4h",
	} {
		if got := ageOf(d); got != want {
			t.Errorf("%s: got %s, want %s", d, got, want)
		}
	}
}

// TestInitOfAClusterThatRuns: the file says what the cluster was made with; with it, nothing is to be done.
func TestInitOfAClusterThatRuns(t *testing.T) {
	unsaid(t)
	mustUp(t, append([]string{"var.My_Word=a", "user=admin"}, xOne...)...)
	r := run(t)
	if err := ClustersInit(t.Context(), r); err != nil || !strings.Contains(r.said(), "clusters:init: wrote clusters/x.yml") {
		t.Fatalf("%v\n%s", err, r.said())
	}
	text, _ := os.ReadFile("clusters/x.yml")
	for _, want := range []string{"# yaml-language-server: $schema=schema.json\n", "nodes: 1\n", "ram: 1536\n", "config: my.yml\n", "user: admin\n", "ready: off\n", "  My_Word: a\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(string(text), "\nprefix") || strings.Contains(string(text), "uri:") {
		t.Errorf("got\n%s", text)
	}
	if said, status := planOf(t); status != 0 || !strings.Contains(said, "x01 unchanged") {
		t.Errorf("status %d\n%s", status, said)
	}
	if err := ClustersInit(t.Context(), run(t, "ram=512")); err == nil || !strings.Contains(err.Error(), "clusters/x.yml is there already, and was left as it is\nhint: ") {
		t.Errorf("got %v", err)
	}
	if now, _ := os.ReadFile("clusters/x.yml"); string(now) != string(text) {
		t.Errorf("it was overwritten:\n%s", now)
	}
	if s := run(t).Settings; s.RAM != 1536 || s.Prefix != "x" {
		t.Errorf("got %+v", s)
	}
}
