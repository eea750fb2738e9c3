// Package program builds programs that runs need, when one is first needed, into a folder of the cache. Each is kept there by what it is
// built from, and goes when nobody has used it for long.
package program

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"

	"coreos-libvirt/internal/terminal/hint"
)

// Program is one of this project's own, which is not a part of the program that runs.
type Program struct {
	Name    string // in sentences: etcd helper
	Prefix  string // of its files, before their sources' digest: etcd-helper-
	Lock    string // the name of the file that is locked while it is built
	Bin     string // the folder that it is built into
	Folder  string // of go.mod
	Module  string // what go.mod calls it
	Package string // below the folder
}

// Built is where the program of the present sources is or would be, and whether it is there.
func (p Program) Built() (path string, there bool, err error) {
	digest, err := p.digest()
	if err != nil {
		return "", false, err
	}
	path = filepath.Join(p.Bin, p.Prefix+digest)
	return path, Use(path), nil
}

// Build makes the program, unless one of the same sources is there.
func (p Program) Build(ctx context.Context, say func(format string, args ...any)) (path string, err error) {
	path, there, err := p.Built()
	if err != nil || there {
		return path, err
	}
	unlock, err := Lock(ctx, p.Bin, p.Lock, "the "+p.Name+" is", func() { say("%s: another run builds it", p.Name) })
	if err != nil {
		return "", err
	}
	defer unlock()
	if Use(path) {
		return path, nil // the run that was waited for
	}
	say("%s: building it, once", p.Name)
	if err := p.compile(ctx, path); err != nil {
		return "", err
	}
	return path, RemoveUnused(p.Bin, p.Prefix)
}

func (p Program) compile(ctx context.Context, path string) error {
	// the flags of the lab's own etcd, so that both share what is compiled
	cmd := exec.CommandContext(ctx, "go", "build", "-mod=readonly", "-trimpath", "-ldflags", "-s -w", "-o", path+unfinished, "./"+p.Package)
	cmd.Dir, cmd.Env = p.Folder, append(os.Environ(), "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return hint.Errorf("the first build needs Go and its module proxy", "cannot build the %s: %w\n%s", p.Name, err, bytes.TrimSpace(out))
	}
	if err := os.Chmod(path+unfinished, 0o755); err != nil { // whatever the umask says
		return err
	}
	return os.Rename(path+unfinished, path)
}
