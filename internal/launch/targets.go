package launch

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/magefile/mage/mg"
)

// Targets is the program of the targets in the workspace, with libvirt's binding. It is built when the sources or what
// builds them have changed since; else it is there at once, which Mage's own look at all packages is not.
func Targets(workspace string) (string, error) {
	state, err := state(workspace)
	if err != nil {
		return "", fmt.Errorf("cannot read the targets' sources: %w", err)
	}
	family := filepath.Join(cache(), "targets-"+digest(workspace))
	program := family + "-" + state
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	if err := build(workspace, program); err != nil {
		return "", fmt.Errorf("cannot build the targets with libvirt's binding: %w", err)
	}
	removeOthers(family, program)
	return program, nil
}

// build compiles the targets, by a name that nobody looks for until they are whole.
func build(workspace, program string) error {
	if err := os.MkdirAll(filepath.Dir(program), 0o755); err != nil {
		return err
	}
	begun := fmt.Sprintf("%s.%d", program, os.Getpid())
	defer func() { _ = os.Remove(begun) }()
	name, args := launcher()
	cmd := exec.Command(name, append(args, "-compile", begun)...)
	cmd.Dir = workspace
	cmd.Env = os.Environ()
	for name, value := range Environment() {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, bytes.TrimSpace(out))
	}
	return os.Rename(begun, program)
}

// launcher is Mage itself, or where it is not there `go run magefile.go`.
func launcher() (program string, args []string) {
	self, _ := os.Executable()
	if mage, err := exec.LookPath("mage"); err == nil && !sameFile(mage, self) {
		return mage, nil
	}
	return "go", []string{"run", "magefile.go"}
}

// sameFile tells whether both are one program: targets may have been compiled to a file called mage.
func sameFile(a, b string) bool {
	one, errOne := os.Stat(a)
	other, errOther := os.Stat(b)
	return errOne == nil && errOther == nil && os.SameFile(one, other)
}

// removeOthers removes the programs of earlier states of the sources. What runs of them goes on.
func removeOthers(family, program string) {
	old, _ := filepath.Glob(family + "-*")
	for _, path := range old {
		if path != program && filepath.Ext(path) == "" { // another run may be at one with a suffix
			_ = os.Remove(path)
		}
	}
}

// state is a digest of all that the program is made of: sources, toolchain and its settings, and whether there is a C
// compiler, without which the binding is left out.
func state(workspace string) (string, error) {
	sum := sha256.New()
	compiler, _ := exec.LookPath(compiler())
	fmt.Fprintln(sum, runtime.Version(), compiler)
	for _, name := range []string{"GOFLAGS", "CGO_ENABLED", "GOEXPERIMENT", "GOAMD64"} {
		fmt.Fprintln(sum, os.Getenv(name))
	}
	written, err := os.UserConfigDir()
	if err == nil {
		err = add(sum, filepath.Join(written, "go", "env")) // of `go env -w`
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	err = errors.Join(
		add(sum, filepath.Join(workspace, "go.mod")), add(sum, filepath.Join(workspace, "go.sum")),
		addAll(sum, filepath.Join(workspace, "magefiles")), addAll(sum, filepath.Join(workspace, "internal")))
	return hex.EncodeToString(sum.Sum(nil)[:8]), err
}

func compiler() string {
	if cc := os.Getenv("CC"); cc != "" {
		return strings.Fields(cc + " gcc")[0]
	}
	return "gcc"
}

// addAll adds the files below the folder that a program can be made of. Mage puts one of its own there for the time of
// a build.
func addAll(sum hash.Hash, dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == "testdata":
			return fs.SkipDir
		case !entry.Type().IsRegular() || strings.HasSuffix(entry.Name(), "_test.go") || entry.Name() == "mage_output_file.go":
			return nil
		}
		return add(sum, path)
	})
}

func add(sum hash.Hash, path string) error {
	text, err := os.ReadFile(path)
	fmt.Fprintf(sum, "%s %d\n%s", path, len(text), text)
	return err
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:4])
}

// cache is the folder for what is built with the binding.
func cache() string {
	dir := mg.CacheDir()
	if filepath.Base(dir) != dlopen {
		dir = filepath.Join(dir, dlopen)
	}
	return dir
}
