package kubevirt

import (
	"context"
	"encoding/json"
	"io"

	"coreos-libvirt/internal/engine/kubevirt/objects"
)

// Serial is a machine's serial console: what the guest writes there, and what is typed.
type Serial struct {
	*io.PipeReader
	client *Client
	id     int64
	end    func()
}

// Serial opens the machine's serial console until ctx ends. That it cannot be opened is what reading ends with.
func (c *Client) Serial(ctx context.Context, machine string) *Serial {
	ctx, end := context.WithCancel(ctx)
	out, in := io.Pipe()
	id, call := c.open()
	go func() {
		defer c.forget(id)
		err := c.answers(ctx, id, call, request{ID: id, Op: "console", Query: Query{Name: machine}}, func(text json.RawMessage) error {
			var said []byte
			err := into(&said)(text)
			if err == nil {
				_, err = in.Write(said)
			}
			return err
		})
		_ = in.CloseWithError(err) // nil is io.EOF
	}()
	return &Serial{out, c, id, end}
}

// Write types on the console.
func (s *Serial) Write(p []byte) (int, error) {
	return len(p), s.client.send(struct {
		ID   int64  `json:"id"`
		Op   string `json:"op"`
		Data []byte `json:"data"`
	}{s.id, "input", p})
}

// Close leaves the console.
func (s *Serial) Close() {
	s.end()
	_ = s.PipeReader.Close()
}

// request is one line that the helper reads.
type request struct {
	ID     int64          `json:"id"`
	Op     string         `json:"op"`
	Object objects.Object `json:"object,omitempty"`
	Query
}
