package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"sync"
	"time"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/printable"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/workspace/session"
	"coreos-libvirt/internal/workspace/wait"
)

// unreached is ssh's exit status where it was not the command's (ssh(1), EXIT STATUS).
const unreached = 255

// sshToSeveral runs cmd= on several nodes at once. Each line that it prints there comes as soon as it is whole, behind the
// node's name if there are several nodes. The error is a session.ExitStatus, the worst of theirs.
func sshToSeveral(ctx context.Context, r *Run) error {
	nodes, err := chosenNodes(r)
	if err != nil {
		return err
	}
	if r.Cmd == "" {
		return hint.Errorf("`"+asCalled(r.Settings, "ssh", "all=true", "cmd='uname -r'")+"`; `"+asCalled(r.Settings, "ssh", "node="+nodes[0].Name)+"` logs in to one",
			"all=true: nobody can be logged in to several nodes, it wants cmd=")
	}
	faults := progress.New(os.Stderr)
	status := make([]int, len(nodes))
	_ = wait.AtOnce(len(nodes), func(i int) error {
		label := labelOf(nodes, i)
		status[i] = sshTo(ctx, r, nodes[i], r.Cmd, &labelled{label: label, say: r.log.SayOwn}, &labelled{label: label, say: faults.SayOwn})
		return nil
	})
	if worst := slices.Max(status); worst != 0 && ctx.Err() == nil {
		return session.ExitStatus(worst)
	}
	return ctx.Err()
}

// labelOf is what lines of a node begin with if there are several nodes.
func labelOf(nodes []engine.Domain, place int) string {
	if len(nodes) == 1 {
		return ""
	}
	return coloured(nodes[place].Name, place) + " "
}

// sshTo runs a command on a node that may not run, and gives its exit status, or ssh's own.
func sshTo(ctx context.Context, r *Run, node engine.Domain, command string, out, failed *labelled) int {
	defer out.end()
	defer failed.end()
	err := standsStill(r.Settings, node)
	if err == nil {
		err = sshAway(ctx, r, node, command, out, failed)
	}
	var exit *exec.ExitError
	switch {
	case err == nil || ctx.Err() != nil:
		return 0
	case errors.As(err, &exit) && exit.Exited():
		return exit.ExitCode()
	}
	fmt.Fprintln(failed, err)
	return unreached
}

// afterEnd is how long what a program has left running may keep its output open: a connection that ssh keeps for the next one
// (ssh_config(5), ControlPersist).
const afterEnd = time.Second

func sshAway(ctx context.Context, r *Run, node engine.Domain, command string, out, failed *labelled) error {
	access, address, err := r.reach().Way(ctx, node)
	if err != nil {
		return err
	}
	cmd := access.Command(ctx, r.User, node.Name, address, command)
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = out, failed, afterEnd
	if err := cmd.Run(); !errors.Is(err, exec.ErrWaitDelay) {
		return err
	}
	return nil
}

// labelled says each line that is written to it, printable and behind a label.
type labelled struct {
	label string
	say   func(line string)
	mu    sync.Mutex
	rest  []byte // of a line that has no end yet
}

// longestLine is how long a line may become before it is said in parts, in bytes.
const longestLine = 64 << 10

func (l *labelled) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, p...)
	for {
		line, rest, whole := bytes.Cut(l.rest, []byte("\n"))
		if !whole && len(line) < longestLine {
			return len(p), nil
		}
		l.say(l.label + printable.Line(string(line)))
		l.rest = rest
	}
}

// end says the last line, which may have no line break.
func (l *labelled) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.rest) > 0 {
		l.say(l.label + printable.Line(string(l.rest)))
		l.rest = nil
	}
}
