package check

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/testkit/pace"
	"coreos-libvirt/internal/testkit/sshserver"
)

// fakeNode is a folder of this host behind ssh, in which a fake systemd runs one unit: what a real one does is seen in the lab
// (tests/check_test.go).
type fakeNode struct {
	Node
	root, home, fake string
	keys             string // folder of the keys that ssh is given
}

func newNode(t *testing.T) fakeNode {
	t.Helper()
	root, home, fake := t.TempDir(), t.TempDir(), t.TempDir()
	programs, err := filepath.Abs("testdata/fake")
	if err != nil {
		t.Fatal(err)
	}
	n := fakeNode{root: root, home: home, fake: fake}
	n.save(t, "proc/sys/kernel/random/boot_id", "first\n")
	n.save(t, "etc/os-release", "NAME=Fedora\nID=fedora\nVARIANT_ID=coreos\n")
	server := sshserver.Start(t, home, "PATH="+programs+":"+os.Getenv("PATH"), "ROOT="+root, "FAKE="+fake) //nolint:forbidigo // the test's own
	sshserver.Nodes(t, map[string]*sshserver.Server{"core01": server})
	access := guest.Access{Dir: filepath.Join(t.TempDir(), "ssh.core"), New: true}
	if err := os.Mkdir(access.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	n.keys = access.Dir
	n.Node = Node{
		Name: "core01", User: "core", Root: root, Boot: time.Minute,
		Way: func(context.Context) (guest.Access, string, error) { return access, "core01", nil },
	}
	return n
}

func (n fakeNode) save(t *testing.T, path, text string) {
	t.Helper()
	path = filepath.Join(n.root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// job is a test that runs the script.
func job(t *testing.T, script string) Job {
	t.Helper()
	exe := filepath.Join(t.TempDir(), "basic")
	if err := os.WriteFile(exe, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return Job{Name: "files.basic", Exe: exe, Base: "basic", Timeout: 10 * time.Minute}
}

// run runs the script as a test, and gives the lines that were said meanwhile.
func (n fakeNode) run(t *testing.T, j Job) (Result, string) {
	t.Helper()
	said := []string{}
	result := n.Run(t.Context(), j, func(line string) { said = append(said, line) })
	return result, strings.Join(said, "\n")
}

// nothingIsLeft of a test in the node, once a script whose connection was ended has seen that.
func (n fakeNode) nothingIsLeft(t *testing.T) {
	t.Helper()
	left := []string{"not looked yet"}
	for deadline := time.Now().Add(pace.Answer); len(left) > 0; time.Sleep(100 * time.Millisecond) {
		if left = n.left(); time.Now().After(deadline) {
			t.Fatalf("left: %s", left)
		}
	}
}

// left are files of a test in the node, and the processes of its script.
func (n fakeNode) left() (all []string) {
	for _, folder := range []string{n.root, n.home} {
		_ = filepath.WalkDir(folder, func(path string, _ os.DirEntry, _ error) error {
			if name := filepath.Base(path); strings.Contains(name, "kola") || strings.Contains(name, "autopkgtest") {
				all = append(all, path)
			}
			return nil
		})
	}
	if out, err := exec.Command("pgrep", "-f", n.root+"/usr/local/bin/kola-runext-").Output(); err == nil {
		all = append(all, "processes "+string(out))
	}
	return all
}

func TestPasses(t *testing.T) {
	n := newNode(t)
	n.save(t, "etc/systemd/system/kola-runext.service", "[Service]\nof an earlier run\n")
	n.save(t, "opt/bin/kola-runext-old", "of an earlier run")
	n.save(t, "run/kola-runext-env", "AUTOPKGTEST_REBOOT_MARK='old'\n")
	data, shared := t.TempDir(), filepath.Join(t.TempDir(), "lib.sh")
	if err := errors.Join(os.WriteFile(shared, []byte("ok() { echo ok \"$@\"; }\n"), 0o600), os.Symlink(shared, filepath.Join(data, "lib.sh")), os.Mkdir(filepath.Join(data, "deep"), 0o755),
		os.WriteFile(filepath.Join(data, "deep/tool"), []byte("#!/bin/sh\necho tool\n"), 0o755)); err != nil {
		t.Fatal(err)
	}
	j := job(t, "#!/bin/sh\n. \"$KOLA_EXT_DATA/lib.sh\"\nok \"$KOLA_UNIT $KOLA_TEST $KOLA_TEST_EXE [$AUTOPKGTEST_REBOOT_MARK]\"\n\"$KOLA_EXT_DATA/deep/tool\"\nprintf 'e\\033[31mnd'\n")
	j.Data = data
	result, said := n.run(t, j)
	if want := "ok kola-runext.service files.basic basic []\ntool\nend"; result.Status != Passed || result.Why != "" || said != want || strings.TrimSpace(result.Output) != want {
		t.Errorf("got %+v, said %q", result, said)
	}
	n.nothingIsLeft(t)
	arch, distro, err := n.About(t.Context())
	if err != nil || arch == "" || distro != "fcos" {
		t.Errorf("about: %s %s %v", arch, distro, err)
	}
}

func TestHowATestEnds(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		status Status
		why    string
	}{
		"fails":            {"#!/bin/sh\nexit 3\n", Failed, "exit status 3"},
		"skips":            {"#!/bin/sh\nexit 77\n", Skipped, "exit status 77"},
		"killed":           {"#!/bin/sh\nkill -9 $$\n", Failed, "killed by signal 9 (SIGKILL)"},
		"SIGTERM":          {"#!/bin/sh\nkill $$\n", Failed, "killed by signal 15 (SIGTERM)"},
		"a mark that none": {"#!/bin/sh\n" + `$(dirname $0)/../../../tmp/autopkgtest-reboot "a'; x"` + "\n", Failed, `it asks for a reboot with the mark "a'; x": a mark has letters, digits and @%+=:,./_- only`},
		"no mark":          {"#!/bin/sh\n$(dirname $0)/../../../tmp/autopkgtest-reboot\n", Failed, "exit status 2"},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNode(t)
			if result, said := n.run(t, job(t, c.script)); result.Status != c.status || result.Why != c.why || result.Lost {
				t.Errorf("got %+v, said %q", result, said)
			}
			n.nothingIsLeft(t)
		})
	}
}

// rebooting is kola's own example, as the documentation of external tests has it, but for the path of the program.
const rebooting = `#!/bin/bash
set -xeuo pipefail
tmp=$(dirname $0)/../../../tmp
case "${AUTOPKGTEST_REBOOT_MARK:-}" in
  "") echo "test beginning"; $tmp/autopkgtest-reboot mark1 ;;
  mark1) echo "test in mark1"; $tmp/autopkgtest-reboot-prepare mark2; reboot ;;
  mark2) echo "test in mark2" ;;
  *) echo "unexpected mark: ${AUTOPKGTEST_REBOOT_MARK}"; exit 1;;
esac
echo "ok autopkgtest rebooting"
`

func TestReboots(t *testing.T) {
	n := newNode(t)
	result, said := n.run(t, job(t, rebooting))
	if result.Status != Passed || result.Reboots != 2 {
		t.Errorf("got %+v, said %q", result, said)
	}
	at := 0
	for _, line := range []string{"\ntest beginning\n", "\nreboots, with the mark mark1\n", "\ntest in mark1\n", "\nreboots, with the mark mark2\n", "\ntest in mark2\n", "\nok autopkgtest rebooting"} {
		i := strings.Index(said[at:], line)
		if i < 0 {
			t.Fatalf("no %q behind %q", line, said[at:])
		}
		at += i
	}
	n.nothingIsLeft(t)
}

func TestANodeThatDoesNotComeBack(t *testing.T) {
	n := newNode(t)
	n.Boot = 3 * time.Second
	if err := os.WriteFile(filepath.Join(n.fake, "stays-down"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	result, _ := n.run(t, job(t, rebooting))
	if result.Status != Failed || !strings.HasPrefix(result.Why, "the node does not come back from a reboot: after 3s: ") || !result.Lost {
		t.Errorf("got %+v", result)
	}
	n.Way = func(context.Context) (guest.Access, string, error) { return guest.Access{}, "", ErrGone }
	if result, _ = n.run(t, job(t, "#!/bin/sh\n")); result.Status != Failed || !strings.Contains(result.Why, "it cannot be copied to the node: it does not run") || !result.Lost {
		t.Errorf("one that is off: got %+v", result)
	}
}

func TestANodeThatRebootsUnasked(t *testing.T) {
	n := newNode(t)
	result, said := n.run(t, job(t, "#!/bin/sh\necho before\nsleep 3\nreboot\n"))
	if result.Status != Failed || result.Why != errUnasked.Error() || result.Lost || said != "before" {
		t.Errorf("got %+v, said %q", result, said)
	}
	n.nothingIsLeft(t)
}

// TestTimeout: a test has several times as long here as one that does nothing takes.
func TestTimeout(t *testing.T) {
	n := newNode(t)
	idle, _ := n.run(t, job(t, "#!/bin/sh\n"))
	j := job(t, "#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 1; done\n")
	j.Timeout = max(3*time.Second, 3*idle.Took).Round(time.Second)
	if result, _ := n.run(t, j); result.Status != Failed || result.Why != fmt.Sprintf("timed out after %s", j.Timeout) {
		t.Errorf("got %+v", result)
	}
	n.nothingIsLeft(t)
}

func TestInterrupted(t *testing.T) {
	n := newNode(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	result := n.Run(ctx, job(t, "#!/bin/sh\necho begun\nsleep 1000\n"), func(string) { cancel() })
	if result.Status != Failed || result.Why != "interrupted" {
		t.Errorf("got %+v", result)
	}
	n.nothingIsLeft(t)
}

// TestTheConnectionBreaks while a test runs: another one goes on, and no line is lost or said twice.
func TestTheConnectionBreaks(t *testing.T) {
	n := newNode(t)
	var once sync.Once
	said := []string{}
	script := "#!/bin/sh\nfor i in 1 2 3 4 5; do echo line $i; sleep 1; done\n"
	result := n.Run(t.Context(), job(t, script), func(line string) {
		said = append(said, line)
		once.Do(func() { killSSH(t, n.keys) })
	})
	if want := []string{"line 1", "line 2", "line 3", "line 4", "line 5"}; result.Status != Passed || !slices.Equal(said, want) {
		t.Errorf("got %+v, said %q", result, said)
	}
	n.nothingIsLeft(t)
}

// killSSH kills the ssh that was given keys of the folder.
func killSSH(t *testing.T, keys string) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		line, _ := os.ReadFile(path)
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil && pid != os.Getpid() && strings.Contains(string(line), keys) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}
