package units

import (
	"crypto/rand"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/terminal/printable"
)

// Command is what the command of Ask runs in the node.
const Command = "sh -s"

// afterEnd is how long what a program has left running may keep its output open: a connection that ssh keeps for the next one
// (ssh_config(5), ControlPersist).
const afterEnd = time.Second

// Ask asks a node how the units are that its config brings, once its system has settled, for which it waits at most so long.
// cmd is an ssh to the node that runs Command there.
func Ask(cmd *exec.Cmd, brought []Brought, settle time.Duration) (Report, error) {
	mark := "units-" + rand.Text()
	out, said := &guest.Limited{Left: MostOutput}, &guest.Limited{Left: 4 << 10}
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = strings.NewReader(Script(brought, settle, mark)), out, said, afterEnd
	failed := cmd.Run()
	report, err := Read(brought, mark, out.String())
	if err == nil || failed == nil {
		return report, err
	}
	if words := printable.Text(said.String()); words != "" {
		return report, fmt.Errorf("ssh to the node: %w: %s", failed, words)
	}
	return report, fmt.Errorf("ssh to the node: %w", failed)
}
