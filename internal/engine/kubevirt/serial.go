package kubevirt

import (
	"context"
	"encoding/json"
	"io"

	"coreos-libvirt/internal/program/helper"
)

// Serial is a machine's serial console: what the guest writes there, and what is typed.
type Serial struct {
	*io.PipeReader
	call   *helper.Call
	failed error // why there is no call
	end    func()
}

// Serial opens the machine's serial console until ctx ends. That it cannot be opened is what reading ends with.
func (c *Client) Serial(ctx context.Context, machine string) *Serial {
	ctx, end := context.WithCancel(ctx)
	out, in := io.Pipe()
	call, err := c.helper.Begin(ctx)
	if err != nil {
		_ = in.CloseWithError(err)
		return &Serial{out, nil, err, end}
	}
	go func() {
		err := call.Ask(ctx, request{ID: call.ID, Op: "console", Query: Query{Name: machine}}, func(text json.RawMessage) error {
			var said []byte
			err := into(&said)(text)
			if err == nil {
				_, err = in.Write(said)
			}
			return err
		})
		_ = in.CloseWithError(err) // nil is io.EOF
	}()
	return &Serial{out, call, nil, end}
}

// Write types on the console.
func (s *Serial) Write(p []byte) (int, error) {
	if s.failed != nil {
		return 0, s.failed
	}
	return len(p), s.call.Send(request{ID: s.call.ID, Op: "input", Data: p})
}

// Close leaves the console.
func (s *Serial) Close() {
	s.end()
	_ = s.PipeReader.Close()
}
