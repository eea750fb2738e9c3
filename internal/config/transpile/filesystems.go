package transpile

import (
	"path"
	"regexp"
	"strconv"
	"strings"

	old "github.com/coreos/ignition/config/v2_3/types"

	"coreos-libvirt/internal/terminal/hint"
)

// Ignition 2 knows file systems by names, and files as on one of them; spec 3 knows paths only.

// oemPlace is where Flatcar has the file system OEM.
const oemPlace = "/oem"

// filesystemPaths tells where in the running system each file system is that the config names.
func filesystemPaths(config old.Config) (map[string]string, error) {
	paths := map[string]string{"root": "/"}
	used := usedFilesystems(config)
	for _, fs := range config.Storage.Filesystems {
		switch {
		case fs.Path != nil:
			paths[fs.Name] = path.Join("/", strings.TrimPrefix(*fs.Path, "/sysroot"))
		case fs.Mount != nil:
			paths[fs.Name] = mountPlace(fs, config.Systemd.Units, used[fs.Name] != "")
		}
	}
	for name, file := range used {
		if _, ok := paths[name]; !ok {
			return nil, hint.Errorf("storage.filesystems says what it is", "%s is on the file system %q, which the config does not have", file, name)
		}
	}
	return paths, nil
}

// usedFilesystems are those that something is on, by name, with what is.
func usedFilesystems(config old.Config) map[string]string {
	used := map[string]string{}
	for _, f := range config.Storage.Files {
		used[f.Filesystem] = f.Path
	}
	for _, d := range config.Storage.Directories {
		used[d.Filesystem] = d.Path
	}
	for _, l := range config.Storage.Links {
		used[l.Filesystem] = l.Path
	}
	return used
}

// mountPlace is where a file system of a device of its own is: where a unit of the config mounts it, or
// Flatcar itself. Else it is nowhere, or where something is on it at a place just for Ignition, which
// mounts it there for as long as it writes.
func mountPlace(fs old.Filesystem, units []old.Unit, used bool) string {
	if isRoot(fs) {
		return "/"
	}
	device := fs.Mount.Device
	for _, unit := range units {
		if where := mountLine(unit.Contents, "Where"); where != "" && mountLine(unit.Contents, "What") == device {
			return where
		}
	}
	switch {
	case strings.EqualFold(fs.Name, "oem"), device == "/dev/disk/by-label/OEM":
		return oemPlace
	case used:
		return path.Join("/tmp", "ignition-"+fs.Name)
	}
	return ""
}

// isRoot reports whether the file system is the root of the running system: Flatcar finds that by its label.
func isRoot(fs old.Filesystem) bool {
	label := fs.Mount.Label
	return fs.Name == "root" || fs.Mount.Device == "/dev/disk/by-label/ROOT" || label != nil && *label == "ROOT"
}

// mountLine is a line's value of a mount unit (systemd.mount(5)).
func mountLine(unit, key string) string {
	found := regexp.MustCompile(`(?m)^` + key + `=[ \t]*(\S+)`).FindStringSubmatch(unit)
	if found == nil {
		return ""
	}
	return found[1]
}

// mounted are the file systems that have a device, and the path of each by the name that it gets here, its number: names are
// for files, and the converter leaves out one that is named root. One that only names a path is a word for that path. The
// root's path is no part of it: the system itself mounts it.
func mounted(all []old.Filesystem, paths map[string]string) (devices []old.Filesystem, places map[string]string) {
	places = map[string]string{}
	for _, fs := range all {
		if fs.Mount == nil {
			continue
		}
		name := strconv.Itoa(len(devices))
		places[name] = strings.TrimSuffix(paths[fs.Name], "/")
		devices = append(devices, old.Filesystem{Name: name, Mount: withCreate(*fs.Mount)})
	}
	return devices, places
}

// withCreate has what the deprecated section create says where spec 3 has it.
func withCreate(mount old.Mount) *old.Mount {
	if create := mount.Create; create != nil {
		mount.WipeFilesystem, mount.Create = create.Force, nil
		for _, option := range create.Options {
			mount.Options = append(mount.Options, old.MountOption(option))
		}
	}
	return &mount
}

// onRoot has all files, directories and links on the root, at their paths in the running system.
func onRoot(storage *old.Storage, paths map[string]string) {
	for i := range storage.Files {
		storage.Files[i].Node = placed(storage.Files[i].Node, paths)
	}
	for i := range storage.Directories {
		storage.Directories[i].Node = placed(storage.Directories[i].Node, paths)
	}
	for i := range storage.Links {
		link := &storage.Links[i]
		if link.Hard { // to a file on the same file system
			link.Target = path.Join("/", paths[link.Filesystem], link.Target)
		}
		link.Node = placed(link.Node, paths)
	}
}

func placed(n old.Node, paths map[string]string) old.Node {
	n.Filesystem, n.Path = "root", path.Join("/", paths[n.Filesystem], n.Path)
	return n
}
