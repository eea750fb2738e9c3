// Package etcdunit is the unit that runs etcd on a node: which one that is, where its data are, and scripts that do something with it.
package etcdunit

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/members"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/printable"
	"coreos-libvirt/internal/terminal/shellword"
	"coreos-libvirt/internal/workspace"
)

//go:embed look.sh
var look string

const (
	// mostPrinted is how many bytes a script may print.
	mostPrinted = 4 << 20
	// afterEnd is how long what a script has left running may keep its output open.
	afterEnd = time.Second
)

// Look finds the unit that runs the node's etcd, and the folder of its data.
func Look(ctx context.Context, by members.SSH, node boot.Node) (workspace.EtcdPlace, error) {
	found, err := ask(ctx, by, node)
	if err != nil {
		return workspace.EtcdPlace{}, err
	}
	return found.place()
}

// Find finds the unit that runs the node's etcd.
func Find(ctx context.Context, by members.SSH, node boot.Node) (name string, err error) {
	found, err := ask(ctx, by, node, "unit")
	if err != nil {
		return "", err
	}
	u, err := found.unit()
	return u.name, err
}

// Configured finds the unit that runs the node's etcd, and the folder of its data as far as the unit says that.
func Configured(ctx context.Context, by members.SSH, node boot.Node) (at workspace.EtcdPlace, err error) {
	found, err := ask(ctx, by, node, "unit")
	if err != nil {
		return at, err
	}
	u, err := found.unit()
	if err != nil {
		return at, err
	}
	data, _ := u.data()
	return workspace.EtcdPlace{Unit: u.name, Data: data}, nil
}

// ask asks the node for all, or only for some.
func ask(ctx context.Context, by members.SSH, node boot.Node, only ...string) (found seen, err error) {
	out, err := Run(ctx, by, node, nil, "look", look, only...)
	if err != nil {
		return found, fmt.Errorf("it cannot be seen how its etcd runs: %w", err)
	}
	return read(out), nil
}

// begun is what a script says on standard error when it runs as root: what fails then is not the way to the node.
const begun = "coreos-libvirt: runs as root\n"

// Run runs a script as root on the node, in a POSIX shell, with standard input from in (nil: nothing), and gives what it prints. $0 is the
// script's name. The error has what it said on standard error; if ctx has ended, why.
func Run(ctx context.Context, by members.SSH, node boot.Node, in io.Reader, name, script string, args ...string) (string, error) {
	cmd := by.Access.Unattended(ctx, by.User, node.Step.Node.Name, node.Address(), command(name, script, args))
	out, said := &guest.Limited{Left: mostPrinted}, &guest.Limited{Left: 4 << 10}
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = in, out, said, afterEnd
	err := cmd.Run()
	if err == nil || errors.Is(err, exec.ErrWaitDelay) {
		return out.String(), nil
	}
	if ctx.Err() != nil {
		return "", fmt.Errorf("ssh to the node: %w", context.Cause(ctx))
	}
	advice := "the config must let user=" + by.User + " in by ssh, and into sudo"
	before, text, runs := strings.Cut(said.String(), begun)
	if runs {
		advice = fmt.Sprintf("`mage journal prefix=%s node=%s` shows what the node's services say", node.Step.Node.Cluster(), node.Step.Node.Name)
	}
	return "", hint.Add(because(printable.Text(before+text), err), advice)
}

// because is what was said, with the error.
func because(said string, err error) error {
	if said == "" {
		return fmt.Errorf("ssh to the node: %w", err)
	}
	return fmt.Errorf("%s (%w)", said, err)
}

// command is the line that runs the script as root.
func command(name, script string, args []string) string {
	words := []string{"sudo", "-n", "sh", "-c", shellword.Of("echo '" + strings.TrimSpace(begun) + "' >&2\n" + script), name}
	for _, arg := range args {
		words = append(words, shellword.Of(arg))
	}
	return strings.Join(words, " ")
}

// Limited is a context for what may take as long as timeout= says. What it ends has an error that says so.
func Limited(ctx context.Context, v members.View) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, v.Timeout, hint.Errorf(fmt.Sprintf("the same command with timeout=%s gives it longer", shown(2*v.Timeout)), "it took longer than timeout=%s", shown(v.Timeout)))
}

// shown is the time as timeout= takes it: 10m.
func shown(d time.Duration) string {
	return strings.NewReplacer("h0m0s", "h", "m0s", "m").Replace(d.String())
}
