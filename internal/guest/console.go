package guest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"coreos-libvirt/internal/printable"
)

// What a guest's console shows when its boot has failed for good. Ignition's own words are of its
// engine ("Ignition failed: …"), the next of systemd's and dracut's emergency units, the last of
// Linux' panic().
var (
	fatal   = regexp.MustCompile(`(?i)ignition failed|entering emergency mode|for emergency shell|you are in emergency mode|kernel panic - not syncing|not a bootable disk|no bootable device`)
	telling = regexp.MustCompile(`(?i)ignition.*(error|fail|crit|invalid|panic)|` + fatal.String())
)

// phases are what a node goes through until it can be reached, and the first words of each on its console.
var phases = []struct {
	name string
	seen *regexp.Regexp
}{
	{"firmware", nil},
	{"boot loader", regexp.MustCompile(`(?i)^booting|grub|boot loader`)},
	{"kernel", regexp.MustCompile(`Linux version|^Command line:|Run /init as init process`)},
	{"Ignition", regexp.MustCompile(`(?i)ignition`)},
	{"system", regexp.MustCompile(`(?i)^SELinux: |Welcome to |switch.?root|Reached target`)},
	{"login", regexp.MustCompile(`login: ?$`)},
}

// Console follows a node's console log from its beginning.
type Console struct {
	path   string
	offset int64
	told   []string // lines that tell of a failure
	last   []string // the latest lines, whatever they are
	failed bool
	phase  int
}

// NewConsole is for the log at path, which need not be there yet.
func NewConsole(path string) *Console { return &Console{path: path} }

// Last are the latest lines of what Failure has read.
func (c *Console) Last() []string { return c.last }

// Phase is how far the boot has got, as far as Failure has read.
func (c *Console) Phase() string { return phases[c.phase].name }

// Failure reads what is new and gives the lines that tell of a failed boot, once one says so: nil
// before that.
func (c *Console) Failure() ([]string, error) {
	file, err := os.Open(c.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the console log: %w", err)
	}
	defer func() { _ = file.Close() }()
	if _, err := file.Seek(c.offset, io.SeekStart); err != nil {
		return nil, err
	}
	c.offset += c.take(bufio.NewReader(file))
	if c.failed {
		return c.told, nil
	}
	return nil, nil
}

// take reads whole lines and gives the number of bytes in them.
func (c *Console) take(lines *bufio.Reader) (read int64) {
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return read
		}
		read += int64(len(line))
		c.note(strings.TrimSpace(printable.Line(line)))
	}
}

func (c *Console) note(line string) {
	const most, latest, long = 12, 8, 400
	if line == "" {
		return
	}
	for i := c.phase + 1; i < len(phases); i++ {
		if phases[i].seen.MatchString(line) {
			c.phase = i
			break
		}
	}
	if len(line) > long {
		line = strings.ToValidUTF8(line[:long], "") + " …"
	}
	if telling.MatchString(line) && len(c.told) < most {
		c.told = append(c.told, line)
	}
	c.last = append(c.last, line)
	c.last = c.last[max(0, len(c.last)-latest):]
	c.failed = c.failed || fatal.MatchString(line)
}
