package local

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
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

// mostParts is how many files a log may have been moved to that are looked for: virtlogd keeps 3 (virtlogd.conf(5), max_backups).
const mostParts = 10

// Parts are the files. virtlogd renames each to the next number, and the log to .0, before it begins the log again: one that it
// renames meanwhile is given once.
func (l log) Parts() (parts []fs.File, err error) {
	for n := -1; n < mostParts; n++ {
		path := l.path
		if n >= 0 {
			path = moved(l.path, n)
		}
		part, err := os.Open(path)
		switch {
		case err != nil && n < 0:
			return nil, err
		case err != nil: // there is no more, or only root may read it
			slices.Reverse(parts)
			return parts, nil
		case n >= 0 && samePart(parts[len(parts)-1], part):
			_ = part.Close()
		default:
			parts = append(parts, part)
		}
	}
	slices.Reverse(parts)
	return parts, nil
}

// moved is where the n-th part of a log is, counted back from the log.
func moved(path string, n int) string { return path + "." + strconv.Itoa(n) }

func samePart(one, other fs.File) bool {
	a, errA := one.Stat()
	b, errB := other.Stat()
	return errA == nil && errB == nil && os.SameFile(a, b)
}

// removeMoved removes the parts that the log at path was moved to.
func removeMoved(path string) (err error) {
	for n := range mostParts {
		err = errors.Join(err, unlessGone(os.Remove(moved(path, n))))
	}
	return err
}

// Cut reports whether there is a file that an earlier part of the log was moved to (virtlogd.conf(5), max_size).
func (l log) Cut() bool {
	_, err := os.Stat(l.path + ".0")
	return err == nil
}

// Writes are those that the kernel reports.
func (l log) Writes() (written <-chan struct{}, end func()) { return l.writes.to(l.path) }
