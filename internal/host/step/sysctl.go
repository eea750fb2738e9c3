package step

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

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
