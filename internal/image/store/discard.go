package store

import (
	"path/filepath"
	"slices"
)

// Discard removes an image that was only to be passed on, unless a workspace has overlays on it, or another run may make some.
func (s Store) Discard(path string) error {
	lock, err := s.lock()
	if err != nil {
		return err
	}
	if free, err := lock.TryLock(); err != nil || !free {
		return err // prune removes it
	}
	defer func() { _ = lock.Unlock() }()
	users, err := s.registered()
	if err != nil {
		return err
	}
	for _, images := range users {
		if images == nil || slices.Contains(images, filepath.Base(path)) {
			return nil
		}
	}
	return remove(path, recordOf(path), s.Inventory(path))
}
