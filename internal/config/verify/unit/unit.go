// Package unit judges systemd's units: what systemd-analyze says of them, and what it does not look for.
package unit

import (
	"cmp"
	"context"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"

	"coreos-libvirt/internal/config/verify/document"
	"coreos-libvirt/internal/config/verify/place"
	"coreos-libvirt/internal/config/verify/sandbox"
	"coreos-libvirt/internal/terminal/shellword"
)

// CheckName is the name of the check.
const CheckName = "units"

var kinds = []string{".service", ".socket", ".timer", ".mount", ".automount", ".path", ".slice", ".swap", ".target"}

// isUnit reports whether systemd takes a file of that name for a unit.
func isUnit(name string) bool {
	return slices.Contains(kinds, path.Ext(name)) && !strings.Contains(name, "/")
}

// Names are those of the units to look at: whole are in the document, of others it has only drop-ins.
func Names(d document.Document) (whole, partial []string) {
	masked := map[string]bool{}
	for _, u := range d.Units {
		masked[u.Name] = u.Mask
	}
	for at := range d.UnitTexts() {
		name := strings.TrimPrefix(at, document.UnitFolder+"/")
		if isUnit(name) && !masked[name] {
			whole = append(whole, name)
		}
	}
	for at := range d.UnitTexts() {
		name, _, is := strings.Cut(strings.TrimPrefix(at, document.UnitFolder+"/"), ".d/")
		if is && isUnit(name) && !masked[name] && !slices.Contains(whole, name) && !slices.Contains(partial, name) {
			partial = append(partial, name)
		}
	}
	slices.Sort(whole)
	slices.Sort(partial)
	return whole, partial
}

// Command is the check of units: systemd-analyze of all whole ones, of those that are made of more by then (files is a pattern for
// their names, or empty), and of empty ones with the drop-ins of units that the image has.
func Command(whole, partial []string, files string) string {
	var out strings.Builder
	out.WriteString("mkdir -p " + sandbox.Node + "/usr/lib/systemd/system; cd " + sandbox.Node + "/usr/lib/systemd/system; ")
	for _, name := range partial {
		out.WriteString("printf '[Unit]\\n' >" + shellword.Of(name) + "; ")
	}
	out.WriteString("set --")
	for _, name := range append(slices.Clone(whole), partial...) {
		out.WriteString(" " + shellword.Of(name))
	}
	out.WriteString("; ")
	if files != "" {
		out.WriteString("for f in " + files + "; do [ ! -e \"$f\" ] || set -- \"$@\" \"$f\"; done; ")
	}
	out.WriteString("[ $# = 0 ] || systemd-analyze verify --root=" + sandbox.Node + " --recursive-errors=no --man=no -- \"$@\"")
	return out.String()
}

var (
	ofLine = regexp.MustCompile(`^` + sandbox.Node + `(/.+?):(\d+): (.*)$`)
	ofUnit = regexp.MustCompile(`^(\S+\.(?:service|socket|timer|mount|automount|path|slice|swap|target)): (.*)$`)
	bad    = regexp.MustCompile(`^Unit (\S+) has a bad unit file setting\.$`)
)

// Options are what is known beside what systemd-analyze said.
type Options struct {
	Document document.Document
	Whole    []string     // units that the document has
	Known    func() Known // the keys of this host's systemd
	Text     func(at string) (text string, known bool)
	Folder   string // that has the units; empty: the system's
}

// path is where the unit of the name is.
func (o Options) path(name string) string {
	return path.Join(cmp.Or(o.Folder, document.UnitFolder), name)
}

// Said are the faults that systemd-analyze's lines report.
func Said(said string, o Options) (faults []document.Fault) {
	inUnit := map[string]bool{}
	for _, f := range Lines(said, o) {
		faults = append(faults, f)
		inUnit[path.Base(unitOf(f.Path))] = true
	}
	faults = append(faults, ofUnits(said, inUnit, o)...)
	for _, line := range strings.Split(said, "\n") {
		if m := bad.FindStringSubmatch(line); m != nil && !inUnit[m[1]] && slices.Contains(o.Whole, m[1]) {
			faults = append(faults, document.Fault{Error: true, Path: o.path(m[1]), Text: m[1] + ": systemd does not take it"})
		}
	}
	return faults
}

// Lines are the faults that systemd's programs report with a file on the node and its line.
func Lines(said string, o Options) (faults []document.Fault) {
	for _, line := range strings.Split(said, "\n") {
		if m := ofLine.FindStringSubmatch(line); m != nil {
			faults = append(faults, lineFault(m[1], number(m[2]), m[3], o))
		}
	}
	return faults
}

// ofUnits are the faults of whole units, which are noted in inUnit.
func ofUnits(said string, inUnit map[string]bool, o Options) (faults []document.Fault) {
	for _, line := range strings.Split(said, "\n") {
		m := ofUnit.FindStringSubmatch(line)
		if m == nil || !slices.Contains(o.Whole, m[1]) || strings.HasPrefix(m[2], "Unit configuration has fatal error") {
			continue
		}
		if inUnit[m[1]] && follows.MatchString(m[2]) {
			continue
		}
		if f, is := unitFault(m[1], m[2], o); is {
			faults = append(faults, f)
			inUnit[m[1]] = true
		}
	}
	return faults
}

// unitOf is the path of the unit that a file belongs to.
func unitOf(at string) string {
	unit, _, _ := strings.Cut(at, ".d/")
	return unit
}

// shown is what people call the file: that of a drop-in with its unit.
func shown(at string) string {
	unit, dropin, is := strings.Cut(at, ".d/")
	if name := path.Base(unit); is {
		return name + " (" + dropin + ")"
	}
	return path.Base(unit)
}

// follows is what systemd says of a unit in which it did not take a line.
var follows = regexp.MustCompile(` has no | lacks `)

var notExecutable = regexp.MustCompile(`^Command (\S+) is not executable: (.*)$`)

// unitFault is what a line says of a whole unit. What only the image has is none.
func unitFault(name, said string, o Options) (f document.Fault, is bool) {
	f = document.Fault{Error: true, Path: o.path(name), Text: name + ": " + plain(said)}
	if strings.Contains(said, " not loaded") || strings.Contains(said, " not found") {
		return f, false
	}
	m := notExecutable.FindStringSubmatch(said)
	if m == nil {
		return f, true
	}
	if strings.HasPrefix(m[2], "No such file") {
		return f, false
	}
	text, _ := o.Text(f.Path)
	for i, line := range strings.Split(text, "\n") {
		if strings.Contains(line, m[1]) && strings.HasPrefix(strings.TrimSpace(line), "Exec") {
			f.Line, f.Needle = i+1, m[1]
			break
		}
	}
	f.Text = name + ": " + m[1] + " cannot be executed: its mode does not say so"
	f.Hint = "`mode: 0755` in its entry of storage.files, or /bin/bash before it"
	return f, true
}

func number(digits string) (n int) {
	for _, d := range digits {
		n = min(10*n+int(d-'0'), 1<<30)
	}
	return n
}

var (
	unknownKey     = regexp.MustCompile(`^Unknown key (?:name )?'(.+?)' in section (?:\[(.+?)\]|'(.+?)'), ignoring\.$`)
	unknownSection = regexp.MustCompile(`^Unknown section '(.*)'\. Ignoring\.$`)
	ending         = regexp.MustCompile(`(,? ignoring( line)?\.?|[.,;] Ignoring\.|[.] Refusing\.|\.)$`)
)

// ignored is what systemd says that it does, within a sentence.
var ignored = regexp.MustCompile(`, ignoring(?: assignment)?:`)

// plain is systemd's sentence without its end, which says what systemd does.
func plain(said string) string {
	said = ignored.ReplaceAllString(ending.ReplaceAllString(said, ""), ":")
	if first, _, _ := strings.Cut(said, " "); first != "" && strings.ToLower(first[1:]) == first[1:] && !strings.HasSuffix(first, "=") {
		return strings.ToLower(said[:1]) + said[1:]
	}
	return said
}

// lineFault is what is wrong in a line of a file.
func lineFault(at string, line int, said string, o Options) document.Fault {
	f := document.Fault{Error: true, Path: at, Line: line, Text: shown(at) + ": " + plain(said)}
	if m := unknownKey.FindStringSubmatch(said); m != nil {
		section := m[2] + m[3]
		f.Needle = m[1]
		f.Text = shown(at) + ": unknown key '" + m[1] + "' in section [" + section + "]"
		return meant(f, o.Known().key(section, m[1]), "=", o)
	}
	if m := unknownSection.FindStringSubmatch(said); m != nil {
		f.Needle, f.Text = "["+m[1]+"]", shown(at)+": unknown section ["+m[1]+"]"
		near := o.Known().section(m[1])
		return meant(f, near, "", o)
	}
	f.Needle = valueOf(said)
	if works.MatchString(said) {
		f.Error = false
		return f
	}
	f.Error = !isNewer(strings.TrimPrefix(f.Needle, place.Value))
	if !f.Error {
		f.Text += " (systemd " + o.Known().Version + " of this host does not know it; that of the image may be newer)"
	}
	return f
}

// works is what systemd says of lines that it takes, for now or as they are not meant.
var works = regexp.MustCompile(`(?i)unknown escape sequences|, assuming |will be changed|please use|will be removed|deprecated|obsolete|legacy|please update`)

// meant says what an unknown word may be meant to be. One that is like no other may be known to a newer systemd.
func meant(f document.Fault, near, end string, o Options) document.Fault {
	if near != "" {
		if end == "" {
			near = "[" + near + "]"
		}
		f.Text += "; did you mean " + near + "?"
		return f
	}
	f.Error = false
	f.Hint = "systemd " + o.Known().Version + " of this host does not know it; that of the image may be newer"
	return f
}

// valueOf is the needle of the value that a sentence of systemd's is about, or empty.
func valueOf(said string) string {
	for _, pattern := range []*regexp.Regexp{valueQuoted, valueAtEnd, specifier} {
		if m := pattern.FindStringSubmatch(said); m != nil {
			return place.Value + m[1]
		}
	}
	if strings.HasPrefix(said, "Missing '='") || strings.HasPrefix(said, "Assignment outside") {
		return ""
	}
	return place.Value
}

var (
	valueQuoted = regexp.MustCompile(`'([^']+)'`)
	valueAtEnd  = regexp.MustCompile(`ignoring: "?([^"]+?)"?$`)
	specifier   = regexp.MustCompile(`specifiers in (.*): `)
)

// newer are values that a systemd after 252 took: this host's may not know them.
var newer = []string{
	"notify-reload", "disconnected", "identity", "full", "managed", "private", "strict", "direct", "debug", "kill", "%D", "self", "any",
	"terminate", "ssh", "delegate", "nftset",
}

func isNewer(value string) bool { return slices.Contains(newer, value) }

// Ask gives the keys of this host's systemd, which it prints itself.
func Ask(ctx context.Context) Known {
	for _, program := range []string{"/usr/lib/systemd/systemd", "/lib/systemd/systemd"} {
		if out, err := exec.CommandContext(ctx, program, "--dump-configuration-items").Output(); err == nil {
			version, _ := exec.CommandContext(ctx, "systemd-analyze", "--version").Output()
			return parseKnown(string(out), string(version))
		}
	}
	return Known{Version: "?"}
}
