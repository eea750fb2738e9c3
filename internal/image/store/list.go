package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"coreos-libvirt/internal/hint"
)

// Entry is an image in the store.
type Entry struct {
	Record
	Path string
	Size int64 // bytes on disk
}

// List are the images in the store, by file name.
func (s Store) List() ([]Entry, error) {
	paths, err := filepath.Glob(filepath.Join(s.Dir, "*.qcow2"))
	if err != nil {
		return nil, err
	}
	entries := []Entry{}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			continue // gone by now
		}
		entry := Entry{Path: path, Size: info.Size()}
		if err := readJSON(recordOf(path), &entry.Record); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

// leftovers are endings of files that a fetch leaves when it is interrupted.
var leftovers = []string{".part", ".part.head", ".part.json", ".new", ".new.head"}

// Prune removes the images that used has not, and what interrupted fetches left. It gives what it removed.
func (s Store) Prune(used map[string][]string) (removed []Entry, err error) {
	lock, err := s.lock()
	if err != nil {
		return nil, err
	}
	if free, err := lock.TryLock(); err != nil || !free {
		return nil, hint.Errorf("try again when it has made its nodes", "another run is about to use an image of the store")
	}
	defer func() { _ = lock.Unlock() }()
	entries, err := s.List()
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if len(used[entry.Path]) > 0 {
			continue
		}
		if err := remove(entry.Path, recordOf(entry.Path)); err != nil {
			return removed, err
		}
		removed = append(removed, entry)
	}
	return removed, s.sweep()
}

func (s Store) sweep() error {
	files, err := os.ReadDir(s.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var errs []error
	for _, file := range files {
		for _, ending := range leftovers {
			if strings.HasSuffix(file.Name(), ".qcow2"+ending) {
				errs = append(errs, remove(filepath.Join(s.Dir, file.Name())))
			}
		}
	}
	return errors.Join(errs...)
}
