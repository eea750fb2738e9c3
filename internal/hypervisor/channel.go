//go:build cgo && libvirt_dlopen

package hypervisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"libvirt.org/go/libvirt"
)

// streamPoll is how often a channel is looked at for new bytes.
const streamPoll = 100 * time.Millisecond

// Channel is the host's end of a running domain's virtio channel.
type Channel struct {
	ctx    context.Context
	stream *libvirt.Stream
}

// Channel opens the virtio channel of that name. One program at a time can have it. Reads end with
// ctx's error when ctx does.
func (c *Conn) Channel(ctx context.Context, domain, channel string) (*Channel, error) {
	stream, err := c.c.NewStream(libvirt.STREAM_NONBLOCK)
	if err != nil {
		return nil, plain(err)
	}
	err = c.with(domain, func(dom *libvirt.Domain) error { return dom.OpenChannel(channel, stream, 0) })
	if err != nil {
		_ = stream.Free()
		return nil, fmt.Errorf("the channel %s does not open: %w", channel, plain(err))
	}
	return &Channel{ctx: ctx, stream: stream}, nil
}

// Read gives the next bytes that the guest sent, io.EOF when the channel ends with its domain.
func (ch *Channel) Read(p []byte) (int, error) {
	const wouldBlock = -2 // virStreamRecv(3)
	for {
		if err := ch.ctx.Err(); err != nil {
			return 0, err
		}
		n, err := ch.stream.Recv(p)
		switch {
		case errors.Is(err, io.EOF):
			return 0, io.EOF
		case err != nil:
			return 0, plain(err)
		case n != wouldBlock:
			return n, nil
		}
		time.Sleep(streamPoll)
	}
}

// Close gives the channel back.
func (ch *Channel) Close() {
	_ = ch.stream.Abort()
	_ = ch.stream.Free()
}
