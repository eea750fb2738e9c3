package check

import (
	"bufio"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"

	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/terminal/printable"
)

//go:embed scripts
var scripts embed.FS

// ErrGone is wrapped by the error of a Way to a node that nobody has to wait for: it does not run.
var ErrGone = errors.New("it does not run")

// Node is one that tests run on.
type Node struct {
	Name string
	User string                                                                     // who is let in, and into sudo
	Way  func(ctx context.Context) (access guest.Access, address string, err error) // by ssh, to where it is now
	Boot time.Duration                                                              // how long it may take to boot again
	Root string                                                                     // folder that its files are below; empty but for tests of this package
}

const (
	// longestLine is how long a line may become before it is said in parts, in bytes.
	longestLine = 64 << 10
	// mostErrors is how much of what ssh says is kept, in bytes.
	mostErrors = 4 << 10
	// silence is how long nothing may come of a script that says something every second, on a slow machine.
	silence = 2 * time.Minute
)

// heard gets the lines that a script in the node prints: kind is the first letter.
type heard func(kind byte, text string)

// sh runs a script of this package as root in the node.
func (n Node) sh(ctx context.Context, name string, hear heard, args ...string) error {
	access, address, err := n.Way(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watchdog := time.AfterFunc(silence, func() { cancel(fmt.Errorf("the node said nothing for %s", silence)) })
	defer watchdog.Stop()
	cmd := access.Command(ctx, n.User, n.Name, address, "sudo -n sh -s -- "+strings.Join(args, " "))
	said := &guest.Limited{Left: mostErrors}
	cmd.Stdin, cmd.Stderr, cmd.WaitDelay = strings.NewReader(n.source(name)), said, time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	lines(out, func(line string) {
		watchdog.Reset(silence)
		if kind, text, is := strings.Cut(line, " "); is && len(kind) == 1 {
			hear(kind[0], text)
		}
	})
	return because(ctx, cmd.Wait(), printable.Text(said.String()))
}

// because is the error of ssh or of the script, with what it said.
func because(ctx context.Context, err error, said string) error {
	switch {
	case err == nil || errors.Is(err, exec.ErrWaitDelay):
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case said != "":
		return fmt.Errorf("%s: %w", strings.TrimSpace(said), err)
	}
	return err
}

// source is the script with what all have, as a shell reads it: as a whole, before it runs, and its commands read nothing of it.
func (n Node) source(name string) string {
	lib, _ := scripts.ReadFile("scripts/lib.sh")
	own, err := scripts.ReadFile("scripts/" + name + ".sh")
	if err != nil {
		return "echo no script " + name + " >&2; exit 1"
	}
	return fmt.Sprintf("{\nroot='%s'\n%s\n%s\nexit\n} </dev/null\n", n.Root, lib, own)
}

// lines gives each line that comes, the parts of a very long one as lines of their own kind.
func lines(from io.Reader, line func(string)) {
	reader, kind := bufio.NewReaderSize(from, longestLine), ""
	for {
		text, more, err := reader.ReadLine()
		if err != nil {
			return
		}
		line(kind + string(text))
		if !more {
			kind = ""
		} else if kind == "" && len(text) > 2 {
			kind = string(text[:2])
		}
	}
}

// values are what scripts give by name. Only the first of some bytes counts of each: a node may say anything.
type values map[string]string

// mostValue is how long a value may be, and how many there may be.
const mostValue, mostValues = 256, 16

// take is heard of lines that tell values.
func (v values) take(kind byte, text string) {
	if name, value, is := strings.Cut(text, "="); kind == '=' && is && len(value) <= mostValue && len(v) < mostValues {
		v[name] = value
	}
}

// ask runs a script that tells values.
func (n Node) ask(ctx context.Context, name string, args ...string) (values, error) {
	told := values{}
	err := n.sh(ctx, name, told.take, args...)
	return told, err
}

// About is the architecture of the node, as uname(1) says it, and its distribution: fcos, or the ID of os-release(5).
func (n Node) About(ctx context.Context) (arch, distro string, err error) {
	told, err := n.ask(ctx, "about")
	if err == nil && (told["Arch"] == "" || told["Distro"] == "") {
		err = errors.New("it does not say its architecture and distribution")
	}
	return printable.Value(told["Arch"]), printable.Value(told["Distro"]), err
}
