package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"coreos-libvirt/internal/terminal/hint"
)

// Result is what a check found.
type Result struct {
	Check   string `json:"check"`
	OK      bool   `json:"ok"`
	Warning bool   `json:"warning,omitempty"` // it may do as it is
	Found   string `json:"found"`             // what it is, or what is wrong
	Remedy  string `json:"remedy,omitempty"`  // a command to copy
}

// Check is one look at the machine. An error's hint is the remedy; one of Warn does not stop anything.
type Check struct {
	Name string
	Run  func(ctx context.Context) (found string, err error)
}

type warning struct{ error }

func (w warning) Unwrap() error { return w.error }

// Warn makes of an error a warning.
func Warn(err error) error {
	if err == nil {
		return nil
	}
	return warning{err}
}

// IsWarning reports whether the error is one of Warn.
func IsWarning(err error) bool {
	var w warning
	return errors.As(err, &w)
}

// RunAll runs the checks, all at once. Warnings are ok.
func RunAll(ctx context.Context, checks []Check) (results []Result, ok bool) {
	results = make([]Result, len(checks))
	var all sync.WaitGroup
	for i, c := range checks {
		all.Go(func() {
			found, err := c.Run(ctx)
			results[i] = Result{Check: c.Name, OK: err == nil, Found: found}
			if err != nil {
				results[i].Warning = IsWarning(err)
				results[i].Found, results[i].Remedy, _ = strings.Cut(err.Error(), "\nhint: ")
			}
		})
	}
	all.Wait()
	return results, !slices.ContainsFunc(results, func(r Result) bool { return !r.OK && !r.Warning })
}

// Root is where the kernel's file systems are looked for: "/" but in tests.
type Root string

// Path is the path below the root.
func (r Root) Path(parts ...string) string {
	return filepath.Join(append([]string{string(r)}, parts...)...)
}

// Read is what the file has, or nothing if it cannot be read.
func (r Root) Read(parts ...string) string {
	data, _ := os.ReadFile(r.Path(parts...))
	return strings.TrimSpace(string(data))
}

// Memory makes sure that the nodes' memory is there.
func (r Root) Memory(nodes, mib int) (string, error) {
	available := 0
	for line := range strings.Lines(r.Read("proc/meminfo")) {
		if _, err := fmt.Sscanf(line, "MemAvailable: %d kB", &available); err == nil {
			break
		}
	}
	return Fits(available>>10, nodes, mib)
}

// Fits makes sure that so many nodes have room in what is available of a host's memory, all in MiB.
func Fits(available, nodes, mib int) (string, error) {
	need := nodes * mib
	if need <= available {
		return fmt.Sprintf("%d MiB available, %d nodes want %d MiB", available, nodes, need), nil
	}
	const step, least = 256, 512 // MiB: a CoreOS does not boot with less
	fits := available / nodes / step * step
	advice := fmt.Sprintf("ram=%d is what fits", fits)
	if fits < least {
		advice = "free -m   # something else has it; or start fewer nodes"
	}
	return "", hint.Errorf(advice, "%d nodes of %d MiB want %d MiB, %d MiB are available", nodes, mib, need, available)
}

// Each is what a node, and a base image, take of a file system at first, in GiB: an overlay grows with use.
const Each = 3

// Space makes sure that folder's file system has room, in GiB, for what.
func Space(folder string, need int, what string) (string, error) {
	folder, fs, err := statfs(folder)
	if err != nil {
		return "", err
	}
	return Room(folder, gib(fs.Bavail, fs.Bsize), need, what)
}

// Room makes sure that so many GiB, which are free in a place, are enough for what.
func Room(place string, free, need int, what string) (string, error) {
	if free < need {
		return "", hint.Errorf("mage prune", "%s has %d GiB free, %s want some %d GiB", place, free, what, need)
	}
	return fmt.Sprintf("%s has %d GiB free", place, free), nil
}

// statfs tells of the file system that the folder is on, or will be: that of the folder above which is there.
func statfs(folder string) (there string, fs unix.Statfs_t, err error) {
	for ; folder != "/"; folder = filepath.Dir(folder) {
		if _, err := os.Stat(folder); err == nil {
			break
		}
	}
	if err = unix.Statfs(folder, &fs); err != nil {
		err = fmt.Errorf("%s: %w", folder, err)
	}
	return folder, fs, err
}

func gib(blocks uint64, size int64) int {
	return int(blocks * uint64(size) >> 30) //nolint:gosec // GiB; block sizes are above zero
}
