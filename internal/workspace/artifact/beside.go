package artifact

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// leftover is the age from which a temporary file is nobody's: to write one takes seconds.
const leftover = time.Hour

// Owner are the ids of a file's user and group; -1 leaves one as it is.
type Owner struct {
	UID int `json:"uid"`
	GID int `json:"gid"`
}

// OwnerOf is the owner of a file.
func OwnerOf(info fs.FileInfo) Owner {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return Owner{int(stat.Uid), int(stat.Gid)}
	}
	return Owner{-1, -1}
}

// sweep removes the temporary files that runs left beside path when they were killed: regular files with renameio's names for
// path, and old. That one cannot be removed is no reason not to write.
func sweep(path string) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return
	}
	for _, entry := range entries {
		if !isTemporary(entry.Name(), filepath.Base(path)) || !entry.Type().IsRegular() {
			continue
		}
		if info, err := entry.Info(); err == nil && time.Since(info.ModTime()) > leftover {
			_ = os.Remove(filepath.Join(filepath.Dir(path), entry.Name()))
		}
	}
}

// isTemporary reports whether renameio names a temporary file for target so: a dot, target, and a random number of 63 bits.
// Of those one in a million has less than 12 digits.
func isTemporary(name, target string) bool {
	number, is := strings.CutPrefix(name, "."+target)
	return is && len(number) >= 12 && len(number) <= 19 && strings.Trim(number, "0123456789") == ""
}

// syncFolder puts a renaming on the disk. Some file systems cannot sync folders, and say EINVAL (fsync(2)); a folder that may
// be written to and not be read cannot be opened for it.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = folder.Close() }()
	if err := folder.Sync(); !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return err
	}
	return nil
}
