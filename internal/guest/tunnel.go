package guest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"coreos-libvirt/internal/terminal/printable"
)

// Tunnel is an ssh connection to a node that brings one TCP port at the node's localhost to this host.
type Tunnel struct {
	folder string // has the socket on which ssh listens, and nobody else may enter it
	ended  chan struct{}
	err    error // why ssh ended, once it has
	cmd    *exec.Cmd
}

// tunnelPoll is how often it is looked whether ssh has opened the tunnel.
const tunnelPoll = 20 * time.Millisecond

// longestSocket is how long a socket's path may be in bytes (unix(7)), with what ssh adds while it makes it.
const longestSocket = 80

// Tunnel opens a tunnel to the port at the node's localhost, until ctx ends. say gets ssh's own lines, those about single
// connections, too.
func (a Access) Tunnel(ctx context.Context, user, node, address string, port int, say func(line string)) (*Tunnel, error) {
	folder, err := socketFolder()
	if err != nil {
		return nil, err
	}
	t := &Tunnel{folder: folder, ended: make(chan struct{})}
	args := append(a.options(node, "INFO"),
		"-o", "ExitOnForwardFailure=yes", "-o", "ServerAliveInterval=15", "-o", "ControlPath=none",
		"-N", "-L", t.socket()+":localhost:"+fmt.Sprint(port), "-l", user, address)
	t.cmd = exec.CommandContext(ctx, "ssh", args...)
	t.cmd.Stderr = &eachLine{say: say}
	if err := t.cmd.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	go func() {
		t.err = t.cmd.Wait()
		close(t.ended)
	}()
	return t, t.opened()
}

// socketFolder is a new folder for a socket.
func socketFolder() (string, error) {
	const pattern = "coreos-libvirt-"
	if len(os.TempDir())+2*len(pattern) > longestSocket {
		return os.MkdirTemp("/tmp", pattern)
	}
	return os.MkdirTemp("", pattern)
}

func (t *Tunnel) socket() string { return filepath.Join(t.folder, "tunnel") }

// opened waits until ssh listens. If it has ended instead, it takes away what is left.
func (t *Tunnel) opened() error {
	for {
		_, err := os.Stat(t.socket())
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		select {
		case <-t.ended:
			return errors.Join(t.why(), os.RemoveAll(t.folder))
		case <-time.After(tunnelPoll):
		}
	}
}

func (t *Tunnel) why() error { return fmt.Errorf("ssh ended: %w", t.err) }

// Serve takes connections through the tunnel until ctx ends, or the tunnel, which is an error.
func (t *Tunnel) Serve(ctx context.Context, listener net.Listener) error {
	var open sync.WaitGroup
	defer open.Wait()
	stop := context.AfterFunc(ctx, func() { _ = listener.Close() })
	defer stop()
	go func() {
		<-t.ended
		_ = listener.Close()
	}()
	for {
		conn, err := listener.Accept()
		if err != nil {
			return t.end(ctx, err)
		}
		open.Go(func() { t.through(ctx, conn) })
	}
}

// letSignal is how long the signal that has ended ssh may take to reach this process, too.
const letSignal = 300 * time.Millisecond

// end is the error of a tunnel whose listener has ended.
func (t *Tunnel) end(ctx context.Context, err error) error {
	select {
	case <-t.ended:
		err = t.why()
		select {
		case <-ctx.Done():
		case <-time.After(letSignal):
		}
	default:
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// through takes one connection through the tunnel, until both ends have ended it, or ctx ends.
func (t *Tunnel) through(ctx context.Context, conn net.Conn) {
	defer func() { _ = conn.Close() }()
	far, err := net.Dial("unix", t.socket())
	if err != nil {
		return // the tunnel ends: Serve says so
	}
	defer func() { _ = far.Close() }()
	defer context.AfterFunc(ctx, func() { _, _ = conn.Close(), far.Close() })()
	var both sync.WaitGroup
	both.Go(func() { passOn(far, conn) })
	both.Go(func() { passOn(conn, far) })
	both.Wait()
}

// passOn copies what comes, and its end.
func passOn(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	if half, can := to.(interface{ CloseWrite() error }); can {
		_ = half.CloseWrite()
	}
}

// Close ends the tunnel.
func (t *Tunnel) Close() error {
	_ = t.cmd.Process.Kill()
	<-t.ended
	return os.RemoveAll(t.folder)
}

// eachLine says what is written to it, printable, line by line. Each write of ssh's is one or more whole lines.
type eachLine struct{ say func(line string) }

func (e *eachLine) Write(p []byte) (int, error) {
	if text := printable.Text(string(p)); text != "" {
		e.say(text)
	}
	return len(p), nil
}
