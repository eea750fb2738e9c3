// Package artifact puts generated files in place: whole or not at all, and only when their bytes differ.
package artifact

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// Write puts data at path with mode: to a temporary file beside it, synced, then renamed over it, and the folder synced.
// Folders that are missing are made.
func Write(path string, data []byte, mode fs.FileMode) error {
	return WriteAs(path, data, mode, Owner{-1, -1})
}

// WriteAs is Write for a file of that owner.
func WriteAs(path string, data []byte, mode fs.FileMode, owner Owner) error {
	if err := Folder(filepath.Dir(path)); err != nil {
		return fmt.Errorf("cannot make the folder of %s: %w", path, err)
	}
	if err := replace(path, data, mode, owner); err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	return nil
}

// Folder makes the folder, and those above it that are missing, so that everybody may enter, whatever the umask says: QEMU's
// own user has to. Folders that are there stay as they are.
func Folder(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil
	}
	if above := filepath.Dir(path); above != path {
		if err := Folder(above); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return os.Chmod(path, 0o755)
}

// replace has the temporary file beside path, and not where $TMPDIR says: it may hold secrets, and it is to get the ACL and the
// SELinux type that the folder gives.
func replace(path string, data []byte, mode fs.FileMode, owner Owner) error {
	sweep(path)
	file, err := renameio.NewPendingFile(path, renameio.WithTempDir(filepath.Dir(path)), renameio.WithStaticPermissions(mode))
	if err != nil {
		return err
	}
	defer func() { _ = file.Cleanup() }()
	if err := file.Chown(owner.UID, owner.GID); err != nil {
		return err
	}
	if _, err := file.Write(data); err != nil {
		return err
	}
	if err := file.CloseAtomicallyReplace(); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// WriteIfChanged is Write, left out where path already holds data with mode. It reports whether it wrote.
func WriteIfChanged(path string, data []byte, mode fs.FileMode) (bool, error) {
	same, err := holds(path, data, mode)
	if err != nil || same {
		return false, err
	}
	return true, Write(path, data, mode)
}

func holds(path string, data []byte, mode fs.FileMode) (bool, error) {
	old, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return false, nil // libvirt may have given a running node's files to QEMU's user
	}
	if err != nil {
		return false, fmt.Errorf("cannot read what is at %s: %w", path, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return false, fmt.Errorf("cannot look at %s: %w", path, err)
	}
	return bytes.Equal(old, data) && info.Mode().Perm() == mode.Perm(), nil
}
