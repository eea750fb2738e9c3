package launch

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/magefile/mage/mg"
)

// unused is for how long a program is kept that nobody starts.
const unused = 7 * 24 * time.Hour

// Targets is the program of the targets in the workspace, with libvirt's binding, built by the sources that this program
// is of. It is kept: Mage's own look at all packages, a second time, would take longer than most targets.
func Targets(workspace string) (string, error) {
	before, unknown := state(workspace)
	program := filepath.Join(cache(), prefix+before)
	if now := time.Now(); unknown == nil && os.Chtimes(program, now, now) == nil {
		return program, nil
	}
	begun := fmt.Sprintf("%s.%d", program, os.Getpid())
	if err := build(workspace, begun); err != nil {
		return "", fmt.Errorf("cannot build the targets with libvirt's binding: %w", err)
	}
	removeUnused()
	if after, err := state(workspace); errors.Join(unknown, err) != nil || after != before {
		return begun, nil // somebody edits, or who knows: it is good for this once
	}
	return program, os.Rename(begun, program)
}

// prefix is what the programs' names begin with.
const prefix = "targets-"

// build compiles the targets to the path, whole and on the disk.
func build(workspace, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	program, args, err := Mage()
	if err != nil {
		return err
	}
	cmd := exec.Command(program, append(args, "-compile", path)...)
	cmd.Dir = workspace
	cmd.Env = os.Environ()
	for name, value := range Environment() {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		_ = os.Remove(path)
		return fmt.Errorf("%w\n%s", err, bytes.TrimSpace(out))
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	return file.Sync()
}

// Mage is Mage itself, or where it is not there `go run magefile.go`.
func Mage() (program string, args []string, err error) {
	self, _ := os.Executable()
	if mage, err := exec.LookPath("mage"); err == nil && !sameFile(mage, self) {
		return mage, nil, nil
	}
	program, err = exec.LookPath("go")
	return program, []string{"run", "magefile.go"}, err
}

// Called is Mage, as the user can call it.
func Called() string {
	if _, err := exec.LookPath("mage"); err == nil {
		return "mage" // also if that is this program
	}
	return "go run magefile.go"
}

// sameFile tells whether both are one program: targets may have been compiled to a file called mage.
func sameFile(a, b string) bool {
	one, errOne := os.Stat(a)
	other, errOther := os.Stat(b)
	return errOne == nil && errOther == nil && os.SameFile(one, other)
}

// removeUnused removes the programs, of whatever workspace, that nobody has started for long.
func removeUnused() {
	entries, _ := os.ReadDir(cache())
	for _, entry := range entries {
		info, err := entry.Info()
		if err == nil && strings.HasPrefix(entry.Name(), prefix) && time.Since(info.ModTime()) > unused {
			_ = os.Remove(filepath.Join(cache(), entry.Name()))
		}
	}
}

// cache is the folder for what is built with the binding.
func cache() string {
	dir := mg.CacheDir()
	if filepath.Base(dir) != dlopen {
		dir = filepath.Join(dir, dlopen)
	}
	return dir
}
