package tests

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"coreos-libvirt/internal/testkit/pace"
	"coreos-libvirt/internal/workspace/artifact"
)

// watching is a running `mage watch` on a workspace of its own.
type watching struct {
	dir   string
	lines *bufio.Scanner
}

const watched = "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /etc/x\n      mode: 0644\n      contents: {inline: \"%s\"}\n"

func watch(t testing.TB, words ...string) *watching {
	t.Helper()
	w := watchable(t)
	w.save(t, fmt.Sprintf(watched, "first"))
	w.start(t, words...)
	w.until(t, "watching ")
	return w
}

// watchable is a workspace with the shipped config.
func watchable(t testing.TB) *watching {
	t.Helper()
	w := &watching{dir: t.TempDir()}
	for _, folder := range []string{"templates", "ignition"} {
		if err := os.CopyFS(filepath.Join(w.dir, folder), os.DirFS(filepath.Join("..", folder))); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// mage is a run of targets there.
func (w *watching) mage(args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(built, "mage"), args...)
	cmd.Dir = w.dir
	return cmd
}

func (w *watching) start(t testing.TB, words ...string) {
	t.Helper()
	cmd := w.mage(append([]string{"watch", "nodes=3"}, words...)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	w.lines = bufio.NewScanner(out)
	t.Cleanup(func() { _ = cmd.Process.Signal(syscall.SIGINT) })
}

func (w *watching) save(t testing.TB, text string) {
	t.Helper()
	w.write(t, "ignition/ignition.yml", text)
}

func (w *watching) write(t testing.TB, name, text string) {
	t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// until gives what is printed up to a line that holds text.
func (w *watching) until(t testing.TB, text string) (said string) {
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
	if said := w.until(t, "hint: "); !strings.Contains(said, "ignition/ignition.yml:3:1: error: there is no key storaje in the config") {
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

// A local file beside a Container Linux Config is watched, and nothing else there.
func TestWatchSeesWhatIsBesideTheConfig(t *testing.T) {
	w := watchable(t)
	w.write(t, "ignition/coreos-metadata-qemu", "first")
	w.save(t, "storage:\n  files:\n    - {filesystem: root, path: /opt/x, mode: 0755, contents: {local: coreos-metadata-qemu}}\n")
	w.start(t)
	w.until(t, "watching ")
	w.write(t, "ignition/notes", "of no config")
	w.write(t, "ignition/coreos-metadata-qemu", "second")
	if said := w.until(t, "that was all"); !strings.Contains(said, "-      contents: first\n+      contents: second\n") || strings.Contains(said, "nothing changed") {
		t.Errorf("got\n%s", said)
	}
}

// A watch is a look: other runs go on beside it, and it leaves no trace, not even of a config that asks for a
// key and a token.
func TestWatchLocksAndWritesNothing(t *testing.T) {
	w := watchable(t)
	w.start(t)
	w.until(t, "watching ")
	if _, err := os.Stat(filepath.Join(w.dir, "vm")); !os.IsNotExist(err) {
		t.Errorf("there is a vm/: %v", err)
	}
	w.save(t, fmt.Sprintf(watched, "Node_Name"))
	w.until(t, "that was all")
	if out, err := w.mage("render", "nodes=3", "wait=false").CombinedOutput(); err != nil {
		t.Errorf("a run beside it: %v\n%s", err, out)
	}
}

// A look does not wait for a run that is at the cluster.
func TestShowWaitsForNobody(t *testing.T) {
	w := watchable(t)
	unlock, err := artifact.Lock(t.Context(), filepath.Join(w.dir, "vm", ".lock.core"), func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(t.Context(), pace.Hang)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(built, "mage"), "show")
	cmd.Dir = w.dir
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "# vm/core01/ignition.json") {
		t.Errorf("got %v\n%s", err, out)
	}
}

// The first good save after a bad start is told, with what is worth a word.
func TestWatchFromABadStart(t *testing.T) {
	w := watchable(t)
	w.save(t, "variant: fcos\nversion: 1.5.0\nstoraje: {}\n")
	w.start(t)
	w.until(t, "for a good save")
	w.save(t, "storage: {files: [{filesystem: root, path: /x, contents: {inline: y}}]}\n")
	if said := w.until(t, "all 3 Ignition documents are in order"); !strings.Contains(said, "ignition/ignition.yml:1:19: warning: mode unspecified") {
		t.Errorf("got\n%s", said)
	}
}

// A config in the workspace's own folder: what is beside it, and vm/ and .git, do not count; its folders do,
// also when they go and come back.
func TestWatchInTheWorkspace(t *testing.T) {
	w := watchable(t)
	w.write(t, "own.yml", fmt.Sprintf(watched, "first"))
	w.start(t, "config=own.yml")
	w.until(t, "watching own.yml")
	w.write(t, "vm/core01/console.log", "x")
	w.write(t, ".git/index", "x")
	w.write(t, "README.md", "x")
	w.write(t, "own.yml", fmt.Sprintf(watched, "second"))
	if said := w.until(t, "that was all"); strings.Contains(said, "nothing changed") {
		t.Errorf("what does not count did: got\n%s", said)
	}
	for _, text := range []string{"one", "two"} { // there is no nodes/ before
		w.write(t, "nodes/core02.yml", fmt.Sprintf(watched, text))
		if said := w.until(t, "+      contents: "+text); !strings.Contains(said, "core02\n@@") {
			t.Errorf("got\n%s", said)
		}
		if err := os.RemoveAll(filepath.Join(w.dir, "nodes")); err != nil {
			t.Fatal(err)
		}
		w.until(t, "-      contents: "+text)
	}
}

// A folder that is exchanged, as by git, ends nothing.
func TestWatchFolderIsExchanged(t *testing.T) {
	w := watch(t)
	ignition := filepath.Join(w.dir, "ignition")
	if err := os.Rename(ignition, ignition+".old"); err != nil {
		t.Fatal(err)
	}
	w.until(t, "cannot read the config")
	for _, text := range []string{"another", "one more"} {
		w.save(t, fmt.Sprintf(watched, text))
		w.until(t, "+      contents: "+text)
	}
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
