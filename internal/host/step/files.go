package step

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/aymanbagabas/go-udiff"
	"github.com/google/renameio/v2"

	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace/artifact"
)

// File is a file of Text in place of what was there Before.
type File struct {
	Path   string          `json:"path"` // from the root
	Text   string          `json:"text"`
	Mode   fs.FileMode     `json:"mode"`
	Before *string         `json:"before"` // nil where there was no file
	Had    fs.FileMode     `json:"had,omitempty"`
	Owner  *artifact.Owner `json:"owner,omitempty"` // of what was there, and of the new one; nil is who sets up
	Link   string          `json:"link,omitempty"`  // what a link led to that was there; what is there stays as it is
}

// File plans a file, or nil where it is there already.
func (m Machine) File(path, text string) (*File, error) {
	f := &File{Path: path, Text: text, Mode: 0o644}
	if link, err := os.Readlink(m.Root.Path(path)); err == nil {
		f.Link = link
	}
	before, err := os.ReadFile(m.Root.Path(path))
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return nil, err
	}
	if string(before) == text {
		return nil, nil
	}
	info, err := os.Stat(m.Root.Path(path))
	if err != nil {
		return nil, err
	}
	had, owner := string(before), artifact.OwnerOf(info)
	f.Before, f.Had, f.Mode, f.Owner = &had, info.Mode().Perm(), info.Mode().Perm(), &owner
	return f, nil
}

// Commands would write the file, or change what is there.
func (f *File) Commands() []string {
	if f.Before == nil {
		return []string{heredoc(f.Path, f.Text)}
	}
	return []string{"patch -d / -p1 <<'END'\n" + udiff.Unified("/"+f.Path, "/"+f.Path, *f.Before, f.Text) + "END"}
}

// Do writes the file.
func (f *File) Do(_ context.Context, m Machine) error {
	return artifact.WriteAs(m.Root.Path(f.Path), []byte(f.Text), f.Mode, f.owner())
}

// Written reports whether the file is as Do wrote it, and not as it was before; it is an error to be neither.
func (f *File) Written(m Machine) (bool, error) {
	now, err := os.ReadFile(m.Root.Path(f.Path))
	gone := errors.Is(err, fs.ErrNotExist)
	switch {
	case err != nil && !gone:
		return false, err
	case gone && f.Before == nil, !gone && f.Before != nil && string(now) == *f.Before:
		return false, nil
	case !gone && string(now) == f.Text:
		return true, nil
	}
	return false, hint.Errorf(fmt.Sprintf("take out what the set-up put there, then remove its entry from /%s", recordPath), "/%s was edited since: left as it is", f.Path)
}

// Undo brings the former file back, or the link, with its owner and its mode, unless somebody has changed what Do wrote.
func (f *File) Undo(_ context.Context, m Machine) error {
	written, err := f.Written(m)
	if err != nil || !written {
		return err
	}
	switch {
	case f.Link != "":
		return renameio.Symlink(f.Link, m.Root.Path(f.Path))
	case f.Before == nil:
		return os.Remove(m.Root.Path(f.Path))
	}
	return artifact.WriteAs(m.Root.Path(f.Path), []byte(*f.Before), f.Had, f.owner())
}
