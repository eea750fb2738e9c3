package guest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"coreos-libvirt/internal/terminal/printable"
)

// Log is what a node writes on its console, wherever that is kept: an engine.Log.
type Log interface {
	Open(offset int64) (fs.File, error)
	Parts() ([]fs.File, error)
	Follow(ctx context.Context, each func(line string)) error
}

// mostRead is what is read of a log at once, in bytes: libvirt's log daemon moves it away when it has 2 MiB (virtlogd.conf(5)),
// but QEMU alone writes as much as the guest does.
const mostRead = 8 << 20

// readFrom is what the log has from the offset on, at most mostRead.
func readFrom(log Log, offset int64) ([]byte, error) {
	file, err := log.Open(offset)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return io.ReadAll(io.LimitReader(file, mostRead))
}

// ConsoleLog is a node's console log, and what each of its lines begins with when it is printed.
type ConsoleLog struct {
	Log    Log
	Prefix string
}

// kernelClock is what the kernel's lines begin with: seconds since the boot.
var kernelClock = regexp.MustCompile(`^\[ *(\d+\.\d+)\]`)

// loggedLine is one line of a node's, at a time since its boot.
type loggedLine struct {
	text string
	at   float64
}

// MergedLogs are the lines of all logs, printable, in the order of the kernel's clock. A line that has no time stays behind
// the line before it.
func MergedLogs(logs []ConsoleLog) (lines []string, err error) {
	all := []loggedLine{}
	for _, log := range logs {
		read, err := log.lines()
		if err != nil {
			return nil, err
		}
		all = append(all, read...)
	}
	slices.SortStableFunc(all, func(a, b loggedLine) int { return cmp.Compare(a.at, b.at) })
	for _, line := range all {
		lines = append(lines, line.text)
	}
	return lines, nil
}

func (l ConsoleLog) lines() (all []loggedLine, err error) {
	text, err := readFrom(l.Log, -mostRead)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // never booted
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the console log: %w", err)
	}
	at := 0.0
	for line := range strings.Lines(string(text)) {
		line = printable.Line(line)
		if clock := kernelClock.FindStringSubmatch(line); clock != nil {
			seconds, _ := strconv.ParseFloat(clock[1], 64)
			at = max(at, seconds) // a clock that begins again is of another boot
		}
		all = append(all, loggedLine{l.Prefix + line, at})
	}
	return all, nil
}

// Follow gives the lines that the log has, and those that come, until ctx ends.
func (l ConsoleLog) Follow(ctx context.Context, each func(line string)) error {
	return l.Log.Follow(ctx, func(line string) { each(l.Prefix + printable.Line(line)) })
}
