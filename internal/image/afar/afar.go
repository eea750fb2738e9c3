// Package afar keeps what is known of base images that are on hosts elsewhere and not on this one: with fetch=host they come there
// without a detour. What they are is noted by the path that they would have in the store here.
package afar

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"coreos-libvirt/internal/image/store"
	"coreos-libvirt/internal/workspace/artifact"
)

// Image is what the host that has fetched a base image says of it.
type Image struct {
	store.Record
	Content string `json:"content"` // its sha256, unpacked, in hex
	Bytes   int64  `json:"bytes"`   // of the file
	Virtual int64  `json:"virtual"` // bytes of the disk that it is
}

// At is where it is noted what the image is that would be at the path.
func At(path string) string {
	return filepath.Join(filepath.Dir(path), "afar", filepath.Base(path)+".json")
}

// Load is what is noted of the image that would be at the path, if anything is.
func Load(path string) (i Image, known bool) {
	data, err := os.ReadFile(At(path))
	if err != nil || json.Unmarshal(data, &i) != nil {
		return Image{}, false
	}
	return i, i.Content != "" && i.Virtual > 0
}

// Keep notes what the image is that would be at the path. Another content than is noted is an error: an image does not change.
func Keep(path string, i Image) error {
	if before, known := Load(path); known && before.Content != i.Content {
		return fmt.Errorf("%s has the sha256 %s there, and on another host it has %s", filepath.Base(path), i.Content, before.Content)
	}
	data, err := json.MarshalIndent(i, "", "  ")
	if err != nil {
		return err
	}
	return artifact.Write(At(path), append(data, '\n'), 0o644)
}

// Forget forgets what is noted of the image that would be at the path.
func Forget(path string) error {
	if err := os.Remove(At(path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
