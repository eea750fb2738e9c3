package command

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/terminal/hint"
)

// Forward makes a port of node= one of this host's loopback address, until it is interrupted: what listens at the node's
// localhost is reached there, wherever the node's network is.
func Forward(ctx context.Context, r *Run) error {
	node, err := chosenNode(r, "forward")
	if err != nil {
		return err
	}
	if r.Port.There == 0 {
		return hint.Errorf("`"+asCalled(r.Settings, "forward", "node="+node.Name, "port=8080:80")+"`", "forward wants port=, one of the node's")
	}
	if err := standsStill(r.Settings, node); err != nil {
		return err
	}
	listener, err := forwarded(r.Settings, node.Name)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()
	access, address, err := r.reach().Way(ctx, node)
	if err != nil {
		return err
	}
	say := func(line string) { warn("%s: %s", node.Name, line) }
	tunnel, err := access.Tunnel(ctx, r.User, node.Name, address, r.Port.There, say)
	if err != nil {
		return fmt.Errorf("%s: the tunnel cannot be opened: %w", node.Name, err)
	}
	defer func() { _ = tunnel.Close() }()
	r.log.Say("http://%s is port %d of %s; Ctrl-C ends", listener.Addr(), r.Port.There, node.Name)
	err = tunnel.Serve(ctx, listener)
	return hint.Add(err, "`"+asCalled(r.Settings, "status")+"` says whether the node runs")
}

// forwarded is where this run listens: at this host's loopback address, or at the one of the real host that the outside of the
// lab has opened.
func forwarded(s *settings.Settings, node string) (net.Listener, error) {
	if !s.Listens {
		return listenHere(s, node)
	}
	syscall.CloseOnExec(passed)
	file := os.NewFile(passed, "listener")
	defer func() { _ = file.Close() }()
	return net.FileListener(file)
}

// passed is the number of the first file that a program gets beside its standard streams (os/exec, Cmd.ExtraFiles).
const passed = 3

func listenHere(s *settings.Settings, node string) (*net.TCPListener, error) {
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: s.Port.Here})
	free := "`" + asCalled(s, "forward", "node="+node, fmt.Sprintf("port=0:%d", s.Port.There)) + "` takes a free one"
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		err = hint.Errorf(free, "127.0.0.1:%d: another program listens there", s.Port.Here)
	case errors.Is(err, syscall.EACCES):
		err = hint.Errorf(free, "127.0.0.1:%d: only root may listen there", s.Port.Here)
	}
	return listener, err
}
