// Package process is what settings need of the process: its variables, its user, files of the workspace.
package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace/artifact"
)

// LabVariable is the environment variable by which a process knows that it runs inside the lab.
const LabVariable = "COREOS_LAB"

// ThereVariable is by which a process knows that another machine has sent it here: host= says how that one calls this machine.
const ThereVariable = "COREOS_THERE"

// RelaunchedVariable is set for a run that another one started in its place.
const RelaunchedVariable = "COREOS_RELAUNCHED"

// ListenerVariable is set for a process inside the lab that got, as its file 3, a port of the real host to listen on.
const ListenerVariable = "COREOS_LISTENER"

// Environment is what settings need of the process: the only place that reads its variables.
type Environment struct {
	Lookup func(name string) (string, bool)
	All    func() []string                   // NAME=value
	File   func(path string) ([]byte, error) // a file of the workspace; nil: there are none
	Root   bool                              // whether the user is root
	Cache  string                            // the user's own cache folder, $XDG_CACHE_HOME or ~/.cache
	Fault  error                             // why there is none
}

// System is the Environment of this process.
func System() Environment {
	env := Environment{Lookup: os.LookupEnv, All: os.Environ, File: os.ReadFile, Root: os.Getuid() == 0}
	var err error
	if env.Cache, err = os.UserCacheDir(); err != nil && !env.Root { // root has a folder of its own
		env.Cache, env.Fault = TemporaryCache(os.TempDir(), os.Getuid())
	}
	return env
}

// Own reports whether the variable is one of those by which the program's processes pass each other something: no setting.
func Own(name string) bool {
	return slices.Contains([]string{LabVariable, RelaunchedVariable, ListenerVariable, ThereVariable}, name)
}

// Inside is the environment of a run inside the lab that one with this starts.
func (e Environment) Inside() Environment {
	outside := e.Lookup
	e.Lookup = func(name string) (string, bool) {
		if name == LabVariable {
			return "1", true
		}
		return outside(name)
	}
	return e
}

// TemporaryCache is a user's cache folder below tmp, where anybody may have made one of its name before: what was planted there
// would be run as the user.
func TemporaryCache(tmp string, uid int) (string, error) {
	path := filepath.Join(tmp, fmt.Sprintf("cache-%d", uid))
	err := os.Mkdir(path, 0o755)
	if errors.Is(err, fs.ErrExist) {
		err = artifact.Own(path)
	}
	if err != nil {
		err = hint.Errorf("export HOME=<your home>   # the cache is then $HOME/.cache", "HOME is not set, and the cache cannot be below %s: %w", tmp, err)
	}
	return path, err
}
