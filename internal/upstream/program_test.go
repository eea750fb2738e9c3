package upstream

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The programs are built once: of a folder that has them nothing is built again, and one of other people's is not used. An older one that
// nobody has used for long goes.
func TestEnsure(t *testing.T) {
	if testing.Short() {
		t.Skip("it compiles Ignition")
	}
	bin := filepath.Join(t.TempDir(), "bin")
	old, other := filepath.Join(bin, "ignition-apply-0123456789ab"), filepath.Join(bin, "etcd-helper-0123456789ab")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{old, other} {
		long := time.Now().AddDate(0, -1, 0)
		if err := errors.Join(os.WriteFile(path, nil, 0o755), os.Chtimes(path, long, long)); err != nil {
			t.Fatal(err)
		}
	}
	said := []string{}
	say := func(format string, _ ...any) { said = append(said, format) }
	programs, err := Ensure(t.Context(), bin, say)
	if err != nil {
		t.Fatal(err)
	}
	if len(said) != 2 {
		t.Errorf("two programs are built, and it says %q", said)
	}
	if _, err := os.Stat(old); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an older program is still there: %v", err)
	}
	if _, err := os.Stat(other); err != nil {
		t.Error(err)
	}
	root := t.TempDir()
	cmd := exec.Command(programs.Apply, root)
	cmd.Env = []string{"container=yes"}
	cmd.Stdin = strings.NewReader(`{"ignition":{"version":"3.4.0"},"storage":{"files":[{"path":"/etc/x","contents":{"source":"data:,hello"}}]}}`)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if text, err := os.ReadFile(filepath.Join(root, "etc/x")); err != nil || string(text) != "hello" {
		t.Errorf("got %q, %v", text, err)
	}
	if left, err := filepath.Glob(filepath.Join(bin, ".build-*")); err != nil || len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	said = nil
	if _, err := Ensure(t.Context(), bin, say); err != nil || len(said) > 0 {
		t.Errorf("the second time: %v, %q", err, said)
	}
	if err := os.Chmod(programs.Apply, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, there := Built(bin); there {
		t.Error("a program that anybody may have written is used")
	}
}
