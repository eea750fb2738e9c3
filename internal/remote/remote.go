// Package remote runs a program of this machine's on another one, by the user's own ssh: so ~/.ssh/config, the agent, known_hosts and
// bastions count. Nothing has to be installed there.
package remote

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/shellword"
)

// Machine is another machine.
type Machine struct {
	Name        string // by which the user knows it
	Destination string // of ssh(1): root@hv1, ssh://root@hv1:2222
	Key         string // the file of a key for it, beside those that ssh knows; or empty
}

// Program is what is run there.
type Program struct {
	Path           string   // on this machine
	Words          []string // its arguments
	Env            []string // NAME=value
	Root           bool     // whether it is to be root: by sudo without a password, if the user who logs in there is not
	Stdout, Stderr io.Writer
}

// arrive is the script there: it takes the program from its standard input, makes sure that it is whole, runs it and removes it.
//
//go:embed arrive.sh
var arrive string

// What arrive.sh ends with before the program has begun. ssh's own failures are 255.
const (
	noFolder  = 240
	damaged   = 241
	noProgram = 242
	noRoot    = 243
	lost      = 255
)

// patience is for a machine to answer: ssh itself waits for minutes.
const patience = 10 * time.Second

// aliveEvery is how often ssh asks a machine that says nothing whether it is there yet. After the third time without an answer the connection
// ends: a machine without power would be waited for for hours.
var aliveEvery = 10 * time.Second

// Arch is the machine's architecture, as uname(1) has it: x86_64.
func (m Machine) Arch(ctx context.Context) (string, error) {
	said := &strings.Builder{}
	cmd := m.ssh(ctx, "uname -m")
	cmd.Stderr = said
	out, err := cmd.Output()
	if err != nil {
		return "", m.unreachable(err, said.String())
	}
	return strings.TrimSpace(string(out)), nil
}

// Answers reports whether the machine is on, and ssh gets to it: in time, and without a question.
func (m Machine) Answers(ctx context.Context) bool {
	cmd := m.ssh(ctx, "true")
	cmd.Args = append([]string{cmd.Args[0], "-o", "BatchMode=yes"}, cmd.Args[1:]...)
	return cmd.Run() == nil
}

// Run runs the program there, in a folder of its own that goes with it. Its exit status is in an *exec.ExitError.
func (m Machine) Run(ctx context.Context, p Program) error {
	file, err := os.Open(p.Path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	sum := sha256.New()
	if _, err = io.Copy(sum, file); err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return err
	}
	words := []string{"sh", "-c", arrive, "coreos-libvirt", hex.EncodeToString(sum.Sum(nil)), fmt.Sprint(p.Root)}
	cmd := m.ssh(ctx, quoted(slices.Concat(words, p.Env, []string{"./coreos-libvirt"}, p.Words)))
	cmd.Args = append([]string{cmd.Args[0], "-C"}, cmd.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = file, p.Stdout, p.Stderr
	cmd.Cancel = func() error { return nil } // the terminal's interruption is ssh's, too; what has begun there comes to its end
	return m.explained(cmd.Run())
}

// ssh is ssh to the machine, where a shell takes the command.
func (m Machine) ssh(ctx context.Context, command string) *exec.Cmd {
	args := []string{"-T", "-o", fmt.Sprintf("ConnectTimeout=%.0f", patience.Seconds()), "-o", fmt.Sprintf("ServerAliveInterval=%.0f", aliveEvery.Seconds()), "-o", "ServerAliveCountMax=3"}
	if m.Key != "" {
		args = append(args, "-i", m.Key)
	}
	return exec.CommandContext(ctx, "ssh", append(args, "--", m.Destination, command)...)
}

// quoted are the words as a shell takes them.
func quoted(words []string) string {
	all := make([]string, len(words))
	for i, word := range words {
		all[i] = shellword.Of(word)
	}
	return strings.Join(all, " ")
}

// unreachable is the error of ssh, which has said that.
func (m Machine) unreachable(err error, said string) error {
	said = strings.TrimSpace(said)
	advice := "`ssh " + m.Destination + "` says more"
	key, unknown := m.KeyAdvice(said)
	switch {
	case errors.Is(err, exec.ErrNotFound):
		advice = "install the ssh client: sudo apt-get install openssh-client"
	case unknown:
		advice = key
	case strings.Contains(said, "Permission denied"):
		advice = "`ssh-copy-id " + m.Destination + "` lets your key in; another user: host=root@" + m.Name
	}
	return hint.Errorf(advice, "cannot log in to %s by ssh: %w\n%s", m.Name, err, said)
}

// explained is what the run has ended with.
func (m Machine) explained(err error) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	switch exit.ExitCode() {
	case noFolder:
		return hint.Errorf("`ssh "+m.Destination+" df -h /tmp /var/tmp` shows whether they are full; mount one of them without noexec",
			"%s has no folder that a program can be put into and run from: /tmp, /var/tmp and the home folder were tried", m.Name)
	case damaged:
		return hint.Errorf("try again; `ssh "+m.Destination+" sha256sum --version` must work, and /tmp have 100 MB free", "the program did not arrive whole at %s; nothing was run there", m.Name)
	case noProgram:
		return hint.Errorf("it needs Linux with glibc 2.34, as Debian 12, Ubuntu 22.04, RHEL 9 have, or newer", "the program does not run on %s", m.Name)
	case noRoot:
		return hint.Errorf("host=root@"+m.Name+" logs in as root, if its sshd lets root in; or let "+m.Name+"'s sudo ask for no password", "this changes %s, which only root may", m.Name)
	case lost:
		return hint.Errorf("`ssh "+m.Destination+"` says whether it answers", "the connection to %s ended; what was running there may have come to its end: %w", m.Name, err)
	}
	return err
}
