package remote

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"coreos-libvirt/internal/terminal/hint"
)

// There is a real sshd in the lab's tests. Here ssh is a fake that runs the command on this machine, by the shell that sshd would
// use: only so can a connection end at will.
const fakeSSH = `#!/bin/sh
echo "$@" >>"$SSH_CALLS"
for command; do :; done
[ -z "$SSH_ONLY" ] || exec sh -c "head -c $SSH_ONLY | sh -c \"\$0\"" "$command"
[ -z "$SSH_FAILS" ] || { echo "$SSH_FAILS" >&2; exit 255; }
exec sh -c "$command"
`

// machine is one that the fake reaches, with its folder of temporary files, and the file of the fake's arguments.
func machine(t *testing.T) (m Machine, tmp, calls string) {
	t.Helper()
	bin, tmp := t.TempDir(), t.TempDir()
	calls = filepath.Join(bin, "calls")
	if err := os.WriteFile(filepath.Join(bin, "ssh"), []byte(fakeSSH), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	t.Setenv("SSH_CALLS", calls)
	t.Setenv("TMPDIR", tmp)
	return Machine{Name: "hv1", Destination: "root@hv1", Key: "/keys/a b"}, tmp, calls
}

// script is a program that is a shell script.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n[ \"$1\" != version ] || exit ${NO_VERSION:-0}\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// leaves makes sure that nothing is left of the program.
func leaves(t *testing.T, tmp string) {
	t.Helper()
	left, err := os.ReadDir(tmp)
	if err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// TestRun: words and variables arrive as they are, the program stands alone in a folder that nobody else may look into.
func TestRun(t *testing.T) {
	m, tmp, called := machine(t)
	arch, err := m.Arch(t.Context())
	if want, _ := exec.Command("uname", "-m").Output(); err != nil || arch != strings.TrimSpace(string(want)) {
		t.Errorf("got %q, %v", arch, err)
	}
	var out, said bytes.Buffer
	err = m.Run(t.Context(), Program{
		Path:  script(t, `printf '%s\n' "$@" "$A_B" "$(ls)" "$(stat -c %a .)" "$(cat)"; echo told >&2; mkdir vm; exit 7`),
		Words: []string{"host:check", "it's", `$(date) "x" \`, "", "a\nb"}, Env: []string{"A_B=c d'e"}, Stdout: &out, Stderr: &said,
	})
	want := "host:check\nit's\n$(date) \"x\" \\\n\na\nb\nc d'e\ncoreos-libvirt\n700\n\n"
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != 7 || out.String() != want || said.String() != "told\n" {
		t.Errorf("got %v, %q, %q", err, out.String(), said.String())
	}
	leaves(t, tmp)
	calls, err := os.ReadFile(called)
	if err != nil || strings.Count(string(calls), "-i /keys/a b -- root@hv1 ") != 2 {
		t.Errorf("%v: %s", err, calls)
	}
}

// TestWhatDoesNotRun: each has its advice, and leaves nothing.
func TestWhatDoesNotRun(t *testing.T) {
	for name, c := range map[string]struct{ variable, value, want, advice string }{
		"cut off":      {"SSH_ONLY", "20", "did not arrive whole at hv1; nothing was run there", "try again"},
		"nothing came": {"SSH_ONLY", "0", "did not arrive whole at hv1; nothing was run there", "try again"},
		"another libc": {"NO_VERSION", "1", "the program does not run on hv1", "glibc"},
		"cut later":    {"SSH_FAILS", "Connection to hv1 closed by remote host.", "the connection to hv1 ended", "ssh root@hv1"},
	} {
		t.Run(name, func(t *testing.T) {
			m, tmp, _ := machine(t)
			t.Setenv(c.variable, c.value)
			ran := filepath.Join(t.TempDir(), "ran")
			err := m.Run(t.Context(), Program{Path: script(t, "touch "+ran), Stdout: os.Stdout, Stderr: os.Stderr})
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(hint.Of(err, ""), c.advice) {
				t.Errorf("got %v", err)
			}
			if _, err := os.Stat(ran); err == nil {
				t.Error("it was run")
			}
			leaves(t, tmp)
		})
	}
}

// TestWhoCannotLogIn has ssh's own words, and advice.
func TestWhoCannotLogIn(t *testing.T) {
	for said, advice := range map[string]string{
		"Host key verification failed.":                           "`ssh root@hv1` once shows the key of the machine that answers, and keeps it in known_hosts",
		"nobody@hv1: Permission denied (publickey).":              "`ssh-copy-id root@hv1`",
		"ssh: connect to host hv1 port 22: Connection timed out":  "`ssh root@hv1` says more",
		"ssh: Could not resolve hostname hv1: Name does not work": "`ssh root@hv1` says more",
	} {
		m, _, _ := machine(t)
		t.Setenv("SSH_FAILS", said)
		if _, err := m.Arch(t.Context()); err == nil || !strings.Contains(err.Error(), "cannot log in to hv1 by ssh") || !strings.Contains(err.Error(), said) || !strings.Contains(hint.Of(err, ""), advice) {
			t.Errorf("got %v", err)
		}
	}
}

// TestKeyAdvice has the full command, of a port of its own, too; a key that has changed is no unknown one.
func TestKeyAdvice(t *testing.T) {
	const failed = "Host key verification failed."
	const changed = "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\r\n" + failed
	for destination, want := range map[string]struct{ said, advice string }{
		"root@hv1":           {failed, "`ssh-keyscan hv1 >>~/.ssh/known_hosts`"},
		"hv1":                {failed, "`ssh hv1` once"},
		"ssh://root@hv1:222": {failed, "`ssh-keyscan -p 222 hv1 >>~/.ssh/known_hosts`"},
		"me@hv1":             {changed, "`ssh-keygen -R hv1`, and then `ssh me@hv1` shows"},
		"ssh://me@hv1:222":   {changed, "`ssh-keygen -R '[hv1]:222'`"},
	} {
		if advice, is := (Machine{Destination: destination}).KeyAdvice(want.said); !is || !strings.Contains(advice, want.advice) {
			t.Errorf("%s: got %q", destination, advice)
		}
	}
	if advice, is := (Machine{Destination: "hv1"}).KeyAdvice("Permission denied"); is {
		t.Errorf("got %q", advice)
	}
}
