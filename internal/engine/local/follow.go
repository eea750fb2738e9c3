package local

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"

	"coreos-libvirt/internal/engine"
)

// followPoll is how often a log that is followed is looked at.
const followPoll = 200 * time.Millisecond

// Follow reads on in a log that begins later, begins again with another boot, or is moved away when it has become too long.
func (l log) Follow(ctx context.Context, each func(line string)) error {
	f := &follower{path: l.path, Follower: engine.Follower{Each: each}}
	defer f.close()
	return f.Follow(ctx, followPoll, f.read)
}

// follower reads on in a log where it was before.
type follower struct {
	engine.Follower
	path string
	file *os.File // nil as long as there is none
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

// look opens the log, unless it is open, and goes back to the beginning of one that was emptied. It reports whether another file
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
		f.Again()
		_, err = f.file.Seek(0, io.SeekStart)
	}
	return false, err
}

// drain reads as far as there is something.
func (f *follower) drain() error {
	for part := make([]byte, engine.LongestLine); ; {
		n, err := f.file.Read(part)
		f.Take(part[:n])
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// close leaves the file, with what it has of a line.
func (f *follower) close() {
	if f.file != nil {
		_ = f.file.Close()
	}
	f.file = nil
	f.Again()
}
