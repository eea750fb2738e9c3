package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace/artifact"
)

// Entry is an image in the store.
type Entry struct {
	Record
	Path string
	Size int64 // bytes on disk
	file fs.FileInfo
}

// ending is that of an image's file name.
const ending = ".qcow2"

// List are the images in the store, by file name.
func (s Store) List() ([]Entry, error) {
	files, err := os.ReadDir(s.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	entries := []Entry{}
	for _, file := range files {
		if !strings.HasSuffix(file.Name(), ending) {
			continue
		}
		path := filepath.Join(s.Dir, file.Name())
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // gone by now
		}
		if err != nil {
			return nil, err
		}
		entry := Entry{Path: path, Size: onDisk(info), file: info}
		_ = readJSON(recordOf(path), &entry.Record) // an image without one is shown so, and never used
		entries = append(entries, entry)
	}
	return entries, nil
}

// Prune removes the images that nobody uses, and what interrupted fetches left. It gives what it removed.
// Nobody begins to use one while it looks: domains is called then, too.
func (s Store) Prune(ctx context.Context, domains func() ([]Domain, error)) (removed []Entry, err error) {
	lock, err := s.lock()
	if err != nil {
		return nil, err
	}
	if free, err := lock.TryLock(); err != nil || !free {
		return nil, hint.Errorf("try again when it has made its nodes", "%s is about to use an image of the store", artifact.Holder(lock.Path()))
	}
	defer func() { _ = lock.Unlock() }()
	unused, err := s.unused(ctx, domains)
	if err != nil {
		return nil, err
	}
	for _, entry := range unused {
		if err := remove(entry.Path, recordOf(entry.Path), s.Inventory(entry.Path)); err != nil {
			return removed, err
		}
		removed = append(removed, entry)
	}
	return removed, s.sweep()
}

func (s Store) unused(ctx context.Context, domains func() ([]Domain, error)) (unused []Entry, err error) {
	entries, err := s.List()
	if err != nil {
		return nil, err
	}
	all, err := domains()
	if err != nil {
		return nil, err
	}
	users, err := s.Users(ctx, entries, all)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if len(users[entry.Path]) == 0 {
			unused = append(unused, entry)
		}
	}
	return unused, nil
}

// leftovers are endings of files that a fetch leaves when it is interrupted; a record alone is one, too.
var leftovers = []string{".part", ".part.head", ".part.json", ".new", ".new.head", ".esp"}

func (s Store) sweep() error {
	files, err := readDir(s.Dir)
	errs := []error{err}
	for _, file := range files {
		path := filepath.Join(s.Dir, file.Name())
		for _, left := range leftovers {
			if strings.HasSuffix(path, ending+left) {
				errs = append(errs, remove(path))
			}
		}
		image, isRecord := strings.CutSuffix(path, recordOf(ending))
		if _, err := os.Stat(image + ending); isRecord && errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, remove(path))
		}
	}
	return errors.Join(errs...)
}
