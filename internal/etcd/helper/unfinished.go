package helper

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"golang.org/x/sys/unix"
)

// abandoned is the age from which an unfinished snapshot is nobody's: one that comes is written to all the time.
const abandoned = time.Hour

// unfinished is a new file beside path, of a name that nobody can know before. Those that killed runs have left go.
func unfinished(path string) (*os.File, error) {
	folder, name := filepath.Split(path)
	folder = filepath.Join(folder, ".")
	ours := regexp.MustCompile(`^\.` + regexp.QuoteMeta(name) + `\.\d+\.new$`)
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err == nil && ours.MatchString(entry.Name()) && entry.Type().IsRegular() && time.Since(info.ModTime()) > abandoned {
			_ = os.Remove(filepath.Join(folder, entry.Name())) // another user's stays
		}
	}
	return os.CreateTemp(folder, "."+name+".*.new")
}

// putNew gives a file its final name, which nothing must have by now, and puts that on the disk.
func putNew(from, to string) error {
	err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) { // a file system that cannot do that
		if _, err = os.Lstat(to); err == nil {
			err = fs.ErrExist
		} else if errors.Is(err, fs.ErrNotExist) {
			err = os.Rename(from, to)
		}
	}
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already, since a moment ago: it stays as it is", to)
	}
	if err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(to))
	if err != nil {
		return err
	}
	defer func() { _ = folder.Close() }()
	if err := folder.Sync(); !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOTSUP) {
		return err
	}
	return nil
}
