//go:build cgo && libvirt_dlopen

package libvirt

import (
	"context"
	"fmt"
	"strings"
	"time"

	"coreos-libvirt/internal/engine/libvirt/refusal"

	"libvirt.org/go/libvirt"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/terminal/hint"
)

const (
	// busyPoll is how often a channel that another program has is tried again.
	busyPoll = 100 * time.Millisecond
	// sendPoll is how often bytes that a guest does not take are sent again.
	sendPoll = 10 * time.Millisecond
	// deadPoll is how often a stream's reader asks whether its connection lives: the stream itself does not show it.
	deadPoll = time.Second
)

// Channel is the host's end of a running domain's virtio channel, or of its serial console.
type Channel struct {
	ctx    context.Context
	conn   *libvirt.Connect
	stream *libvirt.Stream
	events chan struct{} // has a value when there may be something to read
}

// ports open what leads into a guest, and out of it.
type ports struct{ *connection }

// Channel opens the virtio channel of that name. One program at a time can have it: until another gives it back, or ctx
// ends, it is waited for. Reads end with ctx's error when ctx does.
func (p ports) Channel(ctx context.Context, domain, channel string) (_ engine.Channel, err error) {
	var ch *Channel
	for ; ; time.Sleep(busyPoll) {
		ch, err = p.open(ctx, domain, func(dom *libvirt.Domain, stream *libvirt.Stream) error {
			return dom.OpenChannel(channel, stream, 0)
		})
		if err == nil || !busy(err) || ctx.Err() != nil {
			break
		}
	}
	if err != nil && busy(err) {
		err = fmt.Errorf("%w: %w", engine.ErrBusy, err)
	}
	if err != nil {
		return nil, fmt.Errorf("the channel %s does not open: %w", channel, err)
	}
	return ch, nil
}

// busy reports whether libvirt says that a channel is in another's hands: of this driver's, or of its own libraries'.
func busy(err error) bool {
	return strings.Contains(err.Error(), "is locked") || strings.Contains(err.Error(), "Active channel stream exists")
}

// Console opens the domain's first serial console.
func (p ports) Console(ctx context.Context, domain string) (engine.Channel, error) {
	ch, err := p.open(ctx, domain, func(dom *libvirt.Domain, stream *libvirt.Stream) error {
		return dom.OpenConsole("", stream, libvirt.DOMAIN_CONSOLE_SAFE)
	})
	if err != nil {
		return nil, hint.Errorf("another console may be open; a node that does not run has none", "the console does not open: %w", err)
	}
	return ch, nil
}

func (p ports) open(ctx context.Context, domain string, open func(*libvirt.Domain, *libvirt.Stream) error) (ch *Channel, err error) {
	err = p.use(func(conn *libvirt.Connect) error {
		stream, err := conn.NewStream(libvirt.STREAM_NONBLOCK)
		if err != nil {
			return err
		}
		dom, err := conn.LookupDomainByName(domain)
		if err == nil {
			err = open(dom, stream)
			_ = dom.Free()
		}
		if err != nil {
			_ = stream.Free()
			return err
		}
		ch = &Channel{ctx: ctx, conn: conn, stream: stream, events: make(chan struct{}, 1)}
		if err := stream.EventAddCallback(readable, ch.tell); err != nil {
			ch.Close()
			return err
		}
		return nil
	})
	return ch, refusal.Plain(err)
}

// Write sends bytes to the guest.
func (ch *Channel) Write(p []byte) (int, error) {
	sent := 0
	for sent < len(p) {
		if err := ch.ctx.Err(); err != nil {
			return sent, err
		}
		n, err := ch.stream.Send(p[sent:])
		switch {
		case err != nil:
			return sent, ch.broken(err)
		case n != wouldBlock:
			sent += n
		case dead(ch.conn): // the stream itself does not tell
			return sent, engine.ErrRestarted
		default:
			time.Sleep(sendPoll)
		}
	}
	return sent, nil
}

const wouldBlock = -2 // virStreamRecv(3), virStreamSend(3)

// Read gives the next bytes that the guest sent, io.EOF when the channel ends with its domain.
func (ch *Channel) Read(p []byte) (int, error) {
	for {
		if err := ch.ctx.Err(); err != nil {
			return 0, err
		}
		n, err := ch.stream.Recv(p)
		switch {
		case err != nil:
			return 0, ch.broken(err)
		case n != wouldBlock:
			return n, nil
		case dead(ch.conn):
			return 0, engine.ErrRestarted
		}
		if err := ch.await(); err != nil {
			return 0, ch.broken(err)
		}
	}
}

const readable = libvirt.STREAM_EVENT_READABLE | libvirt.STREAM_EVENT_ERROR | libvirt.STREAM_EVENT_HANGUP

// tell is called by libvirt's event loop, again and again until the stream is read: so it is told once.
func (ch *Channel) tell(stream *libvirt.Stream, _ libvirt.StreamEventType) {
	_ = stream.EventUpdateCallback(0)
	select {
	case ch.events <- struct{}{}:
	default:
	}
}

// await waits until there may be something to read.
func (ch *Channel) await() error {
	if err := ch.stream.EventUpdateCallback(readable); err != nil {
		return err
	}
	select {
	case <-ch.events:
	case <-ch.ctx.Done():
	case <-time.After(deadPoll):
	}
	return nil
}

// broken is why the channel ended.
func (ch *Channel) broken(err error) error {
	if dead(ch.conn) {
		return engine.ErrRestarted
	}
	return refusal.Plain(err)
}

// Close gives the channel back.
func (ch *Channel) Close() {
	_ = ch.stream.EventRemoveCallback()
	_ = ch.stream.Abort()
	_ = ch.stream.Free()
}
