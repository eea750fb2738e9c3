package launch

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

// Alone does something while no other build of the workspace's targets does. sources is the folder that Mage is to build, a copy
// of magefiles/: Mage writes a file of its own beside what it builds, and takes it away again, from other builds of that folder
// too (github.com/magefile/mage/issues/247).
func Alone(workspace string, do func(sources string) error) error {
	unlock, err := lock(filepath.Join(workspace, "magefile.go"))
	if err != nil {
		return err
	}
	defer unlock()
	room := filepath.Join(workspace, "vm", ".build")
	sources := filepath.Join(room, "magefiles") // the name by which Mage knows that all files in it count
	defer func() { _ = os.RemoveAll(room) }()
	if err := copySources(filepath.Join(workspace, "magefiles"), sources); err != nil {
		return err
	}
	return do(sources)
}

// lock locks the file, which goes with the process, and says if it has to wait.
func lock(path string) (unlock func(), err error) {
	file := flock.New(path, flock.SetFlag(os.O_RDONLY))
	got, err := file.TryLock()
	if err == nil && !got {
		fmt.Fprintln(os.Stderr, "waiting for another mage, which builds the targets")
		err = file.Lock()
	}
	if err != nil {
		return nil, fmt.Errorf("cannot lock %s: %w", path, err)
	}
	return func() { _ = file.Unlock() }, nil
}

// copySources copies the Go files of a folder, but for those that Mage itself writes there, into one that has no others.
func copySources(from, to string) error {
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	for _, entry := range entries {
		if name := entry.Name(); strings.HasSuffix(name, ".go") && name != output {
			text, err := os.ReadFile(filepath.Join(from, name))
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(to, name), text, 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

// output is the file that Mage writes for the time of a build.
const output = "mage_output_file.go"
