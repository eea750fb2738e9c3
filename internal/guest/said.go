package guest

import (
	"bytes"
	"os/exec"

	"coreos-libvirt/internal/terminal/printable"
)

// mostSaid is how much of what a command in a node says is kept, in bytes.
const mostSaid = 16 << 10

// Said runs the command, and gives the beginning of what it says, printable.
func Said(cmd *exec.Cmd) (string, error) {
	said := &Limited{Left: mostSaid}
	cmd.Stdout, cmd.Stderr = said, said
	err := cmd.Run()
	return printable.Text(said.String()), err
}

// Limited keeps the beginning of what is written: a guest may say anything, for ever.
type Limited struct {
	Left int          // bytes
	kept bytes.Buffer // not embedded: its ReadFrom knows no limit
}

// String is what was kept.
func (l *Limited) String() string { return l.kept.String() }

func (l *Limited) Write(p []byte) (int, error) {
	n := min(len(p), l.Left)
	l.Left -= n
	_, err := l.kept.Write(p[:n])
	return len(p), err
}
