package stage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// detach is the key that leaves the console, as virsh has it: Ctrl-].
const detach = 0x1d

// Console is the serial console of node=, through libvirt, until Ctrl-] or the guest ends.
func (r *Run) Console(ctx context.Context) error {
	node, err := r.chosen()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	console, err := r.conn.Console(ctx, node.Name)
	if err != nil {
		return fmt.Errorf("%s: %w", node.Name, err)
	}
	defer console.Close()
	stdin := int(os.Stdin.Fd())
	if term.IsTerminal(stdin) {
		r.log.Say("%s: Ctrl-] leaves the console", node.Name)
		was, err := term.MakeRaw(stdin)
		if err != nil {
			return fmt.Errorf("the terminal takes no single keys: %w", err)
		}
		defer func() { _ = term.Restore(stdin, was) }()
	}
	go func() {
		defer cancel()
		_, _ = io.Copy(console, untilDetach{os.Stdin})
	}()
	_, err = io.Copy(os.Stdout, console)
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// untilDetach reads up to the key that leaves the console.
type untilDetach struct{ from io.Reader }

func (u untilDetach) Read(p []byte) (int, error) {
	n, err := u.from.Read(p)
	for i, key := range p[:n] {
		if key == detach {
			return i, io.EOF
		}
	}
	return n, err
}
