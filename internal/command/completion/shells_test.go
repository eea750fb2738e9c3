package completion

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"

	"coreos-libvirt/internal/testkit/pace"
)

// TestMain answers as the program does: the shells of these tests ask this process' own file.
func TestMain(m *testing.M) {
	if Asked() {
		Answer()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// shells are how each is started without files of the user's, and what makes it read the files in $FOLDER. The programs are
// functions that print their words.
var shells = map[string]struct {
	argv  []string
	reads string
}{
	"bash": {[]string{"bash", "--norc", "--noprofile", "-i"}, `for f in "$FOLDER"/*; do . "$f"; done
function mage { printf '<%s>' "$@"; echo .; }; function go { mage "$@"; }; function coreos-libvirt { mage "$@"; }; PS1='ready> '
`},
	"zsh": {[]string{"zsh", "-f", "-i"}, `unsetopt PROMPT_SP; fpath=("$FOLDER" $fpath); autoload -Uz compinit; compinit -u -d "$HOME/dump"
function mage { printf '<%s>' "$@"; echo .; }; function go { mage "$@"; }; function coreos-libvirt { mage "$@"; }; PS1='ready> '
`},
	"fish": {[]string{"fish", "-i"}, `function mage; printf '<%s>' $argv; echo .; end; function go; mage $argv; end; function coreos-libvirt; mage $argv; end
function fish_prompt; echo -n 'ready> '; end; bind \cx kill-whole-line
`},
}

// session is a shell on a terminal of its own.
type session struct {
	t    *testing.T
	term *os.File
	dir  string

	mu   sync.Mutex
	said strings.Builder
}

// started is the shell in a clone with nodes core01, core02 and web01, after it has read the files that Install writes.
func started(t *testing.T, shell string) *session {
	t.Helper()
	if _, err := exec.LookPath(shell); err != nil {
		t.Skip(err)
	}
	home, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(home, "config"))
	folder := filepath.Join(home, "config", "fish", "completions")
	if _, err := Install(shell, folder); err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	must(t, err)
	for _, link := range []string{"cache/libvirt_dlopen/targets-0123456789ab0123456789ab", "bin/" + Program} {
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(home, link)), 0o755))
		must(t, os.Symlink(program, filepath.Join(home, link)))
	}
	must(t, os.MkdirAll(filepath.Join(home, ".local/share/fish/generated_completions"), 0o755)) // else fish makes it of all man pages, for a minute
	clone(t, filepath.Join(home, "clone"))
	cmd := exec.Command(shells[shell].argv[0], shells[shell].argv[1:]...)
	cmd.Dir = filepath.Join(home, "clone")
	cmd.Env = append(os.Environ(), "HOME="+home, "FOLDER="+folder, "MAGEFILE_CACHE="+filepath.Join(home, "cache"), "TERM=xterm", "PS1=$ ",
		"PATH="+filepath.Join(home, "bin")+":"+os.Getenv("PATH")) //nolint:forbidigo // the test's own
	s := &session{t: t, dir: cmd.Dir}
	s.term, err = pty.StartWithSize(cmd, &pty.Winsize{Rows: 50, Cols: 200})
	must(t, err)
	go s.listen()
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait(); _ = s.term.Close() })
	s.typed(shells[shell].reads)
	s.waits("ready> ")
	return s
}

// clone is what completion looks at in a workspace.
func clone(t *testing.T, dir string) {
	t.Helper()
	for name, text := range map[string]string{
		"go.mod": "module coreos-libvirt\n", "my snapshot.db": "", "vm/.lock.core": "", "vm/.lock.web": "", "vm/.lock.gone": "",
		"clusters/declared.yml": "nodes: 1\n", "clusters/schema.json": "{}", "vm/core01/ignition.json": "{}", "vm/core02/ignition.json": "{}", "vm/web01/ignition.json": "{}",
	} {
		path := filepath.Join(dir, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, []byte(text), 0o600))
	}
	disk := filepath.Join(dir, "vm/web01/web01.qcow2")
	for _, args := range [][]string{{"create", "-q", "-f", "qcow2", disk, "1M"}, {"snapshot", "-c", "clean", disk}} {
		must(t, exec.Command("qemu-img", args...).Run())
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *session) listen() {
	buf := make([]byte, 4096)
	for {
		n, err := s.term.Read(buf)
		if s.mu.Lock(); n > 0 {
			s.said.Write(buf[:n])
		}
		s.mu.Unlock()
		if strings.Contains(string(buf[:n]), "\x1b[c") { // fish asks what the terminal is
			_, _ = s.term.WriteString("\x1b[?1;2c")
		}
		if err != nil {
			return
		}
	}
}

var controls = regexp.MustCompile(`\x1b(\[[0-9;?]*[A-Za-z]|\(B|\][^\x07]*\x07|[=>])`)

// screen is what the shell printed since the last line was typed.
func (s *session) screen() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return controls.ReplaceAllString(s.said.String(), "")
}

func (s *session) typed(text string) {
	s.t.Helper()
	_, err := s.term.WriteString(text)
	must(s.t, err)
}

// waits until the shell has printed the text.
func (s *session) waits(text string) {
	s.t.Helper()
	for deadline := time.Now().Add(pace.Limit(30)); !strings.Contains(s.screen(), text); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("it never printed %q:\n%q", text, s.screen())
		}
	}
}

// runs types the line, and waits for what the function in the program's place prints.
func (s *session) runs(line, want string) {
	s.t.Helper()
	s.mu.Lock()
	s.said.Reset()
	s.mu.Unlock()
	s.typed(line + "\r")
	s.waits(">.")
	for _, wrong := range []string{"rror", "not found", "usage", "hint:"} {
		if strings.Contains(s.screen(), wrong) {
			s.t.Errorf("%q: the shell shows\n%s", line, s.screen())
		}
	}
	if said := s.screen(); !strings.Contains(said, want+".") {
		s.t.Errorf("%q: want %s, got\n%q", line, want, said)
	}
}

func TestInRealShells(t *testing.T) {
	for shell := range shells {
		t.Run(shell, func(t *testing.T) {
			s := started(t, shell)
			for _, c := range [][2]string{
				{"mage statu\t", "<status>"},
				{"mage up pre\tx", "<up><prefix=x>"},
				{"mage up prefix=w\t", "<up><prefix=web>"},
				{"mage up prefix=dec\t", "<up><prefix=declared>"},
				{"mage rollback prefix=web name=\t", "<rollback><prefix=web><name=clean>"},
				{"mage ssh node=w\t", "<ssh><node=web01>"},
				{"mage ssh prefix=core node=core01 us\tme", "<ssh><prefix=core><node=core01><user=me>"},
				{"mage up recreate=core01,core0\t", "<up><recreate=core01,core02>"},
				{"mage host:c\tformat=js\t", "<host:check><format=json>"},
				{"mage down al\tt\t", "<down><all=true>"},
				{"mage lab statu\t", "<lab><status>"},
				{"mage backup file=my\t", "<backup><file=my snapshot.db>"},
				{"mage pla\tnode\t", "<plan><nodes=>"},
				{"coreos-libvirt up image=flatcar-s\t", "<up><image=flatcar-stable>"},
				{"go run magefile.go transp\tconf\tx", "<run><magefile.go><transpile><config=x>"},
			} {
				s.runs(c[0], c[1])
			}
			if shell != "zsh" { // whose tab key runs it by itself, to put what it prints in its place (zshzle(1), expand-or-complete)
				s.runsNothing("mage up config=$(touch planted)\t")
			}
		})
	}
}

// runsNothing completes a line, and takes it away again.
func (s *session) runsNothing(line string) {
	s.t.Helper()
	s.typed(line + "\x15")
	s.runs("mage statu\t", "<status>")
	if _, err := os.Stat(filepath.Join(s.dir, "planted")); err == nil {
		s.t.Error("what was typed was run before it was entered")
	}
}
