// Package store keeps base images: one read-only file an image version with a record beside it, shared
// by all clusters. What is at its path is whole and was verified.
//
// An image is in use if an overlay in a workspace that ever used the store, or a disk of libvirt's domains, stands on it,
// directly or not, or if a node's metadata name it. Only what does not exist counts as no user.
package store

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"coreos-libvirt/internal/image/stream"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace/artifact"
)

// Store is a folder of base images.
type Store struct{ Dir string }

// Record is what is known of an image in the store.
type Record struct {
	stream.Image
	Signer  string    `json:"signer,omitempty"` // fingerprint of the primary key
	Signed  time.Time `json:"signed,omitzero"`  // when, as the signature says
	Fetched time.Time `json:"fetched"`
}

// Path is where the image is, or will be.
func (s Store) Path(i stream.Image) string {
	if i.OS == "" {
		return filepath.Join(s.Dir, fmt.Sprintf("%s-%.12s.qcow2", nameIn(i.URL), i.SHA256))
	}
	return filepath.Join(s.Dir, fmt.Sprintf("%s-%s-%s.qcow2", i.OS, i.Version, i.Arch))
}

// nameIn is the file's name in a URL, without endings.
func nameIn(address string) string {
	if u, err := url.Parse(address); err == nil {
		address = u.Path
	}
	name, _, _ := strings.Cut(path.Base(address), ".")
	if strings.Trim(name, "/") == "" {
		return "image"
	}
	return name
}

// Has reports whether the image is there, with a record that says that it is this one.
func (s Store) Has(i stream.Image) bool {
	record, err := s.RecordAt(s.Path(i))
	return err == nil && record.Same(i)
}

func recordOf(path string) string { return path + ".json" }

// Inventory is where it is kept what the image at the path has, which a node of it said. The image may be a file of the user's own.
func (s Store) Inventory(image string) string {
	sum := sha256.Sum256([]byte(image))
	return filepath.Join(s.Dir, "inventories", fmt.Sprintf("%s-%x.json", strings.TrimSuffix(filepath.Base(image), ending), sum[:4]))
}

// RecordAt is the record of the image at the path.
func (s Store) RecordAt(path string) (record Record, err error) {
	if _, err := os.Stat(path); err != nil {
		return record, err
	}
	return record, readJSON(recordOf(path), &record)
}

// Version is the stream's named version, if that is in the store.
func (s Store) Version(name stream.Name, arch string) (stream.Image, bool) {
	image := stream.Image{OS: name.OS, Version: name.Version, Arch: arch}
	record, err := s.RecordAt(s.Path(image))
	return record.Image, err == nil && record.Same(image)
}

// Newest is the newest image of the stream in the store, other than of the version not.
func (s Store) Newest(name stream.Name, arch, not string) (newest stream.Image, ok bool) {
	entries, _ := s.List()
	for _, e := range entries {
		ours := e.Name == name.String() && e.Arch == arch && e.Path == s.Path(e.Image)
		if ours && e.Version != not && (!ok || stream.Newer(e.Version, newest.Version)) {
			newest, ok = e.Image, true
		}
	}
	return newest, ok
}

// Seen is the latest signature that an image of a stream had: an earlier one is not a newer image.
type Seen struct {
	SignedLast  time.Time `json:"signed_last,omitzero"`
	LastVersion string    `json:"last_version,omitempty"` // that it was of
}

// Check refuses a signature that was made before the latest that was seen.
func (s Seen) Check(i stream.Image, at time.Time) error {
	if !at.Before(s.SignedLast) {
		return nil
	}
	return hint.Errorf(fmt.Sprintf("somebody may serve an old image, or the distributor has taken a release back; image=%s@%s is the newest that was seen, image=%s@%s takes this one",
		i.Name, s.LastVersion, i.Name, i.Version),
		"%s is served as the newest of %s, and was signed %s, before %s (%s), which was seen before", i.Version, i.Name,
		at.UTC().Format(time.DateOnly), s.LastVersion, s.SignedLast.UTC().Format(time.DateOnly))
}

// with is what has been seen once an image was seen, too.
func (s Seen) with(r Record) Seen {
	if r.Signed.After(s.SignedLast) {
		return Seen{SignedLast: r.Signed, LastVersion: r.Version}
	}
	return s
}

// Memory is what a stream was when it was last looked up.
type Memory struct {
	stream.Image
	Seen
	Asked  time.Time `json:"asked"`           // when it said so
	Failed time.Time `json:"failed,omitzero"` // when it did not answer, if that was later
}

// Remembered is what is remembered under the key; nothing if nothing is.
func (s Store) Remembered(key string) (m Memory) {
	if readJSON(s.memory(key), &m) != nil {
		return Memory{}
	}
	return m
}

// Remember keeps it under the key.
func (s Store) Remember(key string, m Memory) error { return writeJSON(s.memory(key), m) }

// See notes the signature of an image in the store, of the stream that the key is of. It refuses one that is older than the
// latest that was seen.
func (s Store) See(key string, i stream.Image) error {
	record, err := s.RecordAt(s.Path(i))
	if err != nil || record.Signed.IsZero() { // it is of an earlier version of this program
		return err
	}
	return s.SeeRecord(key, record)
}

// SeeRecord is See of an image that may be in another store.
func (s Store) SeeRecord(key string, record Record) error {
	if record.Signed.IsZero() {
		return nil
	}
	memory := s.Remembered(key)
	if err := memory.Check(record.Image, record.Signed); err != nil {
		return err
	}
	if seen := memory.with(record); seen != memory.Seen {
		memory.Seen = seen
		return s.Remember(key, memory)
	}
	return nil
}

func (s Store) memory(key string) string { return filepath.Join(s.Dir, "streams", key+".json") }

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

// onDisk are the bytes that the file takes: an image has holes.
func onDisk(info fs.FileInfo) int64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return stat.Blocks * 512 // stat(2)'s unit
	}
	return info.Size()
}
