package machines

import (
	"context"
	"fmt"
	"io"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/kubevirt"
	"coreos-libvirt/internal/terminal/hint"
)

// channel is the host's end of what leads into a guest.
type channel struct {
	io.Reader
	io.Writer
	end func()
}

func (c channel) Close() { c.end() }

// unheard takes what is written to a guest that reads nothing there.
type unheard struct{}

func (unheard) Write(p []byte) (int, error) { return len(p), nil }

// Channel is that of the node's reports, which are on its console: the last one of those that there are, and those that come. There are no
// others.
func (e *Engine) Channel(ctx context.Context, domain, name string) (engine.Channel, error) {
	if name != e.ready {
		return nil, fmt.Errorf("%s: KubeVirt has no channel %s", domain, name)
	}
	m, err := e.machine(ctx, domain)
	if err != nil {
		return nil, err
	}
	if m.Pod == "" {
		return nil, hint.Errorf("`mage start node="+domain+"`", "%s: it does not run: %s", domain, m.State)
	}
	ctx, end := context.WithCancel(ctx)
	out, in := io.Pipe()
	go func() { _ = in.CloseWithError(orEOF(e.report(ctx, m, in))) }()
	return channel{out, unheard{}, func() { end(); _ = out.Close() }}, nil
}

// report writes the machine's reports, a line each.
func (e *Engine) report(ctx context.Context, m kubevirt.Machine, to io.Writer) (err error) {
	seen, last := 0, ""
	e.calls.Add(2)
	if err := e.cluster.Console(ctx, m, false, func(line string) {
		seen++
		if text, is := e.reports(line); is {
			last = text
		}
	}); err != nil {
		return err
	}
	if last != "" {
		_, err = fmt.Fprintln(to, last)
	}
	follow := e.cluster.Console(ctx, m, true, func(line string) {
		if seen--; seen >= 0 || err != nil {
			return
		}
		if text, is := e.reports(line); is {
			_, err = fmt.Fprintln(to, text)
		}
	})
	if err == nil {
		err = follow
	}
	return err
}

// orEOF is the error, or that nothing comes any more.
func orEOF(err error) error {
	if err == nil {
		return io.EOF
	}
	return err
}

// Console is the node's serial console, as KubeVirt gives it.
func (e *Engine) Console(ctx context.Context, domain string) (engine.Channel, error) {
	e.calls.Add(1)
	if _, err := e.machine(ctx, domain); err != nil {
		return nil, err
	}
	stream := e.cluster.Serial(ctx, domain)
	return channel{stream, stream, stream.Close}, nil
}
