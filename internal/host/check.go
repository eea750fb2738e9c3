package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"coreos-libvirt/internal/hint"
)

// Result is what a check found.
type Result struct {
	Check   string `json:"check"`
	OK      bool   `json:"ok"`
	Warning bool   `json:"warning,omitempty"` // it may do as it is
	Found   string `json:"found"`             // what it is, or what is wrong
	Remedy  string `json:"remedy,omitempty"`  // a command to copy
}

// Check is one look at the machine. An error's hint is the remedy; one of Warn is no reason to stop.
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

// IsWarning tells whether the error is one of Warn.
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

func (r Root) path(parts ...string) string {
	return filepath.Join(append([]string{string(r)}, parts...)...)
}

func (r Root) read(parts ...string) string {
	data, _ := os.ReadFile(r.path(parts...))
	return strings.TrimSpace(string(data))
}

// Bridge makes sure that the bridge is there, is up, has a port on the physical network, and lets frames
// through before a guest's DHCP client gives up.
func (r Root) Bridge(name string) (string, error) {
	folder := r.path("sys/class/net", name)
	if _, err := os.Stat(filepath.Join(folder, "bridge")); err != nil {
		return "", hint.Errorf(Sudo("mage host:setup bridge="+name+" apply=true")+"   # network=default does without", "there is no bridge %s", name)
	}
	ports, _ := os.ReadDir(filepath.Join(folder, "brif"))
	physical := []string{}
	for _, port := range ports {
		if !strings.HasPrefix(port.Name(), "vnet") && !strings.HasPrefix(port.Name(), "tap") {
			physical = append(physical, port.Name())
		}
	}
	if len(physical) == 0 {
		return "", hint.Errorf("ip link set <card> master "+name, "the bridge %s has no port on a physical network: no DHCP server is behind it", name)
	}
	stp := r.read("sys/class/net", name, "bridge/stp_state")
	delay, _ := strconv.Atoi(r.read("sys/class/net", name, "bridge/forward_delay")) // in hundredths of a second
	if stp == "1" && delay > 400 {
		return "", hint.Errorf("ip link set "+name+" type bridge forward_delay 200", "the bridge %s lets a new port wait %d s (STP): DHCP may give up before", name, 2*delay/100)
	}
	return fmt.Sprintf("%s, with %s", name, strings.Join(physical, ", ")), nil
}

// Memory makes sure that the nodes' memory is there.
func (r Root) Memory(nodes, mib int) (string, error) {
	available := 0
	for line := range strings.Lines(r.read("proc/meminfo")) {
		if _, err := fmt.Sscanf(line, "MemAvailable: %d kB", &available); err == nil {
			break
		}
	}
	available >>= 10
	if need := nodes * mib; need > available {
		return "", hint.Errorf(fmt.Sprintf("mage up nodes=%d ram=%d", nodes, max(available/nodes/256*256, 256)), "%d nodes of %d MiB want %d MiB, %d MiB are available", nodes, mib, need, available)
	}
	return fmt.Sprintf("%d MiB available, %d nodes want %d MiB", available, nodes, nodes*mib), nil
}

// Space makes sure that folder's file system has room for what nodes write: an overlay grows with use,
// a few GiB each is where it begins.
func Space(folder string, nodes int) (string, error) {
	const each = 3 // GiB
	for ; folder != "/"; folder = filepath.Dir(folder) {
		if _, err := os.Stat(folder); err == nil {
			break
		}
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(folder, &fs); err != nil {
		return "", fmt.Errorf("%s: %w", folder, err)
	}
	free := int(fs.Bavail >> 20 * uint64(fs.Bsize) >> 10) //nolint:gosec // GiB; block sizes are above zero
	if need := nodes * each; free < need {
		return "", hint.Errorf("mage prune", "%s has %d GiB free, %d nodes want some %d GiB", folder, free, nodes, need)
	}
	return fmt.Sprintf("%s has %d GiB free", folder, free), nil
}
