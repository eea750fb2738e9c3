package artifact

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"coreos-libvirt/internal/terminal/hint"
)

// WriteNew is Write for a file that must not be there yet.
func WriteNew(path string, data []byte, mode fs.FileMode) error {
	if _, err := os.Lstat(path); err == nil {
		return hint.Errorf("move it away", "%s is there already", path)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot look at %s: %w", path, err)
	}
	return Write(path, data, mode)
}
