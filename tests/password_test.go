package tests

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"coreos-libvirt/internal/testkit/distributor"
)

// terminal opens a new pseudo-terminal: the end that people see, and that of a program (pts(4)).
func terminal(t *testing.T) (seen, program *os.File) {
	t.Helper()
	seen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	distributor.Must(t, err)
	t.Cleanup(func() { _ = seen.Close() })
	distributor.Must(t, unix.IoctlSetPointerInt(int(seen.Fd()), unix.TIOCSPTLCK, 0))
	number, err := unix.IoctlGetInt(int(seen.Fd()), unix.TIOCGPTN)
	distributor.Must(t, err)
	program, err = os.OpenFile(fmt.Sprint("/dev/pts/", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	distributor.Must(t, err)
	t.Cleanup(func() { _ = program.Close() })
	return seen, program
}

func echoes(t *testing.T, f *os.File) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	distributor.Must(t, err)
	return state.Lflag&unix.ECHO != 0
}

// Ctrl-C at the prompt leaves a terminal that echoes what is typed.
func TestPasswordInterrupted(t *testing.T) {
	seen, program := terminal(t)
	cmd := exec.Command(filepath.Join(built, "mage"), "password")
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = t.TempDir(), program, program, program
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	distributor.Must(t, cmd.Start())
	said := ""
	for part := make([]byte, 1024); !strings.Contains(said, "Password: "); {
		n, err := seen.Read(part)
		distributor.Must(t, err)
		said += string(part[:n])
	}
	for echoes(t, program) {
		time.Sleep(10 * time.Millisecond)
	}
	_, err := seen.Write([]byte{3})
	distributor.Must(t, err)
	if err := cmd.Wait(); err == nil {
		t.Error("an interrupted run succeeds")
	}
	if !echoes(t, program) {
		t.Error("the terminal is left without echo")
	}
}
