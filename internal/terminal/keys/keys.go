// Package keys reads single key presses of the terminal that this process runs on.
package keys

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// Keys are key presses. Lines are printed as usual meanwhile, and Ctrl-C and Ctrl-Z do what they do (termios(3): only ICANON and
// ECHO are off). A nil one has no terminal: nothing is ever pressed.
type Keys struct {
	pressed chan byte
	tty     *os.File // of its own: its deadlines are no business of who reads the standard input
	mu      sync.Mutex
	was     *term.State   // of the terminal; nil while it is as it was
	ended   chan struct{} // closed when the reader has ended; nil if there is none
	closed  bool
	close   func() // once
}

// Open reads the keys of the terminal until Close, or until ctx ends: then the terminal is as it was. It is nil if this process does
// not run on a terminal, or in its background.
func Open(ctx context.Context) *Keys {
	if !term.IsTerminal(int(os.Stdin.Fd())) || !term.IsTerminal(int(os.Stdout.Fd())) {
		return nil
	}
	tty, err := os.OpenFile("/dev/tty", os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil
	}
	k := &Keys{pressed: make(chan byte, 16), tty: tty}
	if k.enter(); k.ended == nil {
		_ = tty.Close()
		return nil
	}
	k.close = sync.OnceFunc(k.forGood(k.listen()))
	context.AfterFunc(ctx, k.close)
	return k
}

// forGood puts the terminal back, and takes it no more.
func (k *Keys) forGood(unlisten func()) func() {
	return func() {
		k.mu.Lock()
		k.closed = true
		k.mu.Unlock()
		k.leave()
		unlisten()
		_ = k.tty.Close()
	}
}

// Pressed are the keys.
func (k *Keys) Pressed() <-chan byte {
	if k == nil {
		return nil
	}
	return k.pressed
}

// Close puts the terminal back as it was.
func (k *Keys) Close() {
	if k != nil {
		k.close()
	}
}

// Aside does something that has the terminal for itself.
func (k *Keys) Aside(do func() error) error {
	if k == nil {
		return do()
	}
	k.leave()
	defer k.enter()
	return do()
}

// enter has the terminal give each key, and reads them, if this process is in the terminal's foreground.
func (k *Keys) enter() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed || k.ended != nil || !k.isForeground() || k.tty.SetReadDeadline(time.Time{}) != nil {
		return
	}
	_ = k.control(func(fd int) error {
		was, err := term.GetState(fd)
		if err == nil {
			err = eachKey(fd)
		}
		if err == nil {
			k.was = was
		}
		return err
	})
	if k.was != nil {
		k.ended = make(chan struct{})
		go k.read(k.ended)
	}
}

// leave puts the terminal back, and reads no more.
func (k *Keys) leave() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.was != nil {
		_ = k.control(func(fd int) error { return term.Restore(fd, k.was) })
		k.was = nil
	}
	if k.ended != nil {
		_ = k.tty.SetReadDeadline(time.Unix(1, 0))
		<-k.ended
		k.ended = nil
	}
}

// eachKey has the terminal give each key when it is pressed, and not show it.
func eachKey(fd int) error {
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return err
	}
	t.Lflag &^= unix.ICANON | unix.ECHO
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	return unix.IoctlSetTermios(fd, unix.TCSETS, t)
}

// isForeground reports whether the terminal is this process' to read and to set: one in the background would be stopped by that.
func (k *Keys) isForeground() bool {
	group := 0
	err := k.control(func(fd int) (err error) {
		group, err = unix.IoctlGetInt(fd, unix.TIOCGPGRP)
		return err
	})
	return err == nil && group == unix.Getpgrp()
}

func (k *Keys) control(do func(fd int) error) error {
	raw, err := k.tty.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = do(int(fd)) })
	return errors.Join(err, failed)
}

// read passes keys on until there is a deadline, or no terminal any more.
func (k *Keys) read(ended chan<- struct{}) {
	defer close(ended)
	for key := make([]byte, 1); ; {
		n, err := k.tty.Read(key)
		if err != nil {
			return
		}
		select {
		case k.pressed <- key[n-1]:
		default: // nobody takes them for now
		}
	}
}
