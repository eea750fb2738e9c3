// Package lacks judges what a document relies on and neither brings nor the image has: programs, units, users and groups.
package lacks

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"coreos-libvirt/internal/config/verify/document"
)

// Image is what an image has of its own. Its zero value is one of which that is not known.
type Image struct {
	ID                                      string // differs if anything else does
	Folders, Programs, Units, Users, Groups []string
}

// Known reports whether it is known what the image has.
func (i Image) Known() bool { return i.ID != "" }

// Faults are those of what is nowhere. made are the names of units that are made of the document's files.
func Faults(d document.Document, i Image, made []string) (faults []document.Fault) {
	if !i.Known() {
		return nil
	}
	j := judge{d, i, made}
	for _, l := range j.lines() {
		faults = append(faults, slices.Concat(j.program(l), j.units(l), j.user(l))...)
	}
	return slices.Concat(faults, j.enabled(), j.owners(), j.memberships())
}

type judge struct {
	document.Document
	image Image
	made  []string
}

// line is a "Key=value" of a unit.
type line struct {
	at, unit, key, value string
	number               int
}

// fault is one at the line, whose needle is what is wrong there.
func (l line) fault(isError bool, needle, text string) document.Fault {
	return document.Fault{Error: isError, Path: l.at, Line: l.number, Needle: needle, Text: path.Base(l.unit) + ": " + text}
}

// lines are those of all units and drop-ins of the document.
func (j judge) lines() (all []line) {
	for at, text := range j.UnitTexts() {
		unit, _, _ := strings.Cut(at, ".d/")
		for n, raw := range strings.Split(text, "\n") {
			key, value, is := strings.Cut(raw, "=")
			if is && !strings.HasPrefix(strings.TrimSpace(raw), "#") && !strings.HasPrefix(strings.TrimSpace(raw), ";") {
				all = append(all, line{at, unit, strings.TrimSpace(key), strings.TrimSpace(value), n + 1})
			}
		}
	}
	slices.SortFunc(all, func(a, b line) int {
		if a.at != b.at {
			return strings.Compare(a.at, b.at)
		}
		return a.number - b.number
	})
	return all
}

var execs = []string{"ExecStart", "ExecStartPre", "ExecStartPost", "ExecCondition", "ExecReload", "ExecStop", "ExecStopPost"}

// program is the fault of a command's program that is nowhere. Where something may bring more programs it is a warning.
func (j judge) program(l line) []document.Fault {
	word, _, _ := strings.Cut(l.value, " ")
	ignored := strings.HasPrefix(word, "-")
	word = strings.Trim(strings.TrimLeft(word, "-@:+!|"), `"'`)
	if !slices.Contains(execs, l.key) || word == "" || strings.ContainsAny(word, "%$\\") || j.hasProgram(word) {
		return nil
	}
	text := word + " is not on the image, and nothing here brings it"
	if near := document.Nearest(path.Base(word), bases(j.image.Programs)); near != "" {
		text += "; did you mean " + near + "?"
	}
	return []document.Fault{l.fault(!ignored && !j.mayBring(), word, text)}
}

// search are the folders in which systemd looks for a program without one (systemd.exec(5)).
var search = []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin"}

func (j judge) hasProgram(word string) bool {
	if !strings.Contains(word, "/") {
		return slices.ContainsFunc(search, func(folder string) bool { return j.has(folder+"/"+word) || j.brings(folder+"/"+word) })
	}
	at := real(word)
	return !slices.Contains(j.image.Folders, path.Dir(at)) || j.has(at) || j.brings(word) || j.brings(at)
}

// real is the path without the links that the root has to /usr.
func real(at string) string {
	if strings.HasPrefix(at, "/bin/") || strings.HasPrefix(at, "/sbin/") {
		at = "/usr" + at
	}
	return at
}

// has reports whether the image has the program: /usr/sbin may be /usr/bin.
func (j judge) has(at string) bool {
	_, found := slices.BinarySearch(j.image.Programs, at)
	if !found && strings.HasPrefix(at, "/usr/sbin/") && !slices.Contains(j.image.Folders, "/usr/sbin") {
		_, found = slices.BinarySearch(j.image.Programs, "/usr/bin/"+strings.TrimPrefix(at, "/usr/sbin/"))
	}
	return found
}

// brings reports whether the document writes what is at the path.
func (j judge) brings(at string) bool {
	return slices.ContainsFunc(j.Files, func(f document.File) bool { return f.Path == at }) ||
		slices.ContainsFunc(j.Links, func(l document.Link) bool { return l.Path == at })
}

var more = regexp.MustCompile(`rpm-ostree|dnf |bootc |systemd-sysext|systemd-confext|/extensions/`)

// mayBring reports whether something in the document may install more: packages, or extensions of the system.
func (j judge) mayBring() bool {
	for _, text := range j.UnitTexts() {
		if more.MatchString(text) {
			return true
		}
	}
	return slices.ContainsFunc(j.Files, func(f document.File) bool { return more.Match(f.Data) || more.MatchString(f.Path) }) ||
		slices.ContainsFunc(j.Links, func(l document.Link) bool { return more.MatchString(l.Path) })
}

func bases(paths []string) (names []string) {
	for _, at := range paths {
		names = append(names, path.Base(at))
	}
	return names
}

// relations are keys that name units, and whether the unit does not start if one is nowhere (systemd.unit(5)).
var relations = map[string]bool{
	"Requires": true, "BindsTo": true, "Requisite": true, "Wants": false, "After": false, "Before": false, "PartOf": false, "Upholds": false,
}

// kinds are those of units that are files: others come and go with what there is.
var kinds = []string{".service", ".socket", ".target", ".timer", ".path"}

// units are the faults of units that a line names and that are nowhere.
func (j judge) units(l line) (faults []document.Fault) {
	needs, is := relations[l.key]
	for _, name := range strings.Fields(l.value) {
		if !is || !slices.Contains(kinds, path.Ext(name)) || strings.ContainsAny(name, `%\"'`) || j.hasUnit(name) {
			continue
		}
		text := l.key + "=" + name + ": there is no such unit on the image, nor here"
		if near := document.Nearest(name, j.names()); near != "" {
			text += "; did you mean " + near + "?"
		}
		faults = append(faults, l.fault(needs && !j.mayBring(), name, text))
	}
	return faults
}

// hasUnit reports whether the unit is somewhere, or is an instance of one that is.
func (j judge) hasUnit(name string) bool {
	stem, rest, isInstance := strings.Cut(name, "@")
	return slices.ContainsFunc(j.names(), func(has string) bool { return has == name || isInstance && has == stem+"@"+path.Ext(rest) })
}

// names are those of all units that there are.
func (j judge) names() []string {
	names := slices.Concat(j.image.Units, j.made)
	for _, l := range j.lines() {
		if l.key == "Alias" {
			names = append(names, strings.Fields(l.value)...)
		}
	}
	for _, u := range j.Units {
		if u.Contents != "" {
			names = append(names, u.Name)
		}
	}
	for _, f := range j.Files {
		names = append(names, path.Base(f.Path))
	}
	for _, l := range j.Links {
		names = append(names, path.Base(l.Path))
	}
	return names
}

// enabled are the faults of units that are enabled or get drop-ins, and are nowhere. A config for two systems may have some of each.
func (j judge) enabled() (faults []document.Fault) {
	for _, u := range j.Units {
		enabled := u.Enabled != nil && *u.Enabled
		if u.Contents != "" || u.Mask || !enabled && len(u.Dropins) == 0 || !slices.Contains(kinds, path.Ext(u.Name)) || j.hasUnit(u.Name) {
			continue
		}
		f := document.Fault{Path: document.UnitPath(u.Name), Text: u.Name + ": there is no such unit on the image, nor here"}
		if near := document.Nearest(u.Name, j.names()); near != "" {
			f.Error, f.Text = enabled && !j.mayBring(), f.Text+"; did you mean "+near+"?"
		}
		faults = append(faults, f)
	}
	return faults
}

var number = regexp.MustCompile(`^[0-9]+$`)

// user is the fault of a user or group that a unit runs as and that is nowhere: the service fails.
func (j judge) user(l line) []document.Fault {
	text := j.UnitTexts()[l.at]
	if strings.Contains(text, "DynamicUser=") || strings.ContainsAny(l.value, "%$") {
		return nil
	}
	if l.key == "User" && !j.hasUser(l.value) || l.key == "Group" && !j.hasGroup(l.value) {
		return []document.Fault{l.fault(!j.mayBring(), l.value, l.key+"="+l.value+": there is nobody of that name on the image, nor in passwd here")}
	}
	return nil
}

// hasUser reports whether there is such a user, or something in the files may make it.
func (j judge) hasUser(name string) bool {
	return name == "" || number.MatchString(name) || slices.Contains(j.image.Users, name) || j.sysusers(name) ||
		slices.ContainsFunc(j.Users, func(u document.User) bool { return u.Name == name })
}

// hasGroup is the same for groups: each user of the document has one of its own name.
func (j judge) hasGroup(name string) bool {
	return name == "" || number.MatchString(name) || slices.Contains(j.image.Groups, name) || slices.Contains(j.GroupNames, name) || j.sysusers(name) ||
		slices.ContainsFunc(j.Users, func(u document.User) bool { return u.Name == name && !u.NoGroup })
}

// sysusers reports whether a file for systemd-sysusers, or a script, names it.
func (j judge) sysusers(name string) bool {
	return slices.ContainsFunc(j.Files, func(f document.File) bool {
		text := string(f.Data)
		return strings.Contains(text, name) && (strings.Contains(f.Path, "sysusers.d/") || strings.Contains(text, "useradd") || strings.Contains(text, "groupadd"))
	})
}

// owners are the faults of users and groups that files shall belong to and that are nowhere when Ignition writes: it fails.
func (j judge) owners() (faults []document.Fault) {
	for _, o := range j.Owners {
		for what, missing := range map[string]bool{"user " + o.User: o.User != "" && !j.known(o.User, j.image.Users), "group " + o.Group: o.Group != "" && !j.knownGroup(o.Group)} {
			if missing {
				faults = append(faults, document.Fault{Error: true, Path: o.Path, Text: o.Path + ": there is no " + what + " on the image, nor in passwd here: Ignition fails"})
			}
		}
	}
	return faults
}

func (j judge) known(user string, on []string) bool {
	return slices.Contains(on, user) || slices.ContainsFunc(j.Users, func(u document.User) bool { return u.Name == user })
}

func (j judge) knownGroup(name string) bool {
	return j.known(name, j.image.Groups) || slices.Contains(j.GroupNames, name)
}

// memberships are the faults of groups that users shall be in and that are nowhere: Ignition fails.
func (j judge) memberships() (faults []document.Fault) {
	for _, u := range j.Users {
		for _, group := range append(slices.Clone(u.Groups), u.PrimaryGroup) {
			if group == "" || number.MatchString(group) || j.knownGroup(group) {
				continue
			}
			text := "user " + u.Name + ": there is no group " + group + " on the image, nor in passwd.groups: Ignition fails"
			if near := document.Nearest(group, j.image.Groups); near != "" {
				text += "; did you mean " + near + "?"
			}
			faults = append(faults, document.Fault{Error: true, Path: document.UserPath(u.Name), Needle: group, Text: text})
		}
	}
	return faults
}
