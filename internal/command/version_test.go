//go:build cgo && libvirt_dlopen

package command

import (
	"os/exec"
	"strings"
	"testing"
)

// TestAnotherVersionIsNoChange: a cluster that another version of the program has made is as that made it until its nodes are recreated.
func TestAnotherVersionIsNoChange(t *testing.T) {
	unsaid(t)
	mustUp(t, xOne...)
	r := run(t)
	if got := domainOf(t, "x01").Metadata.Version; got != "" {
		t.Errorf("a folder that git does not know has no version, got %q", got)
	}
	for _, args := range []string{"init -q", "-c user.name=x -c user.email=x@example commit -q --allow-empty -m x", "tag v9.9.9"} {
		if out, err := exec.Command("git", append([]string{"-C", r.Workspace}, strings.Fields(args)...)...).CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", args, err, out)
		}
	}
	for _, older := range []string{"", "v0.0.1"} {
		mark := *domainOf(t, "x01").Metadata
		mark.Version = older
		made, err := r.daemon.Mark("x01", mark)
		if err != nil {
			t.Fatal(err)
		}
		save(t, "vm/x01/defined.xml", made)
		if said, status := planOf(t); status != 0 {
			t.Errorf("made by %q: status %d\n%s", older, status, said)
		}
		mustUp(t, "user=by"+older)
		if got := domainOf(t, "x01").Metadata; got.Version != older || !strings.Contains(got.Settings, "user=by"+older) {
			t.Errorf("the node was made by %q, its mark says %q", older, got.Version)
		}
	}
	mustUp(t, "recreate=x01")
	if got := domainOf(t, "x01").Metadata.Version; got != "v9.9.9" {
		t.Errorf("recreated by v9.9.9, its mark says %q", got)
	}
}
