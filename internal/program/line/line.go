// Package line is what a run and its helpers say to each other: JSON, one message a line.
package line

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"sync"
)

// Answer is a helper's. A request has one or more, of which only the last has Last.
type Answer struct {
	ID     int64           `json:"id"` // of the request; 0 if its line was not understood
	Last   bool            `json:"last,omitempty"`
	Result json.RawMessage `json:"result,omitempty"`
	Error  json.RawMessage `json:"error,omitempty"`

	TooLong bool `json:"-"` // what it says is left out
}

// ErrTooLong is of a line that is longer than it may be.
var ErrTooLong = errors.New("the message is too long")

// Lines are what comes out of a pipe.
type Lines struct {
	from *bufio.Reader
	max  int
	skip bool // what is left of a line that is too long
}

// NewLines are the lines of from, of at most max bytes each.
func NewLines(from io.Reader, max int) *Lines {
	return &Lines{from: bufio.NewReaderSize(from, 64<<10), max: max}
}

// Next is the next line. It says ErrTooLong as soon as a line is, with how that begins, and the line behind that one is next.
// What ends without a line's end is none.
func (l *Lines) Next() ([]byte, error) {
	line := []byte{}
	for {
		part, err := l.from.ReadSlice('\n')
		whole := err == nil
		switch {
		case !whole && !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		case l.skip:
			l.skip = !whole
		case len(line)+len(part) > l.max:
			l.skip = !whole
			return append(line, part...)[:min(l.max, beginning)], ErrTooLong
		case whole:
			return append(line, part...), nil
		default:
			line = append(line, part...)
		}
	}
}

// beginning is how much is kept of a line that is too long.
const beginning = 64

// Beginning is the answer that begins so, as a helper writes it: its id, and whether it is the last one.
func Beginning(line []byte) (answer Answer, ok bool) {
	found := answerBegins.FindSubmatch(line)
	if found == nil {
		return answer, false
	}
	id, err := strconv.ParseInt(string(found[1]), 10, 64)
	if err != nil {
		return answer, false
	}
	return Answer{ID: id, Last: len(found[2]) > 0, TooLong: true}, true
}

var answerBegins = regexp.MustCompile(`^{"id":([1-9][0-9]*),("last":true,)?"(?:result|error)":`)

// Decode is strict: the text is one JSON value that has nothing but what into has.
func Decode(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one JSON value")
	}
	return nil
}

// Pipe takes messages, each on a line of its own. It is for several goroutines at once.
type Pipe struct {
	mu  sync.Mutex
	to  io.Writer
	max int
}

// NewPipe writes lines of at most max bytes.
func NewPipe(to io.Writer, max int) *Pipe { return &Pipe{to: to, max: max} }

// Send sends a message, whole or, if it is too long, not at all.
func (p *Pipe) Send(message any) error {
	line, err := json.Marshal(message)
	if err != nil {
		return err
	}
	if len(line) >= p.max {
		return fmt.Errorf("%w: %d bytes", ErrTooLong, len(line))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err = p.to.Write(append(line, '\n'))
	return err
}
