package units

import (
	"coreos-libvirt/internal/terminal/shellword"
)

// Journal is what a shell runs in a node to print the journal of its boot, of a unit, or of a pattern of units, or all of it; with
// follow it goes on with what comes. A line begins with its time, in UTC.
func Journal(unit string, follow bool) string {
	command := "exec $as journalctl --boot --quiet --no-pager --no-hostname --utc --output=short-iso-precise"
	if follow {
		command += " --follow --no-tail"
	}
	if unit != "" {
		command += " --unit=" + shellword.Of(unit)
	}
	return asReader + "\n" + command
}

// Stamp is the time at which a line of Journal's begins, in a form that sorts; empty if it goes on with the entry before it.
func Stamp(line string) string {
	const form = "2006-01-02T15:04:05.000000"
	if len(line) < len(form) || line[4] != '-' || line[10] != 'T' || line[19] != '.' {
		return ""
	}
	return line[:len(form)]
}
