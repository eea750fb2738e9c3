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

	"coreos-libvirt/internal/terminal/hint"
)

// Position is how far a file has been read, and what shows that it is still the same file: its strong
// ETag or else its Last-Modified (RFC 9110, 13.1.5), and its size.
type Position struct {
	Offset    int64
	Validator string
	Size      int64 // bytes of the whole file; -1 where the server does not tell
}

// ErrChanged is a file that cannot be gone on with: it is another one by now, or nothing shows that it
// is the same.
var ErrChanged = errors.New("the file on the server has changed")

// Stream is a file over HTTP, read in one go whatever the connection does.
type Stream struct {
	Position

	client  *Client
	ctx     context.Context // of the whole stream
	request context.Context // of the connection there is now
	address string
	body    io.ReadCloser
	skip    int64 // bytes of the body that were read before
	stall   *time.Timer
	cancel  context.CancelCauseFunc
	tries   int
}

// Open begins to read the file from the position on.
func (c *Client) Open(ctx context.Context, address string, from Position) (*Stream, error) {
	s := &Stream{Position: from, client: c, ctx: ctx, address: address}
	if from.Offset == 0 {
		s.Size = -1
	}
	return s, s.connect()
}

// connect asks for what has not been read yet.
func (s *Stream) connect() error {
	s.request, s.cancel = context.WithCancelCause(s.ctx)
	cancel := s.cancel
	s.stall = time.AfterFunc(s.client.Stall, func() {
		cancel(hint.Errorf("a run later goes on from here", "stalled: no byte for %s", s.client.Stall))
	})
	err := s.ask()
	s.stall.Stop()
	if err != nil {
		s.Close()
	}
	return err
}

func (s *Stream) ask() error {
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
	return s.accept(answer)
}

// accept makes of the answer a body that begins at Offset.
func (s *Stream) accept(answer *http.Response) error {
	s.skip = 0
	switch answer.StatusCode {
	case http.StatusPartialContent:
		return s.goOn(answer)
	case http.StatusOK:
		was := s.Validator
		s.Size, s.Validator = answer.ContentLength, validator(answer.Header)
		if s.Offset > 0 && s.Validator != was {
			return ErrChanged
		}
		s.skip = s.Offset // a server that knows no ranges
		return nil
	case http.StatusRequestedRangeNotSatisfiable:
		return ErrChanged
	}
	return &StatusError{s.address, answer.StatusCode}
}

// goOn accepts the rest of the file, if it is the rest of the same one.
func (s *Stream) goOn(answer *http.Response) error {
	var begin, end, size int64
	span := answer.Header.Get("Content-Range")
	if _, err := fmt.Sscanf(span, "bytes %d-%d/%d", &begin, &end, &size); err != nil || begin != s.Offset {
		return fmt.Errorf("%s: asked for bytes from %d, got %q", Public(s.address), s.Offset, span)
	}
	now := validator(answer.Header)
	if now != "" && now != s.Validator || s.Size >= 0 && s.Size != size {
		return ErrChanged
	}
	s.Size = size
	return nil
}

func validator(header http.Header) string {
	if tag := header.Get("ETag"); tag != "" && !strings.HasPrefix(tag, "W/") {
		return tag
	}
	return header.Get("Last-Modified")
}

// read reads the body. The stall watch runs only meanwhile: who reads may take their time in between.
func (s *Stream) read(p []byte) (int, error) {
	s.stall.Reset(s.client.Stall)
	n, err := s.body.Read(p)
	s.stall.Stop()
	if before := int(min(s.skip, int64(n))); before > 0 {
		s.skip -= int64(before)
		n = copy(p, p[before:n])
	}
	s.Offset += int64(n)
	return n, err
}

// Read gives the file's next bytes, after a broken connection from a new one.
func (s *Stream) Read(p []byte) (int, error) {
	for {
		n, err := s.read(p)
		if n > 0 {
			s.tries = 0
			return n, nil
		}
		if errors.Is(err, io.EOF) && s.skip == 0 && (s.Size < 0 || s.Offset >= s.Size) {
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
