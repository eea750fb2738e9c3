package download

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"coreos-libvirt/internal/hint"
)

// Position is how far a file has been read, and what tells that it is still the same file: its strong
// ETag or else its Last-Modified (RFC 9110, 13.1.5).
type Position struct {
	Offset    int64
	Validator string
}

// ErrChanged is a file that cannot be gone on with: it is another one by now, or nothing tells that it
// is the same.
var ErrChanged = errors.New("the file on the server has changed")

// Stream is a file over HTTP, read in one go whatever the connection does.
type Stream struct {
	Position
	Size int64 // bytes of the whole file; -1 where the server does not tell

	client  *Client
	ctx     context.Context // of the whole stream
	request context.Context // of the connection there is now
	address string
	body    io.ReadCloser
	stall   *time.Timer
	cancel  context.CancelCauseFunc
	tries   int
}

// Open begins to read the file from the position on.
func (c *Client) Open(ctx context.Context, address string, from Position) (*Stream, error) {
	s := &Stream{Position: from, Size: -1, client: c, ctx: ctx, address: address}
	return s, s.connect()
}

// connect asks for what has not been read yet.
func (s *Stream) connect() error {
	s.request, s.cancel = context.WithCancelCause(s.ctx)
	cancel := s.cancel
	s.stall = time.AfterFunc(s.client.Stall, func() {
		cancel(hint.Errorf("a run later goes on from here", "stalled: no byte for %s", s.client.Stall))
	})
	header := http.Header{}
	if s.Offset > 0 {
		if s.Validator == "" {
			return ErrChanged
		}
		header.Set("Range", fmt.Sprintf("bytes=%d-", s.Offset))
		header.Set("If-Range", s.Validator)
	}
	answer, err := s.client.get(s.request, s.address, header) //nolint:bodyclose // Close does
	if err != nil {
		return err
	}
	s.body = answer.Body
	if err := s.accept(answer); err != nil {
		s.Close()
		return err
	}
	return nil
}

// accept makes of the answer a body that begins at Offset.
func (s *Stream) accept(answer *http.Response) error {
	switch answer.StatusCode {
	case http.StatusPartialContent:
		var begin, end, size int64
		_, err := fmt.Sscanf(answer.Header.Get("Content-Range"), "bytes %d-%d/%d", &begin, &end, &size)
		if err != nil || begin != s.Offset {
			return fmt.Errorf("%s: asked for bytes from %d, got %q", s.address, s.Offset, answer.Header.Get("Content-Range"))
		}
		s.Size = size
		return nil
	case http.StatusOK:
		was := s.Validator
		s.Size, s.Validator = answer.ContentLength, validator(answer.Header)
		if s.Offset == 0 {
			return nil
		}
		if s.Validator != was {
			return ErrChanged
		}
		_, err := io.CopyN(io.Discard, s.touching(), s.Offset) // a server that knows no ranges
		return err
	case http.StatusRequestedRangeNotSatisfiable:
		return ErrChanged
	}
	return &StatusError{s.address, answer.StatusCode}
}

func validator(header http.Header) string {
	if tag := header.Get("ETag"); tag != "" && !strings.HasPrefix(tag, "W/") {
		return tag
	}
	return header.Get("Last-Modified")
}

// touching reads the body and tells the stall watch that bytes come.
func (s *Stream) touching() io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		n, err := s.body.Read(p)
		if n > 0 {
			s.stall.Reset(s.client.Stall)
		}
		return n, err
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// Read gives the file's next bytes, after a broken connection from a new one.
func (s *Stream) Read(p []byte) (int, error) {
	for {
		n, err := s.touching().Read(p)
		s.Offset += int64(n)
		if n > 0 {
			s.tries = 0
			return n, nil
		}
		if errors.Is(err, io.EOF) && (s.Size < 0 || s.Offset >= s.Size) {
			return 0, io.EOF
		}
		if err != nil {
			if err := s.again(err); err != nil {
				return 0, err
			}
		}
	}
}

// again connects anew after err, unless that is no use.
func (s *Stream) again(err error) error {
	cause := context.Cause(s.request) // why this side ended the connection, if it did
	s.Close()
	if cause != nil {
		return plain(s.address, cause)
	}
	if s.tries++; s.tries > s.client.Tries {
		return plain(s.address, fmt.Errorf("cut off again and again at byte %d of %d: %w", s.Offset, s.Size, err))
	}
	select {
	case <-s.ctx.Done():
		return s.ctx.Err()
	case <-time.After(retryablehttp.DefaultBackoff(s.client.Wait, longestWait, s.tries-1, nil)):
	}
	return s.connect()
}

// Close ends the connection.
func (s *Stream) Close() {
	s.stall.Stop()
	s.cancel(nil)
	if s.body != nil {
		_ = s.body.Close()
	}
}
