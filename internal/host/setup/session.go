package setup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/host/step"
)

// Setuid is a program that runs as root for whoever starts it. With Debian's package manager that is an
// override, which upgrades of the package heed.
type Setuid struct {
	Path     string      `json:"path"` // from the root
	Override bool        `json:"override"`
	Had      fs.FileMode `json:"had,omitempty"` // before; 0 where the package brings the program
}

// Commands would do it.
func (s *Setuid) Commands() []string {
	if s.Override {
		return []string{"dpkg-statoverride --update --add root root 4755 /" + s.Path}
	}
	return []string{"chmod u+s /" + s.Path}
}

// Do sets the bit.
func (s *Setuid) Do(ctx context.Context, m step.Machine) error {
	if s.Override {
		return step.Run(ctx, "dpkg-statoverride", "--update", "--add", "root", "root", "4755", m.Root.Path(s.Path))
	}
	return os.Chmod(m.Root.Path(s.Path), fs.ModeSetuid|0o755)
}

// Undo brings the former mode back.
func (s *Setuid) Undo(ctx context.Context, m step.Machine) error {
	path := m.Root.Path(s.Path)
	if s.Override && step.Succeeds(ctx, "dpkg-statoverride", "--list", path) {
		if err := step.Run(ctx, "dpkg-statoverride", "--remove", path); err != nil {
			return err
		}
	}
	mode := s.Had
	if mode == 0 {
		mode = 0o755
	}
	if err := os.Chmod(path, mode); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// session plans what lets a user's own libvirt plug guests in the bridge: QEMU's helper, and its access list.
func session(ctx context.Context, m step.Machine, w Wanted, f family) ([]step.Planned, error) {
	if !w.Session || w.Bridge == "" {
		return nil, nil
	}
	steps := []step.Planned{}
	info, err := os.Stat(m.Root.Path(f.helper))
	if err != nil || info.Mode()&fs.ModeSetuid == 0 { // where it is not there, the packages bring it
		s := &Setuid{Path: f.helper, Override: step.Succeeds(ctx, "dpkg-statoverride", "--version")}
		if err == nil {
			s.Had = info.Mode().Perm()
		}
		steps = append(steps, step.Planned{Title: "setuid /" + f.helper, Why: "a plain user's QEMU gets its tap device from this program", Step: s})
	}
	old, err := os.ReadFile(m.Root.Path(f.acl))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if host.Allows(string(old), w.Bridge) {
		return steps, nil
	}
	text := string(old)
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	file, err := m.File(f.acl, text+"allow "+w.Bridge+"\n")
	if err != nil {
		return nil, err
	}
	return append(steps, step.Planned{Title: fmt.Sprintf("/%s allows %s", f.acl, w.Bridge), Why: "QEMU's helper plugs guests only in bridges that its access list names", Step: file}), nil
}
