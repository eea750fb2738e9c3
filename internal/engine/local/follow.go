package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// followPoll is how often a log that is followed is looked at. longestLine is how many bytes of one are a line without its end:
// a guest may write none.
const (
	followPoll  = 200 * time.Millisecond
	longestLine = 64 << 10
)

// Follow reads on in a log that begins later, begins again with another boot, or is moved away when it has become too long.
func (l log) Follow(ctx context.Context, each func(line string)) error {
	f := &follower{path: l.path, each: func(line []byte) { each(string(line)) }}
	defer f.close()
	for {
		if err := f.read(); err != nil {
			return fmt.Errorf("cannot follow the console log: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(followPoll):
		}
	}
}

// follower reads on in a log where it was before.
type follower struct {
	path string
	each func(line []byte) // without its end
	file *os.File          // nil as long as there is none
	rest []byte            // of a line that has not ended
}

// read gives what has come since it was called last.
func (f *follower) read() error {
	moved, err := f.look()
	if err == nil && f.file != nil {
		err = f.drain()
	}
	if err != nil || !moved {
		return err
	}
	f.close()
	if _, err := f.look(); err != nil || f.file == nil {
		return err
	}
	return f.drain()
}

// look opens the log, unless it is open, and goes back to the beginning of one that was emptied. It tells whether another file
// has taken its place.
func (f *follower) look() (moved bool, err error) {
	there, err := os.Stat(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil && f.file == nil {
		f.file, err = os.Open(f.path)
	}
	if err != nil {
		return false, err
	}
	open, err := f.file.Stat()
	if err != nil || !os.SameFile(open, there) {
		return true, err
	}
	at, err := f.file.Seek(0, io.SeekCurrent)
	if err == nil && open.Size() < at {
		f.rest = nil
		_, err = f.file.Seek(0, io.SeekStart)
	}
	return false, err
}

// drain reads as far as there is something.
func (f *follower) drain() error {
	for part := make([]byte, longestLine); ; {
		n, err := f.file.Read(part)
		f.take(part[:n])
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// take gives the lines that have ended with what is read.
func (f *follower) take(text []byte) {
	f.rest = append(f.rest, text...)
	for {
		line, rest, ended := bytes.Cut(f.rest, []byte("\n"))
		if !ended && len(line) < longestLine {
			return
		}
		f.each(line)
		f.rest = rest
	}
}

// close leaves the file, with what it has of a line.
func (f *follower) close() {
	if f.file != nil {
		_ = f.file.Close()
	}
	f.file, f.rest = nil, nil
}
