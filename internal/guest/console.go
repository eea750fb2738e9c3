package guest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"

	"coreos-libvirt/internal/printable"
)

// What a guest's console shows when its boot has failed for good. Ignition's own words are of its
// engine ("Ignition failed: …"), the next of systemd's and dracut's emergency units and of sulogin, then of Linux'
// panic(), of SeaBIOS, of UEFI (edk2's BdsDxe and its shell) and of GRUB's two shells.
var (
	fatal = regexp.MustCompile(`(?i)ignition failed|entering emergency mode|for emergency shell|you are in emergency mode|root password for maintenance|` +
		`cannot open access to console, the root account is locked|kernel panic - not syncing|not a bootable disk|no bootable device|` +
		`no bootable option or device was found|uefi interactive shell|minimal bash-like line editing|entering rescue mode|^grub( rescue)?> ?$`)
	telling = regexp.MustCompile(`(?i)ignition.*(error|fail|crit|invalid|panic)|^error: |failed to load boot|boot failed|` + fatal.String())
)

// beginnings are lines that a boot shows once each: firmware, boot loader and kernel.
var beginnings = []*regexp.Regexp{
	regexp.MustCompile(`^SeaBIOS \(version`),
	regexp.MustCompile(`^BdsDxe: starting `),
	regexp.MustCompile(`^GRUB loading`),
	regexp.MustCompile(`^Welcome to GRUB`),
	regexp.MustCompile(`\bLinux version \d`),
}

// enough is how often a node may begin to boot until it is ready. Ignition itself may ask for one boot more, to change the
// kernel's arguments, and so may an update.
const enough = 4

// phases are what a node goes through until it can be reached, and the first words of each on its console. The kernel's
// command line names Ignition, too.
var phases = []struct {
	name string
	seen *regexp.Regexp
}{
	{"firmware", regexp.MustCompile(`^SeaBIOS |^BdsDxe: `)},
	{"boot loader", regexp.MustCompile(`(?i)^booting|grub|boot loader`)},
	{"kernel", regexp.MustCompile(`Linux version|Run /init as init process`)},
	{"Ignition", regexp.MustCompile(`(?i)^(\[[^]]*\] *)*(systemd\[1\]: )?(ignition[\[: ]|(starting|started|finished) .*ignition)`)},
	{"system", regexp.MustCompile(`(?i)^SELinux: |Welcome to .*(Linux|CoreOS)|switch.?root|Reached target`)},
	{"login", regexp.MustCompile(`login: ?$`)},
}

// Console follows a node's console log from its beginning.
type Console struct {
	path   string
	offset int64
	told   []string // lines that tell of a failure
	last   []string // the latest lines, whatever they are
	failed bool
	prompt string // what is behind the last line break
	phase  int
	begun  []int    // how often, for each of beginnings
	passed []string // phases, in their order, since Passed was asked
}

// NewConsole is for the log at path, which need not be there yet.
func NewConsole(path string) *Console {
	return &Console{path: path, begun: make([]int, len(beginnings))}
}

// NewConsoleEnd is for what comes from now on.
func NewConsoleEnd(path string) *Console {
	c := NewConsole(path)
	if info, err := os.Stat(path); err == nil {
		c.offset = info.Size()
	}
	return c
}

// Last are the latest lines of what Failure has read.
func (c *Console) Last() []string {
	if c.prompt == "" {
		return c.last
	}
	return append(slices.Clone(c.last), c.prompt)
}

// Phase is how far the boot has got, as far as Failure has read.
func (c *Console) Phase() string { return phases[c.phase].name }

// Passed are the phases that the boot came to since the last call, none left out that its lines show.
func (c *Console) Passed() (phases []string) {
	phases, c.passed = c.passed, nil
	return phases
}

// Settle is for a node that runs: the boots that it has begun so far are not held against it.
func (c *Console) Settle() error {
	_, err := c.Failure()
	clear(c.begun)
	return err
}

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
	c.take(bufio.NewReader(file))
	switch {
	case c.failed && fatal.MatchString(c.prompt):
		return append(slices.Clone(c.told), c.prompt), nil
	case c.failed:
		return c.told, nil
	case slices.Max(c.begun) >= enough:
		return append([]string{fmt.Sprintf("it has begun to boot %d times; the latest lines are", slices.Max(c.begun))}, c.Last()...), nil
	}
	return nil, nil
}

// take reads whole lines, and looks at what is there of the next: a prompt has no line break.
func (c *Console) take(lines *bufio.Reader) {
	for {
		line, err := lines.ReadString('\n')
		shown := strings.TrimSpace(printable.Line(line))
		if err != nil {
			c.prompt = shorten(shown)
			c.failed = c.failed || fatal.MatchString(shown)
			c.reach(shown)
			return
		}
		c.offset += int64(len(line))
		c.note(shown)
	}
}

func (c *Console) note(line string) {
	const most, latest = 12, 8
	if line == "" {
		return
	}
	c.reach(line)
	for i, beginning := range beginnings {
		if beginning.MatchString(line) {
			c.begun[i]++
			c.failed, c.told = false, nil // of a boot before
		}
	}
	line = shorten(line)
	if telling.MatchString(line) && len(c.told) < most {
		c.told = append(c.told, line)
	}
	c.last = append(c.last, line)
	c.last = c.last[max(0, len(c.last)-latest):]
	c.failed = c.failed || fatal.MatchString(line)
}

// reach takes the boot to the phase that the line shows, if it is a later one, or back where it begins anew.
func (c *Console) reach(line string) {
	for i, phase := range phases {
		again := i < c.phase && (phase.name == "firmware" || phase.name == "kernel")
		if (i > c.phase || again) && phase.seen.MatchString(line) {
			c.phase = i
			c.passed = append(c.passed, phase.name)
			return
		}
	}
}

// shorten keeps what nobody reads out of errors.
func shorten(line string) string {
	const long = 400
	if len(line) <= long {
		return line
	}
	return strings.ToValidUTF8(line[:long], "") + " …"
}
