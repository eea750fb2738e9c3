package tests

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"coreos-libvirt/internal/testkit/distributor"
	"coreos-libvirt/internal/testkit/pace"
)

// trying is `mage try` on a terminal.
type trying struct {
	cmd    *exec.Cmd
	screen *os.File // what the user has of the terminal
	inside *os.File // what the program has of it: it outlives that
	said   string   // and not awaited yet
	before string   // what was awaited last
}

// tried begins `mage try` on a terminal, in a workspace whose cluster it makes. As nohup(1) does, it may have it ignore SIGHUP.
func tried(t *testing.T, nohup bool) *trying {
	t.Helper()
	screen, inside, err := pty.Open()
	distributor.Must(t, err)
	y := &trying{cmd: crashWorkspace(t).target("try"), screen: screen, inside: inside}
	y.cmd.Args = append(y.cmd.Args, "nodes=2")
	if nohup {
		y.cmd.Args = append([]string{"sh", "-c", `trap "" HUP; exec "$0" "$@"`, y.cmd.Path}, y.cmd.Args[1:]...)
		y.cmd.Path = "/bin/sh"
	}
	y.cmd.Stdin, y.cmd.Stdout, y.cmd.Stderr = inside, inside, inside
	y.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	distributor.Must(t, y.cmd.Start())
	t.Cleanup(func() { _ = y.cmd.Process.Kill(); _ = screen.Close(); _ = inside.Close() })
	return y
}

// until waits until it says the text.
func (y *trying) until(t *testing.T, text string) {
	t.Helper()
	for part := make([]byte, 4096); !strings.Contains(y.said, text); {
		n, err := y.screen.Read(part)
		if y.said += string(part[:n]); err != nil {
			t.Fatalf("it never said %q: %v\n%s", text, err, y.said)
		}
	}
	y.before, y.said, _ = strings.Cut(y.said, text)
}

// ends waits until the program has ended, and is its error.
func (y *trying) ends(t *testing.T) error {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- y.cmd.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-time.After(pace.Hang):
		t.Fatal("it goes on")
		return nil
	}
}

func (y *trying) press(t *testing.T, keys string) {
	t.Helper()
	_, err := io.WriteString(y.screen, keys)
	distributor.Must(t, err)
}

// isAsUsual reports whether the terminal gives lines, and shows what is typed.
func (y *trying) isAsUsual(t *testing.T) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(y.inside.Fd()), unix.TCGETS)
	distributor.Must(t, err)
	return state.Lflag&(unix.ICANON|unix.ECHO) == unix.ICANON|unix.ECHO
}

// afterNohup ends it with q, after a SIGHUP that it does not heed.
func afterNohup(t *testing.T, y *trying) {
	_ = y.cmd.Process.Signal(unix.SIGHUP)
	y.press(t, "x")
	y.until(t, "keys: r runs it again")
	y.press(t, "q")
}

// TestKeysOfTry: they do what the line says, and the terminal is as it was at every end.
func TestKeysOfTry(t *testing.T) {
	// Who began the tests may ignore it, which a program inherits; one that its parent handles it does not (signal(7)).
	signal.Notify(make(chan os.Signal, 1), unix.SIGHUP)
	for end, c := range map[string]struct {
		end  func(*trying)
		exit int
	}{
		"q":       {func(y *trying) { y.press(t, "q") }, 0},
		"Ctrl-C":  {func(y *trying) { y.press(t, "\x03") }, 0},
		"SIGTERM": {func(y *trying) { _ = y.cmd.Process.Signal(unix.SIGTERM) }, -1},
		"SIGHUP":  {func(y *trying) { _ = y.cmd.Process.Signal(unix.SIGHUP) }, -1},
		"nohup":   {func(y *trying) { afterNohup(t, y) }, 0},
	} {
		t.Run(end, func(t *testing.T) {
			t.Parallel()
			y := tried(t, end == "nohup")
			if y.until(t, "keys: r runs it again, s ssh, j journal, q ends"); y.isAsUsual(t) {
				t.Error("the terminal is as it was: no key would be read")
			}
			y.until(t, "waiting: ")
			if end == "q" {
				y.press(t, "xr")
				y.until(t, "keys: r runs it again") // of the key that is none
				y.until(t, "core01: will be recreated: as recreate= says")
				y.until(t, "waiting: ")
			}
			c.end(y)
			err := y.ends(t) // what it says at last has room in the terminal
			if exit := (*exec.ExitError)(nil); errors.As(err, &exit) != (c.exit != 0) || exit != nil && exit.ExitCode() != c.exit {
				t.Errorf("it ends with %v", err)
			}
			_, _ = io.WriteString(y.inside, "(end)")
			if y.until(t, "(end)"); strings.Contains(y.before, "going on") {
				t.Errorf("it says at last %s", y.before)
			}
			if !y.isAsUsual(t) {
				t.Error("the terminal is not as it was")
			}
		})
	}
}
