//go:build cgo && libvirt_dlopen

package command

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"coreos-libvirt/internal/engine"
)

// TestAWorkspaceThatMovedWithItsImage: the disk still names the base by the path of before. The error says what to type, and that is
// all that is to be done.
func TestAWorkspaceThatMovedWithItsImage(t *testing.T) {
	inClone(t)
	t.Setenv("COREOS_NODES", "1")
	mustUp(t)
	bootDomain(t, "core01")
	stopAll(t)
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	there := filepath.Join(t.TempDir(), "ws")
	if err := os.Rename(here, there); err != nil {
		t.Fatal(err)
	}
	t.Chdir(there)
	base := filepath.Join(there, "base.qcow2")
	_, failed := up(t)
	if failed == nil || theDomain(t, "core01").State != engine.ShutOff {
		t.Fatalf("got %v, it is %s", failed, theDomain(t, "core01").State)
	}
	contains(t, failed.Error(), "core01: its disk stands on "+here+"/base.qcow2, and that base image is "+base+" now\nhint: `qemu-img rebase -u -F qcow2 -b ", "recreate=core01` ")
	if err := run(t).Plan(t.Context()); err == nil {
		t.Error("plan: no error")
	} else {
		contains(t, err.Error(), "qemu-img rebase -u")
	}
	command := regexp.MustCompile("`(qemu-img rebase [^`]*)`").FindStringSubmatch(failed.Error())
	if command == nil {
		t.Fatalf("no command in %v", failed)
	}
	if out, err := exec.Command("sh", "-c", command[1]).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", command[1], err, out)
	}
	mustUp(t)
	plans(t, 0, "core01 unchanged defined, unchanged")
	if m := theDomain(t, "core01").Metadata; m.Base != base || m.Workspace != there {
		t.Errorf("its mark says %+v", m)
	}
	if err := starts(t, restartNodes(t)); err != nil {
		t.Error(err)
	}
	stopAll(t)
	keepsData(t, "core01")
}

// TestAnImageInAWorkspaceThatALinkLeadsTo is named by its own path: the link may go.
func TestAnImageInAWorkspaceThatALinkLeadsTo(t *testing.T) {
	inClone(t)
	t.Setenv("COREOS_NODES", "1")
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(here, link); err != nil {
		t.Fatal(err)
	}
	t.Chdir(link)
	mustUp(t)
	bootDomain(t, "core01")
	t.Chdir(here)
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	plans(t, 0, "core01 unchanged defined, unchanged")
	if m := theDomain(t, "core01").Metadata; m.Base != filepath.Join(here, "base.qcow2") {
		t.Errorf("its mark says %s", m.Base)
	}
	if err := starts(t, restartNodes(t)); err != nil {
		t.Error(err)
	}
	stopAll(t)
	keepsData(t, "core01")
}
