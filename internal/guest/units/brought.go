// Package units is how the systemd units of a node are: which of them its config brings, what is run in the node to see how they
// are, and which have failed. It runs nothing itself.
package units

import (
	"path"
	"slices"
	"strings"

	"github.com/coreos/go-systemd/v22/unit"

	"coreos-libvirt/internal/config/verify/document"
)

// Brought is a unit that a node's config brings: it writes the unit or a drop-in of it, enables it, or has Podman make it.
type Brought struct {
	Name    string // etcd.service
	Starts  bool   // whether it shall be active once the node has booted
	Quadlet string // the file that Podman's generator makes it of, or empty
}

// Of are the units that an Ignition document brings, each once, sorted by name. Templates are none: only their instances run.
func Of(doc []byte) ([]Brought, error) {
	d, err := document.Parse(doc)
	if err != nil {
		return nil, err
	}
	all := map[string]Brought{}
	for _, u := range d.Units {
		if starts := u.Enabled != nil && *u.Enabled; !u.Mask && (starts || u.Contents != "" || len(u.Dropins) > 0) {
			add(all, Brought{Name: u.Name, Starts: starts})
		}
	}
	for _, f := range d.Files {
		if path.Dir(f.Path) == document.UnitFolder {
			add(all, Brought{Name: path.Base(f.Path)})
		}
		if q, is := ofQuadlet(d, f); is {
			add(all, q)
		}
	}
	for _, l := range d.Links {
		addLink(all, l)
	}
	return sorted(all), nil
}

// addLink adds what a link is to systemd: to nothing it masks a unit, in a folder of what another unit wants it is pulled in by that.
func addLink(all map[string]Brought, l document.Link) {
	switch folder := path.Ext(path.Dir(l.Path)); {
	case !strings.HasPrefix(l.Path, document.UnitFolder+"/"):
	case l.Target == "/dev/null":
		delete(all, path.Base(l.Path))
	case folder == ".wants" || folder == ".requires" || folder == ".upholds":
		add(all, Brought{Name: path.Base(l.Path), Starts: true})
	}
}

// kinds are those of units that systemd has (systemd.unit(5)). Slices and scopes are nothing that starts.
var kinds = []string{".service", ".socket", ".mount", ".automount", ".swap", ".target", ".path", ".timer"}

func add(all map[string]Brought, b Brought) {
	if !slices.Contains(kinds, path.Ext(b.Name)) || strings.Contains(b.Name, "@.") || strings.ContainsAny(b.Name, "/ \n'") {
		return
	}
	b.Starts = b.Starts || all[b.Name].Starts
	all[b.Name] = b
}

func sorted(all map[string]Brought) []Brought {
	list := make([]Brought, 0, len(all))
	for _, b := range all {
		list = append(list, b)
	}
	slices.SortFunc(list, func(a, b Brought) int { return strings.Compare(a.Name, b.Name) })
	return list
}

const (
	quadlets      = "/etc/containers/systemd"
	usersQuadlets = quadlets + "/users/" // of users' own systemd
)

// quadletKinds are the section of each kind of Quadlet, and what the name of its service ends with (podman-systemd.unit(5)).
var quadletKinds = map[string]struct{ section, suffix string }{
	".container": {"Container", ""}, ".kube": {"Kube", ""}, ".volume": {"Volume", "-volume"}, ".network": {"Network", "-network"},
	".pod": {"Pod", "-pod"}, ".build": {"Build", "-build"}, ".image": {"Image", "-image"},
}

// ofQuadlet is the service that Podman makes of the file, if that is a Quadlet of the system's.
func ofQuadlet(d document.Document, f document.File) (b Brought, is bool) {
	kind, is := quadletKinds[path.Ext(f.Path)]
	if !is || !strings.HasPrefix(f.Path, quadlets+"/") || strings.HasPrefix(f.Path, usersQuadlets) {
		return b, false
	}
	stem := strings.TrimSuffix(path.Base(f.Path), path.Ext(f.Path))
	b = Brought{Name: stem + kind.suffix + ".service", Quadlet: f.Path}
	for _, o := range options(d, f) {
		switch {
		case o.Section == kind.section && o.Name == "ServiceName" && o.Value != "":
			b.Name = o.Value + ".service"
		case o.Section == "Install" && o.Value != "" && slices.Contains([]string{"WantedBy", "RequiredBy", "UpheldBy"}, o.Name):
			b.Starts = true
		}
	}
	return b, true
}

// options are those of the file and of its drop-ins, as far as they can be read.
func options(d document.Document, f document.File) (all []*unit.UnitOption) {
	for _, one := range append([]document.File{f}, d.Files...) {
		if one.Path == f.Path && len(all) > 0 || one.Path != f.Path && path.Dir(one.Path) != f.Path+".d" {
			continue
		}
		read, _ := unit.DeserializeOptions(strings.NewReader(string(one.Data))) // what is wrong in it, `mage verify` says
		all = append(all, read...)
	}
	return all
}
