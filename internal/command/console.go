package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"golang.org/x/term"

	"coreos-libvirt/internal/engine"
)

// detach is the key that leaves the console, as virsh has it: Ctrl-].
const detach = 0x1d

// Console is the serial console of node=, through libvirt, until Ctrl-] or the guest ends.
func Console(ctx context.Context, r *Run) error {
	node, err := chosenNode(r, "console")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	consoles, err := able[engine.Consoles](r.conn, "serial consoles")
	if err != nil {
		return err
	}
	open := func() (engine.Channel, error) { return openConsole(ctx, consoles, node.Name) }
	console, err := open()
	if err != nil {
		return err
	}
	stdin := int(os.Stdin.Fd())
	if term.IsTerminal(stdin) {
		r.log.Say("%s: Ctrl-] leaves the console", node.Name)
		was, err := term.MakeRaw(stdin)
		if err != nil {
			return fmt.Errorf("the terminal takes no single keys: %w", err)
		}
		defer func() { _ = term.Restore(stdin, was) }()
	}
	keys := &keysTo{}
	keys.Store(&console)
	go func() {
		defer cancel()
		_, _ = io.Copy(keys, untilDetach{os.Stdin})
	}()
	if err = attend(open, keys); errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// openConsole opens the node's console until ctx ends.
func openConsole(ctx context.Context, consoles engine.Consoles, node string) (engine.Channel, error) {
	console, err := consoles.Console(ctx, node)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", node, err)
	}
	return console, nil
}

// attend prints what the guest writes on its console, also after libvirt's daemon was restarted: the console is opened again
// then.
func attend(open func() (engine.Channel, error), keys *keysTo) error {
	for {
		console := *keys.Load()
		_, err := io.Copy(os.Stdout, console)
		console.Close()
		if !errors.Is(err, engine.ErrRestarted) {
			return err
		}
		if console, err = open(); err != nil {
			return err
		}
		keys.Store(&console)
	}
}

// keysTo is the console that typed keys go to. What is typed while libvirt's daemon is away is lost.
type keysTo struct {
	atomic.Pointer[engine.Channel]
}

func (k *keysTo) Write(p []byte) (int, error) {
	n, err := (*k.Load()).Write(p)
	if errors.Is(err, engine.ErrRestarted) {
		return len(p), nil
	}
	return n, err
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
