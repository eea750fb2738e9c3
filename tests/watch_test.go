package tests

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// watching is a running `mage watch` on a workspace of its own.
type watching struct {
	dir   string
	lines *bufio.Scanner
}

const watched = "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /etc/x\n      mode: 0644\n      contents: {inline: \"%s\"}\n"

func watch(t testing.TB) watching {
	t.Helper()
	w := watching{dir: t.TempDir()}
	for _, folder := range []string{"templates", "ignition"} {
		if err := os.CopyFS(filepath.Join(w.dir, folder), os.DirFS(filepath.Join("..", folder))); err != nil {
			t.Fatal(err)
		}
	}
	w.save(t, fmt.Sprintf(watched, "first"))
	cmd := exec.Command(filepath.Join(built, "mage"), "watch", "nodes=3")
	cmd.Dir = w.dir
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	w.lines = bufio.NewScanner(out)
	w.until(t, "watching ignition/ignition.yml")
	t.Cleanup(func() { _ = cmd.Process.Signal(syscall.SIGINT) })
	return w
}

func (w watching) save(t testing.TB, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, "ignition", "ignition.yml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// until gives what is printed up to a line that holds text.
func (w watching) until(t testing.TB, text string) (said string) {
	t.Helper()
	for w.lines.Scan() {
		said += w.lines.Text() + "\n"
		if strings.Contains(w.lines.Text(), text) {
			return said
		}
	}
	t.Fatalf("it ended without %q:\n%s", text, said)
	return said
}

func TestWatch(t *testing.T) {
	w := watch(t)
	w.save(t, fmt.Sprintf(watched, "of Node_Prefix"))
	if said := w.until(t, "that was all"); !strings.Contains(said, "core01, core02, core03\n@@") ||
		!strings.Contains(said, "-      contents: first\n+      contents: of core\n") {
		t.Errorf("got\n%s", said)
	}
	w.save(t, "variant: fcos\nversion: 1.5.0\nstoraje: {}\n")
	if said := w.until(t, "hint: "); !strings.Contains(said, "ignition/ignition.yml:3:1: warning: unused key storaje") {
		t.Errorf("got\n%s", said)
	}
	w.save(t, fmt.Sprintf(watched, "of Node_Name"))
	if said := w.until(t, "that was all"); strings.Count(said, "@@") != 6 || !strings.Contains(said, "+      contents: of core03\n") {
		t.Errorf("got\n%s", said)
	}
	// an editor that writes another file and renames it
	swap := filepath.Join(w.dir, "ignition", ".ignition.yml.swp")
	if err := os.WriteFile(swap, []byte(fmt.Sprintf(watched, "swapped")), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(swap, filepath.Join(w.dir, "ignition", "ignition.yml")); err != nil {
		t.Fatal(err)
	}
	w.until(t, "+      contents: swapped")
}

// BenchmarkWatch is from a save to the printed difference.
func BenchmarkWatch(b *testing.B) {
	w := watch(b)
	i := 0
	for b.Loop() {
		i++
		w.save(b, fmt.Sprintf(watched, fmt.Sprint("save ", i)))
		w.until(b, fmt.Sprintf("+      contents: save %d", i))
		b.StopTimer()
		w.until(b, "that was all")
		b.StartTimer()
	}
}
