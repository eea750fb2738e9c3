package local

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// log is a console log that libvirt's log daemon writes on this host (virtlogd(8)).
type log struct {
	path   string
	writes *writes
}

// Open opens the file.
func (l log) Open(offset int64) (fs.File, error) {
	file, err := os.Open(l.path)
	if err != nil {
		return nil, err
	}
	if err := seek(file, offset); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// seek goes to the offset; a negative one counts from the end, at most to the beginning.
func seek(file *os.File, offset int64) error {
	if offset < 0 {
		info, err := file.Stat()
		if err != nil {
			return err
		}
		offset = max(0, info.Size()+offset)
	}
	_, err := file.Seek(offset, io.SeekStart)
	return err
}

// Cut tells whether there is a file that an earlier part of the log was moved to (virtlogd.conf(5), max_size).
func (l log) Cut() bool {
	_, err := os.Stat(l.path + ".0")
	return err == nil
}

// Writes are those that the kernel tells of.
func (l log) Writes() (written <-chan struct{}, end func()) { return l.writes.to(l.path) }
