package unit

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"coreos-libvirt/internal/config/verify/document"
	"coreos-libvirt/internal/config/verify/sandbox"
	"coreos-libvirt/internal/terminal/shellword"
)

// Of users' systemd: where units of all users are, and those of one in the home folder.
const (
	usersFolder = "/etc/systemd/user"
	own         = ".config/systemd/user"
)

// folderOf is the folder of users' units that has the path, or empty.
func folderOf(at string) string {
	if strings.HasPrefix(at, usersFolder+"/") {
		return usersFolder
	}
	if home := document.Home(at, own); home != "" {
		return path.Join(home, own)
	}
	return ""
}

// UserFolders are those that have users' units, with the units' names: whole, or only drop-ins of what the image has.
func UserFolders(d document.Document) (folders []UserFolder) {
	for _, f := range d.Files {
		dir := folderOf(f.Path)
		if dir == "" || !f.Known {
			continue
		}
		i := slices.IndexFunc(folders, func(u UserFolder) bool { return u.Path == dir })
		if i < 0 {
			i, folders = len(folders), append(folders, UserFolder{Path: dir})
		}
		folders[i].add(strings.TrimPrefix(f.Path, dir+"/"))
	}
	return folders
}

// UserFolder is one of users' units.
type UserFolder struct {
	Path           string
	Whole, dropins []string
}

func (u *UserFolder) add(rel string) {
	name, _, isDropin := strings.Cut(rel, ".d/")
	switch {
	case !isUnit(name):
	case !isDropin:
		u.Whole = append(u.Whole, name)
	case !slices.Contains(u.dropins, name):
		u.dropins = append(u.dropins, name)
	}
}

// Check is its name.
func (u UserFolder) Check() string { return "users' units " + u.Path }

// Command is the check by the systemd of users: it has no other root, and gets where units are. Of units that only the image has an
// empty one stands for what it has. Units that Quadlet made in the folder made are looked at with those of all users.
func (u UserFolder) Command(made string) string {
	var out strings.Builder
	out.WriteString("mkdir -p /tmp/image; set --")
	for _, name := range u.Whole {
		out.WriteString(" " + shellword.Of(name))
	}
	out.WriteString("; ")
	for _, name := range u.dropins {
		if !slices.Contains(u.Whole, name) {
			out.WriteString("printf '[Unit]\\n' >/tmp/image/" + shellword.Of(name) + "; set -- \"$@\" " + shellword.Of(name) + "; ")
		}
	}
	if u.Path == usersFolder {
		out.WriteString("for f in " + sandbox.Node + made + "/*.service; do [ ! -e \"$f\" ] || set -- \"$@\" \"${f##*/}\"; done; ")
	}
	out.WriteString("export XDG_RUNTIME_DIR=/tmp SYSTEMD_UNIT_PATH=" + shellword.Of(sandbox.Node+u.Path) + ":" + sandbox.Node + usersFolder + ":" +
		sandbox.Node + made + ":/tmp/image:/usr/lib/systemd/user; ")
	out.WriteString("[ $# = 0 ] || systemd-analyze --user verify --recursive-errors=no --man=no -- \"$@\"")
	return out.String()
}

// Quadlets is the folder as which units of users' Quadlets are judged, if the document has no other.
var Quadlets = UserFolder{Path: usersFolder}

var systems = regexp.MustCompile(`^\s*(WantedBy|RequiredBy|UpheldBy)\s*=.*\b(multi-user\.target|graphical\.target)\b`)

// OfSystem are the faults of units and Quadlets of users that a target of the system's must start: the systemd of users has none of
// that name.
func OfSystem(d document.Document, quadlets []string) (faults []document.Fault) {
	for _, f := range d.Files {
		if !f.Known || folderOf(f.Path) == "" && !slices.Contains(quadlets, f.Path) {
			continue
		}
		for i, line := range strings.Split(string(f.Data), "\n") {
			if m := systems.FindStringSubmatch(line); m != nil {
				text := path.Base(f.Path) + ": users' systemd has no " + m[2] + ": nothing starts it; did you mean default.target?"
				faults = append(faults, document.Fault{Error: true, Path: f.Path, Line: i + 1, Needle: m[2], Text: text})
			}
		}
	}
	return faults
}
