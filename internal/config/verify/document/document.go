// Package document is what an Ignition document puts onto a node, as plain values.
package document

import (
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"coreos-libvirt/internal/config/readable"
)

// Document is what the checks of one know of it.
type Document struct {
	Units []Unit
	Files []File
	Links []Link
	Users []User

	GroupNames []string // that the document makes
	Owners     []Owner  // of what is written
}

// Owner is whom a file, folder or link must belong to, by name.
type Owner struct{ Path, User, Group string }

// Unit is a systemd unit, or what is added to one that the image has.
type Unit struct {
	Name     string
	Contents string // empty: the image has it
	Enabled  *bool
	Mask     bool
	Dropins  []Dropin
}

// Dropin is a file that is laid over a unit.
type Dropin struct{ Name, Contents string }

// File is one that has contents of the document's own.
type File struct {
	Path    string
	Mode    int
	HasMode bool   // false: Ignition's default
	Data    []byte // unzipped
	Known   bool   // false: it is fetched, or appended to
}

// Link is a symbolic or hard one.
type Link struct {
	Path, Target string
	Hard         bool
}

// User is one with what lets somebody log in.
type User struct {
	Name, Hash   string
	Keys         []string
	Groups       []string // it shall be in
	PrimaryGroup string
	NoGroup      bool // it gets no group of its own name
}

// Fault is what is wrong at a place of the node.
type Fault struct {
	Error  bool   // it cannot be right; false: it is worth a word
	Path   string // of the file on the node, or UserPath of a user
	Line   int    // of it, from 1; 0 is all of it
	Needle string // what is wrong in the line, or empty
	Text   string
	Hint   string
}

// UnitFolder is where Ignition writes units.
const UnitFolder = "/etc/systemd/system"

// UserPath stands for a user where others have a path.
func UserPath(name string) string { return "passwd:" + name }

// UnitPath is where the unit is.
func UnitPath(name string) string { return path.Join(UnitFolder, name) }

// DropinPath is where a drop-in of the unit is.
func DropinPath(unit, name string) string { return path.Join(UnitFolder, unit+".d", name) }

type resource struct {
	Source      *string `json:"source"`
	Compression *string `json:"compression"`
}

// owned is what belongs to somebody.
type owned struct {
	User  struct{ Name *string } `json:"user"`
	Group struct{ Name *string } `json:"group"`
}

// owner adds whom what is at the path shall belong to, if that is said by name.
func (d *Document) owner(at string, o owned) {
	if user, group := value(o.User.Name), value(o.Group.Name); user != "" || group != "" {
		d.Owners = append(d.Owners, Owner{at, user, group})
	}
}

// ignition are the parts of a document that the checks look at (Ignition spec 3.x).
type ignition struct {
	Passwd struct {
		Users []struct {
			Name         string   `json:"name"`
			PasswordHash *string  `json:"passwordHash"`
			Keys         []string `json:"sshAuthorizedKeys"`
			Groups       []string `json:"groups"`
			PrimaryGroup *string  `json:"primaryGroup"`
			NoUserGroup  *bool    `json:"noUserGroup"`
		} `json:"users"`
		Groups []struct {
			Name string `json:"name"`
		} `json:"groups"`
	} `json:"passwd"`
	Storage struct {
		Files []struct {
			owned
			Path     string     `json:"path"`
			Mode     *int       `json:"mode"`
			Contents resource   `json:"contents"`
			Append   []resource `json:"append"`
		} `json:"files"`
		Directories []struct {
			owned
			Path string `json:"path"`
		} `json:"directories"`
		Links []struct {
			owned
			Path   string  `json:"path"`
			Target *string `json:"target"`
			Hard   *bool   `json:"hard"`
		} `json:"links"`
	} `json:"storage"`
	Systemd struct {
		Units []struct {
			Name     string  `json:"name"`
			Contents *string `json:"contents"`
			Enabled  *bool   `json:"enabled"`
			Mask     *bool   `json:"mask"`
			Dropins  []struct {
				Name     string  `json:"name"`
				Contents *string `json:"contents"`
			} `json:"dropins"`
		} `json:"units"`
	} `json:"systemd"`
}

// Parse reads an Ignition document.
func Parse(doc []byte) (d Document, err error) {
	var all ignition
	if err := json.Unmarshal(doc, &all); err != nil {
		return d, fmt.Errorf("the Ignition document is not JSON: %w", err)
	}
	for _, u := range all.Passwd.Users {
		d.Users = append(d.Users, User{u.Name, value(u.PasswordHash), u.Keys, u.Groups, value(u.PrimaryGroup), value(u.NoUserGroup)})
	}
	for _, g := range all.Passwd.Groups {
		d.GroupNames = append(d.GroupNames, g.Name)
	}
	for _, dir := range all.Storage.Directories {
		d.owner(dir.Path, dir.owned)
	}
	for _, l := range all.Storage.Links {
		d.owner(l.Path, l.owned)
		d.Links = append(d.Links, Link{l.Path, value(l.Target), value(l.Hard)})
	}
	for _, u := range all.Systemd.Units {
		unit := Unit{Name: u.Name, Contents: value(u.Contents), Enabled: u.Enabled, Mask: value(u.Mask)}
		for _, drop := range u.Dropins {
			unit.Dropins = append(unit.Dropins, Dropin{drop.Name, value(drop.Contents)})
		}
		d.Units = append(d.Units, unit)
	}
	for _, f := range all.Storage.Files {
		d.owner(f.Path, f.owned)
		file := File{Path: f.Path, Mode: value(f.Mode), HasMode: f.Mode != nil}
		if file.Data, file.Known, err = contents(f.Contents); err != nil {
			return d, fmt.Errorf("%s: %w", f.Path, err)
		}
		file.Known = file.Known && len(f.Append) == 0
		d.Files = append(d.Files, file)
	}
	return d, nil
}

func value[T any](of *T) (v T) {
	if of != nil {
		v = *of
	}
	return v
}

// contents are the bytes of a resource, if the document has them.
func contents(r resource) (data []byte, known bool, err error) {
	if r.Source == nil || !strings.HasPrefix(*r.Source, "data:") {
		return nil, false, nil
	}
	data, err = readable.Contents(map[string]any{"source": *r.Source, "compression": value(r.Compression)})
	return data, err == nil, err
}

// UnitTexts are the units' texts that are on the node, by path: of units, of drop-ins, and of files where systemd looks for them.
func (d Document) UnitTexts() map[string]string {
	texts := map[string]string{}
	for _, u := range d.Units {
		if u.Contents != "" {
			texts[UnitPath(u.Name)] = u.Contents
		}
		for _, drop := range u.Dropins {
			if drop.Contents != "" {
				texts[DropinPath(u.Name, drop.Name)] = drop.Contents
			}
		}
	}
	for _, f := range d.Files {
		if f.Known && strings.HasPrefix(f.Path, UnitFolder+"/") {
			texts[f.Path] = string(f.Data)
		}
	}
	return texts
}

// Home is the home folder that has the path in its folder below, or empty.
func Home(at, below string) string {
	home, _, is := strings.Cut(at, "/"+below+"/")
	parent, name := path.Split(home)
	if is && (home == "/root" || home == "/var/roothome" || name != "" && (parent == "/home/" || parent == "/var/home/")) {
		return home
	}
	return ""
}

// Text is that of what is at the path.
func (d Document) Text(at string) (text string, known bool) {
	if text, known = d.UnitTexts()[at]; known {
		return text, true
	}
	for _, f := range d.Files {
		if f.Path == at && f.Known {
			return string(f.Data), true
		}
	}
	return "", false
}
