// Package store keeps base images: one read-only file an image version with a record beside it, shared
// by all clusters. What is at its path is whole and was verified.
package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"coreos-libvirt/internal/artifact"
	"coreos-libvirt/internal/image/stream"
)

// Store is a folder of base images.
type Store struct{ Dir string }

// Record is what is known of an image in the store.
type Record struct {
	stream.Image
	Signer  string    `json:"signer,omitempty"` // fingerprint of the primary key
	Fetched time.Time `json:"fetched"`
}

// Path is where the image is, or will be.
func (s Store) Path(i stream.Image) string {
	if i.OS == "" {
		base, _, _ := strings.Cut(filepath.Base(i.URL), ".")
		return filepath.Join(s.Dir, fmt.Sprintf("%s-%.12s.qcow2", base, i.SHA256))
	}
	return filepath.Join(s.Dir, fmt.Sprintf("%s-%s-%s.qcow2", i.OS, i.Version, i.Arch))
}

// Has tells whether the image is there.
func (s Store) Has(i stream.Image) bool {
	_, err := os.Stat(s.Path(i))
	return err == nil
}

func recordOf(path string) string { return path + ".json" }

// Remembered is what the stream was when it was last looked up, and when that was.
func (s Store) Remembered(name stream.Name, arch string) (stream.Image, time.Time, error) {
	var image stream.Image
	path := s.memory(name, arch)
	info, err := os.Stat(path)
	if err != nil {
		return image, time.Time{}, err
	}
	return image, info.ModTime(), readJSON(path, &image)
}

// Remember keeps what the stream is now.
func (s Store) Remember(name stream.Name, image stream.Image) error {
	return writeJSON(s.memory(name, image.Arch), image)
}

func (s Store) memory(name stream.Name, arch string) string {
	return filepath.Join(s.Dir, "streams", name.String()+"-"+arch+".json")
}

func readJSON(path string, into any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func writeJSON(path string, value any) error {
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	return artifact.Write(path, append(data, '\n'), 0o644)
}

// remove removes files, of which any may be missing.
func remove(paths ...string) error {
	var errs []error
	for _, path := range paths {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Version is the stream's named version, where that is in the store with its record.
func (s Store) Version(name stream.Name, arch string) (stream.Image, bool) {
	image := stream.Image{OS: name.OS, Version: name.Version, Arch: arch}
	if name.Version == "" || !s.Has(image) {
		return image, false
	}
	var record Record
	err := readJSON(recordOf(s.Path(image)), &record)
	return record.Image, err == nil
}
