package launch

import (
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// state is a digest of what the targets with libvirt's binding are made of: all that this program was made of, which has
// Go's own id, the files of the workspace, as some are only in those with the binding, and the C compiler, without
// which the binding is left out.
func state(workspace string) (string, error) {
	sum := sha256.New()
	id, err := buildID()
	compiler, _ := exec.LookPath(compiler())
	fmt.Fprintf(sum, "%x %s %s %s\n", id, compiler, os.Getenv("GOFLAGS"), os.Getenv("GOWORK"))
	for _, name := range []string{"go.mod", "go.sum"} {
		err = errors.Join(err, add(sum, filepath.Join(workspace, name)))
	}
	for _, dir := range []string{"magefiles", "internal"} {
		err = errors.Join(err, addAll(sum, filepath.Join(workspace, dir)))
	}
	return hex.EncodeToString(sum.Sum(nil)[:12]), err
}

// buildID is Go's digest of all that went into this program, toolchain and settings included (go doc cmd/buildid).
func buildID() ([]byte, error) {
	file, err := elf.Open("/proc/self/exe")
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	note := file.Section(".note.go.buildid")
	if note == nil {
		return nil, errors.New("this program has no build id")
	}
	return note.Data()
}

func compiler() string {
	if cc := strings.Fields(os.Getenv("CC")); len(cc) > 0 {
		return cc[0]
	}
	return "gcc"
}

// addAll adds the files below the folder that a program can be made of. Mage puts one of its own there for the time of
// a build.
func addAll(sum hash.Hash, dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		name := filepath.Base(path)
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name == "testdata":
			return fs.SkipDir
		case entry.IsDir() || strings.HasPrefix(name, ".") || strings.HasSuffix(name, "_test.go") || name == output:
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
