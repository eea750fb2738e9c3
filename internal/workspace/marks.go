package workspace

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"coreos-libvirt/internal/workspace/artifact"
)

// MarkLeaving notes that the node is being removed, if it has a folder.
func (n Node) MarkLeaving() error {
	if _, err := os.Stat(n.Dir); err != nil {
		return nil //nolint:nilerr // there is nothing to be marked
	}
	return os.WriteFile(n.Leaving(), nil, 0o600)
}

// NoteAutostart notes whether the engine starts the node by itself, if it has a folder.
func (n Node) NoteAutostart(starts bool) error {
	if _, err := os.Stat(n.Dir); err != nil || !starts {
		return Forget(n.Autostart())
	}
	return os.WriteFile(n.Autostart(), nil, 0o600)
}

// Begin notes that the node is made now, of the document that was rendered: it has never been ready, and no run that booted it
// has ended. It gives the document, nil if there is none.
func (n Node) Begin() (document []byte, err error) {
	document, err = os.ReadFile(n.Ignition())
	if err == nil {
		err = artifact.Write(n.MadeOf(), document, 0o600)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = Forget(n.MadeOf())
	}
	return document, errors.Join(err, os.WriteFile(n.Fresh(), nil, 0o600), Forget(n.Report()), Forget(n.EarlierReport()))
}

// RemoveFiles removes the node's folder. Its disks go first, because the mark of leaving must outlive them.
func (n Node) RemoveFiles() (err error) {
	for _, disk := range n.Disks() {
		err = errors.Join(err, Forget(disk))
	}
	if err == nil {
		err = os.RemoveAll(n.Dir)
	}
	if err != nil {
		return fmt.Errorf("cannot remove what was generated: %w", err)
	}
	return nil
}

// Generated reports whether this project made the node's folder: there is a document or a definition in it, or a run ended
// before it had written either, and there is nothing else in it.
func (n Node) Generated() bool {
	if Exists(n.Ignition()) || Exists(n.XML()) {
		return true
	}
	entries, err := os.ReadDir(n.Dir)
	return err == nil && !slices.ContainsFunc(entries, func(entry os.DirEntry) bool {
		known, path := []string{n.Defined(), n.Fresh(), n.Leaving(), n.Autostart(), n.Console()}, filepath.Join(n.Dir, entry.Name())
		return !slices.Contains(known, path) && !n.IsDisk(path) && !strings.HasPrefix(entry.Name(), ".")
	})
}
