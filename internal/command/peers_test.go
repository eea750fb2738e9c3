//go:build cgo && libvirt_dlopen

package command

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/testkit/pace"
	"coreos-libvirt/internal/testkit/sshserver"
	"coreos-libvirt/internal/workspace/session"
)

// reached are nodes that answer by ssh, each with a home folder of its own. They run, as libvirt's test driver has it, and its
// addresses are ones at which nobody is: the ssh in PATH goes to servers of the test's instead.
func reached(t *testing.T, names ...string) (homes map[string]string) {
	t.Helper()
	inClone(t)
	mustUp(t, "nodes="+string(rune('0'+len(names))))
	homes, servers := map[string]string{}, map[string]*sshserver.Server{}
	for _, name := range names {
		homes[name] = t.TempDir()
		servers[name] = sshserver.Start(t, homes[name], "NODE="+name)
	}
	sshserver.Nodes(t, servers)
	return homes
}

// stderrOf is what goes to standard error meanwhile.
func stderrOf(t *testing.T, do func()) string {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	before := os.Stderr
	os.Stderr = file
	defer func() { os.Stderr = before }()
	do()
	text, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestSSHToSeveral has a line of each node's behind its name, stdout and stderr apart, and the worst status, that of a node
// which is off among them.
func TestSSHToSeveral(t *testing.T) {
	reached(t, "core01", "core02")
	r := run(t, "all=true", "cmd=echo $NODE; echo a\x1b[2J fault >&2; printf 'no\nend'; test $NODE = core01 || exit 7")
	var err error
	faults := stderrOf(t, func() { err = SSH(t.Context(), r) })
	var status session.ExitStatus
	if !errors.As(err, &status) || status != 7 {
		t.Errorf("got %v", err)
	}
	for _, node := range []string{"core01", "core02"} {
		lines := ""
		for line := range strings.Lines(r.said()) {
			if text, its := strings.CutPrefix(line, node+" "); its {
				lines += text
			}
		}
		if lines != node+"\nno\nend\n" || !strings.Contains(faults, node+" a fault\n") {
			t.Errorf("%s: got %q and %q", node, r.said(), faults)
		}
	}

	halt(t, "core02")
	r = run(t, "prefix=core", "cmd=echo $NODE")
	faults = stderrOf(t, func() { err = SSH(t.Context(), r) })
	if !errors.As(err, &status) || status != 255 || r.said() != "core01 core01\n" ||
		faults != "core02 core02 is shut off\ncore02 hint: `"+asCalled(r.Settings, "start", "node=core02")+"` boots it\n" {
		t.Errorf("one is off: got %v, %q and %q", err, r.said(), faults)
	}
	if err := SSH(t.Context(), run(t, "all=true")); err == nil || !strings.Contains(err.Error(), "it wants cmd=\nhint: `") {
		t.Errorf("without cmd=: got %v", err)
	}
}

// TestShellIsInTheLab only.
func TestShellIsInTheLab(t *testing.T) {
	if err := Shell(t.Context(), run(t)); err == nil || !strings.HasSuffix(err.Error(), " lab shell`") {
		t.Errorf("got %v", err)
	}
	t.Setenv("COREOS_LAB", "1")
	t.Setenv("COREOS_RELAUNCHED", "1")
	var status session.ExitStatus
	if err := Shell(t.Context(), run(t, `cmd=exit $((4 + ${COREOS_RELAUNCHED-3}))`)); !errors.As(err, &status) || status != 7 {
		t.Errorf("got %v", err)
	}
}

// TestCopy takes a folder to all nodes, and back into a folder for each: exact bytes, modes and links, names with blanks.
func TestCopy(t *testing.T) {
	homes := reached(t, "core01", "core02")
	save(t, "my site/in here/a b.txt", strings.Repeat("\x00\xff text\n", 100_000))
	save(t, "my site/run.sh", "#!/bin/sh\n")
	for path, mode := range map[string]fs.FileMode{"my site/run.sh": 0o755, "my site/in here/a b.txt": 0o640, "my site/in here": 0o550} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("in here/a b.txt", "my site/link"); err != nil {
		t.Fatal(err)
	}
	r := run(t, "from=my site", "to=:", "all=true")
	if err := Copy(t.Context(), r); err != nil || !strings.Contains(r.said(), "core01: my site (2 files, 781 KiB)\n") || !strings.Contains(r.said(), "core02: ") {
		t.Fatalf("got %v\n%s", err, r.said())
	}
	r = run(t, "from=:my site", "to=back", "prefix=core")
	if err := Copy(t.Context(), r); err != nil {
		t.Fatalf("got %v\n%s", err, r.said())
	}
	for _, node := range []string{"core01", "core02"} {
		for _, copied := range []string{filepath.Join(homes[node], "my site"), filepath.Join("back", node, "my site")} {
			got := strings.ReplaceAll(tree(t, copied), homes[node]+"/", "") // the test's server makes links absolute
			if want := tree(t, "my site"); got != want {
				t.Errorf("%s: got\n%s\nwant\n%s", copied, got, want)
			}
		}
	}
}

// tree is each path below the folder, with mode and contents.
func tree(t *testing.T, root string) (all string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		text := []byte{}
		if info.Mode().IsRegular() {
			text, _ = os.ReadFile(path)
		}
		leads, _ := os.Readlink(path)
		name, _ := filepath.Rel(root, path)
		all += name + " " + info.Mode().String() + " " + leads + fmt.Sprintf(" %x\n", sha256.Sum256(text))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestCopyKeepsWhatWasThere if it fails, and leaves nothing beside it; what it replaces is replaced as a whole, also behind a link.
func TestCopyKeepsWhatWasThere(t *testing.T) {
	home := reached(t, "core01")["core01"]
	save(t, "new", "new")
	save(t, home+"/etc/conf", "old")
	save(t, home+"/taken/new", "a folder has the name of its own file")
	if err := os.Symlink("etc/conf", home+"/link"); err != nil {
		t.Fatal(err)
	}
	if err := Copy(t.Context(), run(t, "from=new", "to=core01:link")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(home + "/link"); err != nil || kind(info) != fs.ModeSymlink || file(t, home+"/etc/conf") != "new" {
		t.Errorf("got %v %s", err, file(t, home+"/etc/conf"))
	}
	for _, c := range []struct{ from, to, want string }{
		{"new", "core01:none/", "core01: none/: none/ is not a folder that exists"},
		{"gone", "core01:", "core01: stat "},
		{"/proc/self/mem", "core01:etc/conf", "core01: etc/conf: read /proc/self/mem: input/output error"},
		{"core01:/proc/self/mem", "new", "core01: /proc/self/mem: "},
		{"core01:gone", ".", "core01: gone: file does not exist"},
		{"core01:etc/conf", "none/", "core01: none/ is not a folder that exists"},
		{"core01:taken", "new", "core01: "}, // a file
		{"new", "core02:", "node=core02 is not a node of this workspace\nhint: nodes are core01"},
		{"new", "to", "from=new to=to: one of them is node:path, the other a path here\nhint: `"},
		{"", "core01:", "cp wants from= and to=\nhint: `"},
	} {
		if err := Copy(t.Context(), run(t, "from="+c.from, "to="+c.to)); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("from=%s to=%s: got %v", c.from, c.to, err)
		}
	}
	if err := Copy(t.Context(), run(t, "from=new", "to=core01:", "all=true")); err == nil || !strings.Contains(err.Error(), "core01: is named beside") {
		t.Errorf("got %v", err)
	}
	if here, there := file(t, "new"), file(t, home+"/etc/conf"); here != "new" || there != "new" {
		t.Errorf("got %s and %s", here, there)
	}
	for _, folder := range []string{home, home + "/etc", "."} {
		entries, _ := os.ReadDir(folder)
		for _, entry := range entries {
			if strings.HasPrefix(entry.Name(), ".new") || strings.HasPrefix(entry.Name(), ".conf") {
				t.Errorf("%s is left in %s", entry.Name(), folder)
			}
		}
	}
}

func kind(info fs.FileInfo) fs.FileMode { return info.Mode().Type() }

func file(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestForward brings a port to this host, as the URL that it says, until it is interrupted, or ssh ends.
func TestForward(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	reached(t, "core01")
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { _, _ = w.Write([]byte(q.URL.Path)) }))
	defer web.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(web.URL, "http://"), ":")

	ctx, cancel := context.WithCancel(t.Context())
	out := &saying{}
	r := run(t, "node=core01", "port=0:"+port)
	r.log = progress.New(out)
	ended := make(chan error)
	go func() { ended <- Forward(ctx, r) }()
	said := out.wait(t, ended, "; Ctrl-C ends")
	url, _, _ := strings.Cut(said, " ")
	if !strings.HasPrefix(said, "http://127.0.0.1:") || !strings.Contains(said, " is port "+port+" of core01; ") {
		t.Errorf("got %s", said)
	}
	for _, path := range []string{"/one", "/two"} {
		answer, err := http.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		if text, _ := io.ReadAll(answer.Body); string(text) != path {
			t.Errorf("got %s", text)
		}
		_ = answer.Body.Close()
	}
	_, taken, _ := strings.Cut(strings.TrimPrefix(url, "http://"), ":")
	other := run(t, "node=core01", "port="+taken+":"+port)
	if err := Forward(t.Context(), other); err == nil || err.Error() != "127.0.0.1:"+taken+": another program listens there\nhint: `"+
		asCalled(other.Settings, "forward", "node=core01", "port=0:"+port)+"` takes a free one" {
		t.Errorf("the port is taken: got %v", err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("interrupted: got %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "coreos-libvirt-*", "tunnel")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if err := Forward(t.Context(), run(t, "node=core01")); err == nil || !strings.Contains(err.Error(), " port=8080:80`") {
		t.Errorf("without a port: got %v", err)
	}
	path, _ := settings.System().Lookup("PATH")
	t.Setenv("PATH", brokenSSH(t)+":"+path)
	err := error(nil)
	faults := stderrOf(t, func() { err = Forward(t.Context(), run(t, "node=core01", "port=0:80")) })
	if err == nil || !strings.HasPrefix(err.Error(), "core01: the tunnel cannot be opened: ssh ended: exit status 255") || faults != "core01: no way\n" {
		t.Errorf("no ssh: got %v, %q", err, faults)
	}
}

// TestForwardListensOutsideOfTheLab: the program inside gets the listener that was opened outside, through what enters the lab. This
// test's program is also the one inside.
func TestForwardListensOutsideOfTheLab(t *testing.T) {
	if s := run(t).Settings; s.Listens {
		listener, err := forwarded(s, "core01")
		if err != nil {
			t.Fatal(err)
		}
		conn, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		_, _ = conn.Write([]byte("from inside"))
		_ = conn.Close()
		return
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	words := []string{"forward", "node=core01", "port=" + port + ":80"}
	r := run(t, words[1:]...)
	cmd := exec.CommandContext(t.Context(), "sh", "-c", `cd "$0" && exec "$@"`, ".", os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), settings.LabVariable+"=1")
	if err := passListener(cmd, r.Settings, words); err == nil || !strings.HasPrefix(err.Error(), address+": another program listens there\nhint: `") || !strings.Contains(err.Error(), " lab forward ") {
		t.Errorf("the port is taken: got %v", err)
	}
	_ = free.Close()
	if err := errors.Join(passListener(cmd, r.Settings, words), cmd.Start()); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(conn); string(text) != "from inside" {
		t.Errorf("got %q %v", text, err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// brokenSSH is a folder with a fake ssh that fails.
func brokenSSH(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "ssh"), []byte("#!/bin/sh\necho no way >&2; exit 255\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return folder
}

// saying keeps what a run says while it goes on.
type saying struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *saying) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *saying) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// wait is all that was said when the words have come, before the run ends.
func (s *saying) wait(t *testing.T, ended chan error, words string) string {
	t.Helper()
	for deadline := time.Now().Add(pace.Hang); !strings.Contains(s.String(), words); {
		select {
		case err := <-ended:
			t.Fatalf("ended with %v\n%s", err, s)
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("it never said %q:\n%s", words, s)
		}
	}
	return s.String()
}
