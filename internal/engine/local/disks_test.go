package local

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"coreos-libvirt/internal/engine"
)

// filesIn are those of a node in a folder, none of which is there yet.
func filesIn(dir string) engine.Files {
	return engine.Files{Ignition: filepath.Join(dir, "ignition.json"), Overlay: filepath.Join(dir, "core01.qcow2"), Console: filepath.Join(dir, "console.log")}
}

func save(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestDocument is a secret, and stays the same file where it is the same document: QEMU may have it open.
func TestDocument(t *testing.T) {
	var disks Disks
	node := filesIn(filepath.Join(t.TempDir(), "core01"))
	if _, err := disks.Document(node); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("none: got %v", err)
	}
	var before fs.FileInfo
	for i, c := range []struct {
		text string
		same bool
	}{{"{}", false}, {"{}", true}, {`{"a":1}`, false}} {
		if err := disks.WriteDocument(node, []byte(c.text)); err != nil {
			t.Fatal(err)
		}
		got, err := disks.Document(node)
		info, errInfo := os.Stat(node.Ignition)
		if err != nil || errInfo != nil || string(got) != c.text || info.Mode() != 0o600 || os.SameFile(before, info) != c.same {
			t.Errorf("%d: got %s, %v, %v", i, got, info, errors.Join(err, errInfo))
		}
		before = info
	}
	if left, _ := os.ReadDir(filepath.Dir(node.Ignition)); len(left) != 1 {
		t.Errorf("left are %v", left)
	}
}

func TestClear(t *testing.T) {
	var disks Disks
	dir := t.TempDir()
	node := filesIn(dir)
	if err := disks.Clear(node); err != nil {
		t.Errorf("nothing is there: %v", err)
	}
	for _, path := range []string{node.Ignition, node.Overlay, node.Console, filepath.Join(dir, "domain.xml")} {
		save(t, path, "x")
	}
	if err := disks.Clear(node); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 || left[0].Name() != "domain.xml" {
		t.Errorf("left are %v", left)
	}
	save(t, node.Ignition, "x")
	if err := os.MkdirAll(filepath.Join(node.Overlay, "mine"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := disks.Clear(node); err == nil {
		t.Error("a folder where the disk should be was removed")
	}
	if _, err := os.Stat(node.Ignition); err != nil {
		t.Errorf("without its disk the document went: %v", err)
	}
}

// TestDisksOfAKilledRunAreSwept: those that were prepared and not placed, and no others.
func TestDisksOfAKilledRunAreSwept(t *testing.T) {
	dir, disks := t.TempDir(), &Disks{}
	node, base := filesIn(dir), filepath.Join(t.TempDir(), "base.qcow2")
	if err := disks.Sweep(filesIn(filepath.Join(dir, "none"))); err != nil {
		t.Errorf("there is no folder: %v", err)
	}
	if out, err := exec.Command("qemu-img", "create", "-q", "-f", "qcow2", base, "1M").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if _, err := disks.Prepare(t.Context(), node, base, 1, []engine.FurtherDisk{{Name: "data", GiB: 1}}); err != nil {
		t.Fatal(err)
	}
	for _, mine := range []string{node.Overlay, ".other.qcow2.1.new", "notes.new", ".new"} {
		save(t, filepath.Join(dir, filepath.Base(mine)), "x")
	}
	if all, _ := os.ReadDir(dir); len(all) != 6 {
		t.Fatalf("prepared are %v", all)
	}
	if err := disks.Sweep(node); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 4 {
		t.Errorf("left are %v", left)
	}
}
