package launch

import (
	"bytes"
	"cmp"
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
func Targets(workspace string) (program string, err error) {
	program, known := kept(workspace)
	if known {
		return program, nil
	}
	err = Alone(workspace, func(sources string) error {
		if program, known = kept(workspace); known { // another run has built it
			return nil
		}
		program, err = built(workspace, sources)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("cannot build the targets with libvirt's binding: %w", err)
	}
	return program, nil
}

// kept is the path for the program of what the sources are now, and whether it is there.
func kept(workspace string) (program string, known bool) {
	now, err := state(workspace)
	if err != nil {
		return "", false
	}
	program, at := filepath.Join(cache(), prefix+now), time.Now()
	return program, os.Chtimes(program, at, at) == nil
}

// built builds the program, and keeps it if it is known of which sources it is.
func built(workspace, sources string) (string, error) {
	program, _ := kept(workspace)
	fmt.Fprintln(os.Stderr, compiling)
	begun := fmt.Sprintf("%s.%d", cmp.Or(program, filepath.Join(cache(), prefix+"unknown")), os.Getpid())
	if err := build(workspace, sources, begun); err != nil {
		return "", err
	}
	removeUnused()
	if after, _ := kept(workspace); after == "" || after != program {
		return begun, nil // somebody edits, or who knows: it is good for this once
	}
	return program, os.Rename(begun, program)
}

// compiling is said on standard error before it is done: it takes longer than people wait for a silent program.
const compiling = "compiling the targets, once for this state of the sources: half a minute, the first time more"

// prefix is what the programs' names begin with.
const prefix = "targets-"

// build compiles the targets, which are in the folder sources, to the path, whole and on the disk.
func build(workspace, sources, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	program, args, err := Mage()
	if err != nil {
		return err
	}
	cmd := exec.Command(program, append(args, "-d", sources, "-compile", path)...)
	cmd.Dir = workspace
	cmd.Env = os.Environ()
	for name, value := range Environment() {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		_ = os.Remove(path)
		return fmt.Errorf("%w\n%s", err, bytes.ReplaceAll(bytes.TrimSpace(out), []byte(sources), []byte("magefiles")))
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

// sameFile reports whether both are one program: targets may have been compiled to a file called mage.
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
