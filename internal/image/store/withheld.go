package store

import (
	"bytes"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// headSize is how much is withheld: without its first MiB, which has the header, no image boots.
const headSize = 1 << 20

// withheld is an image that is being written. Its first MiB is kept in a file beside it until the image
// is released, so that nothing bootable exists before its signature was checked. (coreos-installer does
// the same.) Blocks of zeros become holes.
type withheld struct {
	path       string
	head, body *os.File
	size       int64 // bytes written
	flushed    int64 // bytes that are on their way to the disk
}

// flushEvery is how many bytes are written before the disk is asked to begin with them, so that the wait
// at the end is short.
const flushEvery = 32 << 20

func headOf(path string) string { return path + ".head" }

// openWithheld goes on with what is there.
func openWithheld(path string) (*withheld, error) {
	head, err := os.OpenFile(headOf(path), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	body, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		_ = head.Close()
		return nil, err
	}
	w := &withheld{path: path, head: head, body: body}
	if w.size, err = w.written(); err == nil && w.size < headSize {
		err = w.body.Truncate(0) // what is there is of another file: zeros are not written over it
	}
	if err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

func (w *withheld) written() (int64, error) {
	head, err := w.head.Stat()
	if err != nil || head.Size() < headSize {
		return head.Size(), err
	}
	body, err := w.body.Stat()
	return max(headSize, body.Size()), err
}

// reset forgets what was written.
func (w *withheld) reset() error {
	w.size = 0
	if err := w.head.Truncate(0); err != nil {
		return err
	}
	return w.body.Truncate(0)
}

// Write appends.
func (w *withheld) Write(p []byte) (int, error) {
	begin := w.size
	if room := headSize - w.size; room > 0 {
		part := p[:min(room, int64(len(p)))]
		if _, err := w.head.WriteAt(part, w.size); err != nil {
			return 0, err
		}
		w.size += int64(len(part))
		p = p[len(part):]
	}
	err := writeSparse(w.body, p, w.size)
	w.size += int64(len(p))
	if w.size-w.flushed >= flushEvery {
		_ = unix.SyncFileRange(int(w.body.Fd()), w.flushed, w.size-w.flushed, unix.SYNC_FILE_RANGE_WRITE)
		w.flushed = w.size
	}
	return int(w.size - begin), err
}

// block is what is looked at for zeros: a file system's block, and a power of two below headSize.
const block = 4096

var zeros [block]byte

// writeSparse writes p at offset, but for blocks of zeros.
func writeSparse(file *os.File, p []byte, offset int64) error {
	for len(p) > 0 {
		n := len(p)
		for i := 0; i < len(p); i += block {
			if bytes.Equal(p[i:min(i+block, len(p))], zeros[:min(block, len(p)-i)]) {
				n = i
				break
			}
		}
		if n > 0 {
			if _, err := file.WriteAt(p[:n], offset); err != nil {
				return err
			}
		}
		skip := min(n+block, len(p)) // the zeros, too
		if n == len(p) {
			skip = n
		}
		p, offset = p[skip:], offset+int64(skip)
	}
	return nil
}

// reader gives what was written, from its begin on.
func (w *withheld) reader() io.Reader {
	head := io.NewSectionReader(w.head, 0, min(w.size, headSize))
	body := io.NewSectionReader(w.body, headSize, max(0, w.size-headSize))
	return io.MultiReader(head, body)
}

// release makes the file whole and durable.
func (w *withheld) release() error {
	head := make([]byte, min(w.size, headSize))
	if _, err := w.head.ReadAt(head, 0); err != nil {
		return err
	}
	if err := w.body.Truncate(w.size); err != nil { // it may end with a hole
		return err
	}
	if _, err := w.body.WriteAt(head, 0); err != nil {
		return err
	}
	if err := w.body.Sync(); err != nil {
		return err
	}
	return os.Remove(headOf(w.path))
}

// Close closes the files.
func (w *withheld) Close() {
	_ = w.head.Close()
	_ = w.body.Close()
}
