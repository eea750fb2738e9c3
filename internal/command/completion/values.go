package completion

import (
	"os"
	"slices"
	"time"

	"github.com/carapace-sh/carapace"

	"coreos-libvirt/internal/image/qcow2"
	"coreos-libvirt/internal/image/stream"
	"coreos-libvirt/internal/lab/guestimage"
	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/settings/clusterfile"
	"coreos-libvirt/internal/workspace"
)

// kinds are where the values of settings are from. Those of which there are only a few (true, false) need no line.
var kinds = map[string]func(typed) carapace.Action{
	"prefix":    found(prefixes),
	"node":      found(nodes),
	"name":      found(snapshots),
	"recreate":  several(also(found(nodes), "changed", "all")),
	"image":     also(files(".qcow2"), images()...),
	"config":    files(".yml", ".yaml", ".bu"),
	"bridge":    found(links),
	"nic":       found(links),
	"direct":    found(links),
	"uri":       also(nothing, "qemu:///system", "qemu:///session"),
	"discovery": also(nothing, "embedded", "embedded-v2", "static"),

	"keyring": files(), "discovery_ca": files(), "discovery_cert": files(), "discovery_key": files(), "file": files(), "archive": files(),
	"store": func(typed) carapace.Action { return carapace.ActionDirectories() },
}

// patience is how long what has to be looked up has: a key press is not to hang.
const patience = 100 * time.Millisecond

// valuesOf are those that the setting can have.
func valuesOf(l typed, setting string) carapace.Action {
	if kind, has := kinds[setting]; has {
		return kind(l)
	}
	for _, key := range settings.Keys(settings.Environment{}) {
		if key.Name == setting {
			return carapace.ActionValues(few(key)...)
		}
	}
	return carapace.ActionValues()
}

// few are the values of a key that has only some.
func few(key settings.Key) []string {
	shape := key.Shape
	switch {
	case shape.Type == clusterfile.YesNo && (key.Default == "on" || key.Default == "off"):
		return []string{"on", "off"}
	case shape.Type == clusterfile.YesNo:
		return []string{"true", "false"}
	}
	return slices.DeleteFunc(slices.Clone(shape.Words), func(word string) bool { return word == "" })
}

// found are values that are looked up, or none if that takes too long.
func found(look func(typed) []string) func(typed) carapace.Action {
	return func(l typed) carapace.Action {
		all := make(chan []string, 1)
		go func() { all <- look(l) }()
		select {
		case values := <-all:
			return carapace.ActionValues(values...)
		case <-time.After(patience):
			return carapace.ActionValues()
		}
	}
}

// also are some values beside others.
func also(others func(typed) carapace.Action, values ...string) func(typed) carapace.Action {
	return func(l typed) carapace.Action {
		return carapace.Batch(carapace.ActionValues(values...), others(l)).ToA()
	}
}

// several are values with commas between them.
func several(one func(typed) carapace.Action) func(typed) carapace.Action {
	return func(l typed) carapace.Action { return one(l).UniqueList(",") }
}

func nothing(typed) carapace.Action { return carapace.ActionValues() }

// files are those with one of the endings, or all.
func files(endings ...string) func(typed) carapace.Action {
	return func(typed) carapace.Action { return carapace.ActionFiles(endings...) }
}

func images() []string { return slices.Concat(stream.Names(), guestimage.Names) }

// folders are the nodes' in vm/, and whose they are, by their names. libvirt is not asked: it may hang.
func folders(here workspace.Workspace) map[string]string {
	owners, prefixes := map[string]string{}, here.Prefixes("", nil)
	entries, _ := os.ReadDir(here.VM())
	for _, entry := range entries {
		name := entry.Name()
		if !entry.IsDir() || !(workspace.Node{Name: name, Dir: here.VM(name)}).Generated() {
			continue
		}
		for _, owner := range workspace.OwnersOf(name, prefixes) {
			owners[name] = owner
		}
	}
	return owners
}

// prefixes are those of the clusters that have nodes or a file here.
func prefixes(l typed) (all []string) {
	all = clusterfile.Declared(l.workspace.Root)
	for _, owner := range folders(l.workspace) {
		if !slices.Contains(all, owner) {
			all = append(all, owner)
		}
	}
	return all
}

// nodes are those of the cluster that the line names, or of all.
func nodes(l typed) (all []string) {
	for name, owner := range folders(l.workspace) {
		if prefix := l.value("prefix"); prefix == "" || prefix == owner {
			all = append(all, name)
		}
	}
	return all
}

// snapshots are those that the disks of the line's cluster have, or of the only one. libvirt is not asked: it may hang.
func snapshots(l typed) (all []string) {
	for _, name := range nodes(l) {
		found, _ := qcow2.Snapshots((workspace.Node{Name: name, Dir: l.workspace.VM(name)}).Overlay())
		for _, one := range found {
			if !slices.Contains(all, one) {
				all = append(all, one)
			}
		}
	}
	return all
}

// links are the host's network interfaces.
func links(typed) (all []string) {
	entries, _ := os.ReadDir("/sys/class/net")
	for _, entry := range entries {
		if entry.Name() != "lo" {
			all = append(all, entry.Name())
		}
	}
	return all
}
