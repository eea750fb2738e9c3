package guest

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"time"

	"coreos-libvirt/internal/terminal/printable"
)

// What a guest's console shows when its boot has failed for good. What Ignition itself says is of its engine ("Ignition failed:
// …") and of both distributions' emergency banners ("Ignition has failed. …"), the next of systemd's and dracut's emergency
// units and of sulogin, then of Linux' panic(), of SeaBIOS, of UEFI (edk2's BdsDxe and its shell) and of GRUB's two shells.
var (
	fatal = regexp.MustCompile(`(?i)ignition (has )?failed|entering emergency mode|for emergency shell|you are in emergency mode|root password for maintenance|` +
		`cannot open access to console, the root account is locked|kernel panic - not syncing|not a bootable disk|no bootable device|` +
		`no bootable option or device was found|uefi interactive shell|minimal bash-like line editing|entering rescue mode|^grub( rescue)?> ?$`)
	telling = regexp.MustCompile(`(?i)ignition.*(error|fail|crit|invalid|panic)|^error: |^\[(failed| time )\]|failed to load boot|boot failed|` + fatal.String())
)

// linux is the kernel's first line.
var linux = regexp.MustCompile(`^(\[[^]]*\] *)*Linux version \d`)

// beginnings are lines that a boot shows once each: firmware and kernel. GRUB's lines are none of them: it writes to the
// screen, which SeaBIOS copies to the serial console, and to the serial console itself.
var beginnings = []*regexp.Regexp{
	regexp.MustCompile(`^SeaBIOS \(version`),
	regexp.MustCompile(`^BdsDxe: starting `),
	linux,
}

// enough is how often a node may begin to boot until it is ready. Ignition itself may ask for one boot more, to change the
// kernel's arguments, and so may an update.
const enough = 4

// newArguments is the unit by which Fedora CoreOS boots again when Ignition has changed the kernel's arguments
// (coreos-kargs-reboot.service). It is named also if it is skipped, but not started then.
var newArguments = regexp.MustCompile(`(?i)starting .*kernel arguments reboot`)

// The phases, by their place in phases.
const (
	atFirmware = iota
	atBootLoader
	atKernel
	atIgnition
	atSystem
	atLogin
)

// phases are what a node goes through until it can be reached, and the first words of each on its console. The kernel's
// command line names Ignition, too.
//
// The system is what comes after the switch of the root: an initramfs has its own "Welcome to …" and "Reached target" (of
// dracut: systemd says "(Initramfs)" or "Booting initrd of …"). On Flatcar the kernel's lines alone show it: systemd-journald
// of the initramfs ends, SELinux gets its policy. systemd-shutdown ends a journald, too: as PID 1 "(systemd-shutdow)".
// Flatcar logs its user in by itself (agetty's "(automatic login)").
var phases = []struct {
	name   string
	seen   *regexp.Regexp
	unless string
}{
	atFirmware:   {"firmware", regexp.MustCompile(`^SeaBIOS |^BdsDxe: `), ""},
	atBootLoader: {"boot loader", regexp.MustCompile(`(?i)^booting|grub|boot loader`), ""},
	atKernel:     {"kernel", regexp.MustCompile(linux.String() + `|Run /init as init process`), ""},
	atIgnition:   {"Ignition", regexp.MustCompile(`(?i)^(\[[^]]*\] *)*(systemd\[1\]: )?(ignition[\[: ]|(starting|started|finished) .*ignition)`), ""},
	atSystem: {"system", regexp.MustCompile(`(?i)Welcome to .*(Linux|CoreOS)|(starting|started|finished|reached target) .*switch.root|reached target .*multi-user|` +
		`systemd-journald\[\d+\]: Received SIGTERM from PID 1 \(systemd\)|SELinux: +(policy capability|could not open policy file)|Successfully loaded SELinux policy`), "(Initramfs)"},
	atLogin: {"login", prompt, ""},
}

// Console follows a node's console log from its beginning.
type Console struct {
	readTo
	told   []string // lines that tell of a failure
	last   []string // the latest lines, whatever they are
	failed bool
	prompt string // what is behind the last line break
	phase  int
	begun  []int    // how often, for each of beginnings
	passed []string // phases, in their order, since Passed was asked

	starts int      // of Linux, since its system came up the last time
	most   int      // of these, that are no failure
	before []string // the latest lines of the boot before this one

	written time.Time // the log, as of when it was read the last time
}

// NewConsole is for a log, which need not be there yet.
func NewConsole(log Log) *Console {
	return &Console{readTo: readTo{log: log}, begun: make([]int, len(beginnings)), most: enough}
}

// First says that the node has never been ready since it was started. Linux is expected to start once, or where its
// arguments are changed twice: Ignition of Flatcar boots again when it has failed, and only that is seen of it.
func (c *Console) First(changesArguments bool) {
	c.most = 1
	if changesArguments {
		c.most = 2
	}
}

// NewConsoleEnd is for what comes from now on.
func NewConsoleEnd(log Log) *Console {
	c := NewConsole(log)
	file, err := log.Open(0)
	if err != nil {
		return c
	}
	defer func() { _ = file.Close() }()
	if info, err := file.Stat(); err == nil {
		c.part, c.offset = info, info.Size()
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
	c.starts = 0
	return err
}

// Failure reads what is new and gives the lines of a failed boot, once one says so: nil
// before that.
func (c *Console) Failure() ([]string, error) {
	err := c.readOn(func(info fs.FileInfo, text *bufio.Reader) {
		c.written = info.ModTime()
		c.take(text)
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the console log: %w", err)
	}
	return c.failure(), nil
}

func (c *Console) failure() []string {
	switch {
	case c.failed && fatal.MatchString(c.prompt):
		return append(slices.Clone(c.told), c.prompt)
	case c.failed:
		return c.told
	case c.starts > c.most:
		return append([]string{fmt.Sprintf("Linux has started %d times and its system never came up; before the last start these lines came", c.starts)}, c.before...)
	case slices.Max(c.begun) >= enough:
		return append([]string{fmt.Sprintf("it has begun to boot %d times; the latest lines are", slices.Max(c.begun))}, c.Last()...)
	}
	return nil
}

// Silent is for how long nothing has come, as far as Failure has read, while an initramfs may be at work: from Linux' start
// up to its system. Elsewhere it is 0.
func (c *Console) Silent() time.Duration {
	if c.phase != atKernel && c.phase != atIgnition {
		return 0
	}
	return time.Since(c.written)
}

// StandsStill is for how long nothing has come in the firmware or the boot loader, as far as Failure has read. Elsewhere it is 0.
func (c *Console) StandsStill() time.Duration {
	if c.phase > atBootLoader || c.written.IsZero() {
		return 0
	}
	return time.Since(c.written)
}

// take reads whole lines, and looks at what is there of the next: a prompt has no line break. More of one than the reader holds
// is a line: a guest need never end it.
func (c *Console) take(lines *bufio.Reader) {
	for {
		text, err := lines.ReadSlice('\n')
		line := c.half + string(text)
		shown := strings.TrimSpace(printable.Line(line))
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			c.rest = line
			c.prompt = shorten(shown)
			c.failed = c.failed || fatal.MatchString(shown)
			c.reach(shown)
			return
		}
		c.offset += int64(len(text))
		c.half = ""
		c.note(shown)
	}
}

func (c *Console) note(line string) {
	const most, latest = 12, 8
	if line == "" {
		return
	}
	c.begin(line)
	if newArguments.MatchString(line) {
		c.most = max(c.most, 2)
	}
	c.reach(line)
	line = shorten(line)
	if telling.MatchString(line) && len(c.told) < most {
		c.told = append(c.told, line)
	}
	c.last = append(c.last, line)
	c.last = c.last[max(0, len(c.last)-latest):]
	c.failed = c.failed || fatal.MatchString(line)
}

// begin counts the boots that begin. What the one before said is no failure of this one.
func (c *Console) begin(line string) {
	if c.phase >= atKernel && (phases[atFirmware].seen.MatchString(line) || linux.MatchString(line)) {
		c.before = slices.Clone(c.last)
		if c.phase >= atSystem {
			c.starts = 0
		}
	}
	if linux.MatchString(line) {
		c.starts++
	}
	for i, beginning := range beginnings {
		if beginning.MatchString(line) {
			c.begun[i]++
			c.failed, c.told = false, nil
		}
	}
}

// reach takes the boot to the phase that the line shows, if it is a later one, or back where it begins anew.
func (c *Console) reach(line string) {
	for i, phase := range phases {
		again := i < c.phase && (i == atFirmware || i == atKernel)
		if (i > c.phase || again) && phase.seen.MatchString(line) && (phase.unless == "" || !strings.Contains(line, phase.unless)) {
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
