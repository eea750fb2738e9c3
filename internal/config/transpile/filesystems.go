package transpile

import (
	"path"
	"regexp"
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
		case fs.Name == "root": // made anew, and still the root
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

// mountLine is a line's value of a mount unit (systemd.mount(5)).
func mountLine(unit, key string) string {
	found := regexp.MustCompile(`(?m)^` + key + `=[ \t]*(\S+)`).FindStringSubmatch(unit)
	if found == nil {
		return ""
	}
	return found[1]
}

// mounted are the file systems that have a device. One that only names a path is a word for that path. What
// the deprecated section create says is where spec 3 has it.
func mounted(all []old.Filesystem) (devices []old.Filesystem) {
	for _, fs := range all {
		if fs.Mount == nil {
			continue
		}
		if create := fs.Mount.Create; create != nil {
			mount := *fs.Mount
			mount.WipeFilesystem, mount.Create = create.Force, nil
			for _, option := range create.Options {
				mount.Options = append(mount.Options, old.MountOption(option))
			}
			fs.Mount = &mount
		}
		devices = append(devices, fs)
	}
	return devices
}
