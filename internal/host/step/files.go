package step

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace/artifact"
)

// File is a file of Text in place of what was there Before.
type File struct {
	Path   string      `json:"path"` // from the root
	Text   string      `json:"text"`
	Mode   fs.FileMode `json:"mode"`
	Before *string     `json:"before"` // nil where there was no file
	Had    fs.FileMode `json:"had,omitempty"`
}

// File plans a file, or nil where it is there already.
func (m Machine) File(path, text string) (*File, error) {
	f := &File{Path: path, Text: text, Mode: 0o644}
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
	had := string(before)
	f.Before, f.Had, f.Mode = &had, info.Mode().Perm(), info.Mode().Perm()
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
	return artifact.Write(m.Root.Path(f.Path), []byte(f.Text), f.Mode)
}

// Written tells whether the file is as Do wrote it, and not as it was before; it is an error to be neither.
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

// Undo brings the former file back, unless somebody has changed what Do wrote.
func (f *File) Undo(_ context.Context, m Machine) error {
	written, err := f.Written(m)
	if err != nil || !written {
		return err
	}
	if f.Before == nil {
		return os.Remove(m.Root.Path(f.Path))
	}
	return artifact.Write(m.Root.Path(f.Path), []byte(*f.Before), f.Had)
}

// Sysctl is a kernel setting that is made now; a File makes it at the next boot.
type Sysctl struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Before string `json:"before"`
}

// Path is where the kernel shows it.
func (s *Sysctl) Path(m Machine) string {
	return m.Root.Path("proc/sys", strings.ReplaceAll(s.Key, ".", "/"))
}

// Commands would set it.
func (s *Sysctl) Commands() []string { return []string{fmt.Sprintf("sysctl -w %s=%s", s.Key, s.Value)} }

// Do sets it.
func (s *Sysctl) Do(_ context.Context, m Machine) error {
	return os.WriteFile(s.Path(m), []byte(s.Value+"\n"), 0o644)
}

// Undo sets it as it was, unless it is something else by now.
func (s *Sysctl) Undo(_ context.Context, m Machine) error {
	now, err := os.ReadFile(s.Path(m))
	if errors.Is(err, fs.ErrNotExist) || err == nil && strings.TrimSpace(string(now)) != s.Value {
		return nil // the module is gone, or somebody has set it since
	}
	if err != nil {
		return err
	}
	return os.WriteFile(s.Path(m), []byte(s.Before+"\n"), 0o644)
}
