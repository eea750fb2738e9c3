//go:build cgo && libvirt_dlopen

package hypervisor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"libvirt.org/go/libvirt"

	"coreos-libvirt/internal/hint"
)

// How often a stream is looked at for new bytes: where a guest answers within a second, and where
// somebody types.
const (
	channelPoll = 20 * time.Millisecond
	consolePoll = 10 * time.Millisecond
)

// lockPatience is how long another's hold of a channel is waited for.
const lockPatience = 10 * time.Second

// Channel is the host's end of a running domain's virtio channel, or of its serial console.
type Channel struct {
	ctx    context.Context
	conn   *libvirt.Connect
	stream *libvirt.Stream
	poll   time.Duration
}

// ErrRestarted ends a channel whose daemon was restarted. The guest goes on: the channel can be opened again.
var ErrRestarted = errors.New("libvirt's daemon hung up")

// Channel opens the virtio channel of that name. One program at a time can have it: another's, which may
// just be about to give it back, is waited for a little. Reads end with ctx's error when ctx does.
func (c *Conn) Channel(ctx context.Context, domain, channel string) (ch *Channel, err error) {
	for begin := time.Now(); ; time.Sleep(channelPoll) {
		ch, err = c.open(ctx, domain, channelPoll, func(dom *libvirt.Domain, stream *libvirt.Stream) error {
			return dom.OpenChannel(channel, stream, 0)
		})
		if err == nil || !strings.Contains(err.Error(), "is locked") || ctx.Err() != nil || time.Since(begin) > lockPatience {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("the channel %s does not open: %w", channel, err)
	}
	return ch, nil
}

// Console opens the domain's first serial console.
func (c *Conn) Console(ctx context.Context, domain string) (*Channel, error) {
	ch, err := c.open(ctx, domain, consolePoll, func(dom *libvirt.Domain, stream *libvirt.Stream) error {
		return dom.OpenConsole("", stream, libvirt.DOMAIN_CONSOLE_SAFE)
	})
	if err != nil {
		return nil, hint.Errorf("another console may be open; a node that does not run has none", "the console does not open: %w", err)
	}
	return ch, nil
}

func (c *Conn) open(ctx context.Context, domain string, poll time.Duration, open func(*libvirt.Domain, *libvirt.Stream) error) (ch *Channel, err error) {
	err = c.use(func(conn *libvirt.Connect) error {
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
		ch = &Channel{ctx: ctx, conn: conn, stream: stream, poll: poll}
		return nil
	})
	return ch, plain(err)
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
			return sent, ErrRestarted
		default:
			time.Sleep(ch.poll)
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
		case dead(ch.conn): // the stream itself does not tell
			return 0, ErrRestarted
		}
		time.Sleep(ch.poll)
	}
}

// broken is why the channel ended.
func (ch *Channel) broken(err error) error {
	if dead(ch.conn) {
		return ErrRestarted
	}
	return plain(err)
}

// Close gives the channel back.
func (ch *Channel) Close() {
	_ = ch.stream.Abort()
	_ = ch.stream.Free()
}
