package upstream

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"coreos-libvirt/internal/program"
	"coreos-libvirt/internal/terminal/hint"
)

// replaced are files of Ignition's module that ignition-apply has others in place of, so that it is built without cgo: no disks
// are asked, and no users are looked up.
//
//go:embed apply
var replaced embed.FS

// inPlace says which file of the module each of those takes the place of.
var inPlace = map[string]string{
	"main.go":              "internal/main.go",
	"blkid.go":             "internal/exec/util/blkid.go",
	"user_group_lookup.go": "internal/exec/util/user_group_lookup.go",
	"as_user.go":           "internal/as_user/as_user.go",
}

// Programs are the paths of those that judge documents.
type Programs struct{ Apply, Quadlet string }

// What the programs' names begin with, before the digest of what they are built from.
const (
	applyPrefix   = "ignition-apply-"
	quadletPrefix = "quadlet-"
)

// Built are the programs in the folder bin, and whether they are all there.
func Built(bin string) (p Programs, there bool) {
	p = Programs{
		Apply:   filepath.Join(bin, applyPrefix+digest("ignition", "apply")),
		Quadlet: filepath.Join(bin, quadletPrefix+digest("quadlet", "")),
	}
	apply, quadlet := program.Use(p.Apply), program.Use(p.Quadlet)
	return p, apply && quadlet
}

// Ensure gives the programs in the folder bin, and builds those that are missing, which takes a minute or two; say gets a line for
// each.
func Ensure(ctx context.Context, bin string, say func(format string, args ...any)) (Programs, error) {
	p, there := Built(bin)
	if there {
		return p, nil
	}
	unlock, err := program.Lock(ctx, bin, ".lock-upstream", "the programs that judge documents are", func() { say("verify: another run builds its programs") })
	if err != nil {
		return p, err
	}
	defer unlock()
	b := builder{ctx, bin, say}
	if err := b.one(p.Apply, "Ignition's ignition-apply "+IgnitionVersion, b.apply); err != nil {
		return p, err
	}
	if err := b.one(p.Quadlet, "Podman's Quadlet "+QuadletVersion, b.quadlet); err != nil {
		return p, err
	}
	return p, errors.Join(program.RemoveUnused(bin, applyPrefix), program.RemoveUnused(bin, quadletPrefix))
}

// digest is of the module's versions, of the files in its place and of the system that the program is for.
func digest(module, replacedBy string) string {
	sum := sha256.New()
	fmt.Fprintln(sum, runtime.GOARCH)
	add := func(from embed.FS, path string) {
		data, err := from.ReadFile(path)
		if err != nil {
			panic(err) // the files are part of this program
		}
		fmt.Fprintln(sum, path, len(data))
		sum.Write(data)
	}
	add(modules, "modules/"+module+".mod")
	add(modules, "modules/"+module+".sum")
	if replacedBy != "" {
		for _, name := range []string{"as_user.go", "blkid.go", "main.go", "user_group_lookup.go"} {
			add(replaced, replacedBy+"/"+name+".txt")
		}
	}
	return hex.EncodeToString(sum.Sum(nil))[:12]
}

// builder builds programs into a folder.
type builder struct {
	ctx context.Context
	bin string
	say func(format string, args ...any)
}

// one builds a program at path, unless it is there: in a folder of its own, which is removed.
func (b builder) one(path, what string, build func(dir, to string) error) error {
	if program.Use(path) {
		return nil
	}
	b.say("verify: building %s, once", what)
	dir, err := os.MkdirTemp(b.bin, ".build-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	to := filepath.Join(dir, "program")
	if err := build(dir, to); err != nil {
		return hint.Errorf("the first build needs Go and its module proxy; `verify=off` leaves the check out", "cannot build %s: %w", what, err)
	}
	if err := os.Chmod(to, 0o755); err != nil { // whatever the umask says
		return err
	}
	return os.Rename(to, path)
}

func (b builder) quadlet(dir, to string) error {
	if err := WriteModule("quadlet", dir); err != nil {
		return err
	}
	_, err := b.goTool(dir, "build", "-mod=readonly", "-trimpath", "-ldflags", "-s -w", "-o", to, QuadletPackage)
	return err
}

// apply builds Ignition's apply from a copy of its module, in which a few files are replaced.
func (b builder) apply(dir, to string) error {
	if err := WriteModule("ignition", dir); err != nil {
		return err
	}
	const module = "github.com/coreos/ignition/v2"
	if _, err := b.goTool(dir, "mod", "download", module); err != nil { // checked by go.sum
		return err
	}
	from, err := b.goTool(dir, "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", module)
	if err != nil {
		return err
	}
	if err := copyModule(string(bytes.TrimSpace(from)), filepath.Join(dir, "ignition")); err != nil {
		return err
	}
	if _, err := b.goTool(dir, "mod", "edit", "-replace", module+"=./ignition"); err != nil {
		return err
	}
	_, err = b.goTool(dir, "build", "-mod=readonly", "-trimpath", "-ldflags", "-s -w", "-o", to, IgnitionPackage)
	return err
}

// copyModule copies the Go sources of Ignition's module, with those in place of what needs C.
func copyModule(from, to string) error {
	source := os.DirFS(from)
	err := fs.WalkDir(source, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" && path != "go.mod" {
			return err
		}
		data, err := fs.ReadFile(source, path)
		if err != nil {
			return err
		}
		return write(filepath.Join(to, path), data)
	})
	if err != nil {
		return err
	}
	for name, path := range inPlace {
		data, err := replaced.ReadFile("apply/" + name + ".txt")
		if err != nil {
			return err
		}
		if err := write(filepath.Join(to, path), data); err != nil {
			return err
		}
	}
	return nil
}

func write(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o600)
}

// goTool runs the go command in the folder.
func (b builder) goTool(dir string, args ...string) (out []byte, err error) {
	var said bytes.Buffer
	cmd := exec.CommandContext(b.ctx, "go", args...)
	cmd.Dir, cmd.Env, cmd.Stderr = dir, append(os.Environ(), "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0"), &said
	if out, err = cmd.Output(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, bytes.TrimSpace(said.Bytes()))
	}
	return out, nil
}
