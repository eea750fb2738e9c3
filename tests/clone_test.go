package tests

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"coreos-libvirt/internal/lab"
	"coreos-libvirt/internal/testkit/distributor"
	"coreos-libvirt/internal/testkit/pace"
)

// clone is a copy of the project as git has it, in a folder of its own: what a user begins with.
type clone struct {
	dir      string
	compiled bool     // whether targets are run by the program ./targets
	env      []string // of targets, beside this process' own
}

func newClone(t testing.TB) clone {
	t.Helper()
	c := clone{dir: filepath.Join(t.TempDir(), "coreos-libvirt")}
	list, err := exec.Command("git", "-C", "..", "ls-files", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.Lines(string(list)) {
		c.takes(t, strings.TrimSpace(name))
	}
	return c
}

// takes copies a file or a link of the project; it may be deleted, and that not yet committed.
func (c clone) takes(t testing.TB, name string) {
	t.Helper()
	if leads, err := os.Readlink(filepath.Join("..", name)); err == nil {
		distributor.Must(t, os.MkdirAll(filepath.Dir(filepath.Join(c.dir, name)), 0o755))
		distributor.Must(t, os.Symlink(leads, filepath.Join(c.dir, name)))
		return
	}
	data, err := os.ReadFile(filepath.Join("..", name))
	if os.IsNotExist(err) {
		return
	}
	distributor.Must(t, err)
	c.write(t, name, string(data))
}

func (c clone) read(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(c.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func (c clone) write(t testing.TB, name, text string) {
	t.Helper()
	path := filepath.Join(c.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// readmeCommand is the first line of README's code that holds part.
func (c clone) readmeCommand(t *testing.T, part string) string {
	t.Helper()
	for line := range strings.Lines(c.read(t, "README.md")) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "go run magefile.go") && strings.Contains(line, part) {
			return line
		}
	}
	t.Fatalf("README has no command with %q", part)
	return ""
}

// run runs a shell command in the clone, which must succeed.
func (c clone) run(t *testing.T, command string) string {
	t.Helper()
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir, cmd.Env = c.dir, append(os.Environ(), c.env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	return string(out)
}

func (c clone) command(args ...string) *exec.Cmd {
	cmd := exec.Command("go", append([]string{"run", "magefile.go"}, args...)...)
	if c.compiled {
		cmd = exec.Command("./targets", args...)
	}
	cmd.Dir, cmd.Env = c.dir, append(os.Environ(), c.env...)
	return cmd
}

// try runs targets, and gives all that they print.
func (c clone) try(args ...string) (string, error) {
	out, err := c.command(args...).CombinedOutput()
	return string(out), err
}

// installed is Mage itself, as users install it.
func (c clone) installed(t testing.TB) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "mage")
	cmd := exec.Command("go", "build", "-o", program, "github.com/magefile/mage")
	cmd.Dir, cmd.Env = c.dir, append(os.Environ(), "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// compile makes the targets a program, as for a test that runs many: Go and Mage look for changes each time. It is the one that is
// compiled for all of these tests.
func (c *clone) compile(t testing.TB) {
	t.Helper()
	program, err := os.ReadFile(filepath.Join(built, "mage"))
	if err == nil {
		err = os.WriteFile(filepath.Join(c.dir, "targets"), program, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	c.compiled = true
}

// mage runs targets that must succeed.
func (c clone) mage(t testing.TB, args ...string) string {
	t.Helper()
	out, err := c.try(args...)
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// Where the runs of these tests keep what they build and images: the defaults of root.
const (
	cache = "/var/cache/coreos-libvirt"
	store = "/var/lib/libvirt/images/coreos-libvirt"
)

func (c clone) world() *lab.World { return lab.New(c.dir, cache, store) }

func (c clone) leases() string { return c.world().Leases() }

// inLab runs a program inside the clone's lab.
func (c clone) inLab(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := c.world().Command(context.Background(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// processes are the command lines of all that belong to the clone: its path is in them.
func (c clone) processes(t testing.TB) (found []string) {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		text, _ := os.ReadFile(path) // it may have ended since
		line := string(bytes.ReplaceAll(text, []byte{0}, []byte(" ")))
		if strings.Contains(line, c.dir) || strings.Contains(line, c.world().State()) {
			found = append(found, line)
		}
	}
	return found
}

// nothingIsLeft checks what `down` promises.
func (c clone) nothingIsLeft(t testing.TB) {
	t.Helper()
	if domains := strings.TrimSpace(c.inLab(t, "virsh", "-q", "list", "--all", "--name")); domains != "" {
		t.Errorf("libvirt has %s", domains)
	}
	entries, err := os.ReadDir(filepath.Join(c.dir, "vm"))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if name := entry.Name(); name != "README.md" && !strings.HasPrefix(name, ".lock.") && name != ".workspace" {
			t.Errorf("vm/ holds %s", name)
		}
	}
	for _, line := range c.processes(t) {
		if strings.Contains(line, "qemu-system") || strings.Contains(line, "etcd-helper") {
			t.Errorf("a process is left: %s", line)
		}
	}
}

// kill ends a part of the clone's lab.
func (c clone) kill(t *testing.T, daemon string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(c.world().State(), daemon+".process"))
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Sscan(string(text), &pid); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// logConsoles is for whoever reads why a test failed: the ends of the nodes' consoles.
func (c clone) logConsoles(t *testing.T) {
	t.Helper()
	paths, _ := filepath.Glob(filepath.Join(c.dir, "vm", "*", "console.log"))
	for _, path := range paths {
		text, _ := os.ReadFile(path) // it may be gone by now
		lines := strings.Split(string(text), "\n")
		t.Logf("%s ends with\n%s", path, strings.Join(lines[max(0, len(lines)-20):], "\n"))
	}
}

// advisesUp reports whether a hint names `up` in the lab with the run's own words, if it has any, and then more, as "recreate=core01`
// recreates the node".
func advisesUp(out, more string) bool {
	return regexp.MustCompile("`[^`\\n]* lab up( [^ `]+)*" + regexp.QuoteMeta(more)).MatchString(out)
}

// waitFor starts cmd and waits until it has printed text. What it has printed by then is what said gives.
func waitFor(t *testing.T, cmd *exec.Cmd, text string) (said func() string) {
	t.Helper()
	return waitForAfter(t, cmd, func() {}, text)
}

// waitForAfter does something again and again meanwhile.
func waitForAfter(t *testing.T, cmd *exec.Cmd, meanwhile func(), text string) (said func() string) {
	t.Helper()
	out := &output{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(max(pace.Hang, pace.Limit(60))); !strings.Contains(out.String(), text); time.Sleep(50 * time.Millisecond) {
		meanwhile()
		if time.Now().After(deadline) {
			t.Fatalf("it never printed %q:\n%s", text, out.String())
		}
	}
	return out.String
}

// output is a buffer that may be read while it is written.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

var _ io.Writer = (*output)(nil)

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}
