// Package quadlet judges Podman's units by Podman's own generator.
package quadlet

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"coreos-libvirt/internal/config/verify/document"
	"coreos-libvirt/internal/config/verify/sandbox"
	"coreos-libvirt/internal/terminal/shellword"
)

// Of says whose Quadlets they are: the system's, or users'. Each are another systemd's.
type Of struct {
	Check string // the name of the check
	Made  string // the folder below the node for the units that are made of them
	user  bool
}

// System are Quadlets that run as root, Users those that users run.
var (
	System = Of{Check: "quadlets", Made: "/run/quadlet"}
	Users  = Of{Check: "users' quadlets", Made: "/run/quadlet-users", user: true}
)

const (
	folder = "/etc/containers/systemd"
	users  = folder + "/users"            // of all users, and of one below its number
	own    = ".config/containers/systemd" // of a user, in the home folder
)

var kinds = []string{".container", ".volume", ".network", ".kube", ".pod", ".build", ".image"}

// Names are the paths of the document's Quadlets.
func (o Of) Names(d document.Document) (names []string) {
	for _, f := range d.Files {
		if f.Known && slices.Contains(kinds, path.Ext(f.Path)) && o.reads(f.Path) {
			names = append(names, f.Path)
		}
	}
	return names
}

// reads reports whether the generator looks for Quadlets there.
func (o Of) reads(at string) bool {
	ofUsers := strings.HasPrefix(at, users+"/") || document.Home(at, own) != ""
	return ofUsers == o.user && (ofUsers || strings.HasPrefix(at, folder+"/"))
}

// folders are those that have Quadlets.
func (o Of) folders(d document.Document) (all []string) {
	if !o.user {
		return []string{folder}
	}
	for _, at := range o.Names(d) {
		dir := users
		if home := document.Home(at, own); home != "" {
			dir = path.Join(home, own)
		}
		if !slices.Contains(all, dir) {
			all = append(all, dir)
		}
	}
	return all
}

// Command runs the generator, says what it says, and puts the units that it makes where systemd finds them. The system's generator
// leaves out the folder of users.
func (o Of) Command(d document.Document) string {
	dirs, flags, aside, back := []string{}, "", "", ""
	for _, dir := range o.folders(d) {
		dirs = append(dirs, shellword.Of(sandbox.Node+dir))
	}
	link := `; [ -e "usr/lib/systemd/system/$name" ] || ln -s "` + sandbox.Node + o.Made + `/$name" "usr/lib/systemd/system/$name"`
	if o.user {
		flags, link = "-user ", ""
	} else {
		aside = "[ ! -d ." + users + " ] || mv ." + users + " ./run/users-of-quadlets\n"
		back = "[ ! -d ./run/users-of-quadlets ] || mv ./run/users-of-quadlets ." + users + "\n"
	}
	return `cd ` + sandbox.Node + `; mkdir -p .` + o.Made + ` usr/lib/systemd/system
` + aside + `QUADLET_UNIT_DIRS=` + strings.Join(dirs, ":") + ` ` + sandbox.Quadlet + ` -dryrun ` + flags + `-no-kmsg-log >/tmp/quadlets 2>/tmp/errors
` + back + `cat /tmp/errors
name=
while IFS= read -r line; do
  case $line in
    ---*.service---) name=${line#---}; name=${name%---}; : >".` + o.Made + `/$name"` + link + ` ;;
    *) [ -z "$name" ] || printf '%s\n' "$line" >>".` + o.Made + `/$name" ;;
  esac
done </tmp/quadlets
echo "--- made"
cat /tmp/quadlets`
}

// MadeUnits is a pattern of sh for the system's units that were made, from the folder of systemd's units.
const MadeUnits = "../../../../run/quadlet/*.service"

var (
	converting  = regexp.MustCompile(`converting "(.+?)": (.*)$`)
	loading     = regexp.MustCompile(`error loading "` + sandbox.Node + `(.+?)", (.*)$`)
	atLine      = regexp.MustCompile(`line (\d+): (.*)$`)
	unsupported = regexp.MustCompile(`unsupported key '(.+?)' in group '(.+?)'`)
	unqualified = regexp.MustCompile(`Warning: (\S+) specifies the image "(.+?)" which not a fully qualified`)
)

// Said are the faults that the generator reports, and the text of the units that it made, by name.
func (o Of) Said(said string, d document.Document) (faults []document.Fault, units map[string]string) {
	errors, texts, _ := strings.Cut(said, "--- made")
	faults = o.sections(d)
	misnamed := map[string]bool{}
	for _, f := range faults {
		misnamed[f.Path] = true
	}
	for _, line := range strings.Split(errors, "\n") {
		if f, is := o.fault(line, d); is && !slices.Contains(faults, f) && (!misnamed[f.Path] || f.Line != 0) {
			faults = append(faults, f)
		}
	}
	return faults, unitsOf(texts)
}

func (o Of) fault(line string, d document.Document) (f document.Fault, is bool) {
	if m := loading.FindStringSubmatch(line); m != nil {
		f = document.Fault{Error: true, Path: m[1], Text: path.Base(m[1]) + ": " + m[2]}
		if at := atLine.FindStringSubmatch(m[2]); at != nil {
			f.Line, f.Text = lineOf(at[1]), path.Base(m[1])+": "+strings.Replace(at[2], " which is not ", " is not ", 1)
		}
		return f, true
	}
	if m := unqualified.FindStringSubmatch(line); m != nil {
		f = o.at(d, m[1], "Image", m[2])
		f.Text = m[1] + ": the image " + m[2] + " has no registry: which it is from depends on the node's settings"
		f.Hint = "write it whole, as in Image=quay.io/..."
		return f, true
	}
	m := converting.FindStringSubmatch(line)
	if m == nil {
		return f, false
	}
	f = document.Fault{Path: o.pathOf(d, m[1])}
	if key := unsupported.FindStringSubmatch(m[2]); key != nil {
		f = o.at(d, m[1], key[1], key[1])
		f.Text = m[1] + ": unknown key '" + key[1] + "' in section [" + key[2] + "]"
		if near := document.Nearest(key[1], keys[key[2]]); near != "" {
			f.Text += "; did you mean " + near + "?"
		}
	} else {
		f.Line, f.Needle = mentioned(d, f.Path, m[2])
		f.Text = m[1] + ": " + m[2]
	}
	f.Error = true
	return f, f.Path != ""
}

// mentioned is where the text has a file name that stands in what is said of it.
func mentioned(d document.Document, at, said string) (line int, needle string) {
	text, _ := d.Text(at)
	for _, word := range strings.Fields(said) {
		for i, line := range strings.Split(text, "\n") {
			if slices.Contains(kinds, path.Ext(word)) && strings.Contains(line, word) {
				return i + 1, word
			}
		}
	}
	return 0, ""
}

// sections are the faults of sections that are nearly called as one of Quadlet's: the generator leaves them out.
func (o Of) sections(d document.Document) (faults []document.Fault) {
	known := append(slices.Sorted(maps.Keys(keys)), "Unit", "Service", "Install")
	for _, at := range o.Names(d) {
		text, _ := d.Text(at)
		for i, line := range strings.Split(text, "\n") {
			name := strings.Trim(strings.TrimSpace(line), "[]")
			if !strings.HasPrefix(strings.TrimSpace(line), "[") || slices.Contains(known, name) {
				continue
			}
			if near := document.Nearest(name, known); near != "" {
				said := path.Base(at) + ": unknown section [" + name + "]; did you mean [" + near + "]?"
				faults = append(faults, document.Fault{Error: true, Path: at, Line: i + 1, Needle: name, Text: said})
			}
		}
	}
	return faults
}

func lineOf(digits string) (n int) {
	for _, d := range digits {
		n = min(10*n+int(d-'0'), 1<<30)
	}
	return n
}

// pathOf is the path of the Quadlet of the name.
func (o Of) pathOf(d document.Document, name string) string {
	for _, at := range o.Names(d) {
		if path.Base(at) == name {
			return at
		}
	}
	return ""
}

// at is a fault at the key of the Quadlet of the name.
func (o Of) at(d document.Document, name, key, needle string) document.Fault {
	f := document.Fault{Path: o.pathOf(d, name), Needle: needle}
	text, _ := d.Text(f.Path)
	for i, line := range strings.Split(text, "\n") {
		if before, _, is := strings.Cut(line, "="); is && strings.TrimSpace(before) == key {
			f.Line = i + 1
			break
		}
	}
	return f
}

// unitsOf are the units of the generator's output: each begins with a line ---name---.
func unitsOf(text string) map[string]string {
	units, name := map[string]string{}, ""
	for _, line := range strings.Split(strings.TrimPrefix(text, "\n"), "\n") {
		if strings.HasPrefix(line, "---") && strings.HasSuffix(line, ".service---") {
			name = strings.Trim(line, "-")
			continue
		}
		units[name] += line + "\n"
	}
	delete(units, "")
	return units
}

// IsMade reports whether the path is of a unit that the generator made, and gives its name.
func (o Of) IsMade(at string) (name string, is bool) {
	if strings.HasPrefix(at, o.Made+"/") || !o.user && strings.HasPrefix(at, "/usr/lib/systemd/system/") {
		return path.Base(at), true
	}
	return "", false
}

// Back is the fault in a unit that was made, at the line of the Quadlet that it was copied from. It is none if the generator itself
// wrote the line.
func Back(f document.Fault, unit string, d document.Document) (back document.Fault, is bool) {
	lines := strings.Split(unit, "\n")
	if f.Line < 1 || f.Line > len(lines) {
		return f, false
	}
	source := ""
	for _, line := range lines {
		if from, has := strings.CutPrefix(line, "SourcePath="+sandbox.Node); has {
			source = from
		}
	}
	text, known := d.Text(source)
	for i, line := range strings.Split(text, "\n") {
		if known && strings.TrimSpace(line) == strings.TrimSpace(lines[f.Line-1]) && strings.TrimSpace(line) != "" {
			_, rest, _ := strings.Cut(f.Text, ": ")
			f.Path, f.Line, f.Text = source, i+1, path.Base(source)+": "+rest
			return f, true
		}
	}
	return f, false
}
