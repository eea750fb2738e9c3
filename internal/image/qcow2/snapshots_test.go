package qcow2

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestSnapshots are those that qemu-img made, whatever their names' lengths.
func TestSnapshots(t *testing.T) {
	if _, err := exec.LookPath("qemu-img"); err != nil {
		t.Skip(err)
	}
	disk := filepath.Join(t.TempDir(), "disk.qcow2")
	want := []string{"clean", "a", "before-the-test", strings.Repeat("x", 200)}
	commands := [][]string{{"create", "-q", "-f", "qcow2", disk, "1M"}}
	for _, name := range want {
		commands = append(commands, []string{"snapshot", "-c", name, disk})
	}
	for i, args := range commands {
		if out, err := exec.Command("qemu-img", args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		if got, err := Snapshots(disk); err != nil || !slices.Equal(got, want[:i]) {
			t.Errorf("after %d: got %q, %v", i, got, err)
		}
	}
	if out, err := exec.Command("qemu-img", "snapshot", "-d", "a", disk).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got, err := Snapshots(disk); err != nil || !slices.Equal(got, slices.Delete(slices.Clone(want), 1, 2)) {
		t.Errorf("one is deleted: got %q, %v", got, err)
	}
	if _, err := Snapshots(disk + ".none"); err == nil {
		t.Error("there is no such file")
	}
}
