package document

import (
	"path"
	"strings"
)

// Paths are the faults of where things are put: system is "fcos", "flatcar", or empty if it is not known.
func (d Document) Paths(system string) (faults []Fault) {
	owners := map[string]bool{}
	for _, u := range d.Units {
		owners[UnitPath(u.Name)] = u.Contents != ""
		for _, drop := range u.Dropins {
			owners[DropinPath(u.Name, drop.Name)] = drop.Contents != ""
		}
	}
	at, real := []string{}, map[string]string{}
	for _, f := range d.Files {
		at = append(at, f.Path)
		if same := real[onDisk(f.Path, system)]; same != "" {
			text := f.Path + " is written twice: the image has " + same + " at the same place"
			faults = append(faults, Fault{Error: true, Path: f.Path, Text: text, Hint: "leave out one of the two"})
		}
		real[onDisk(f.Path, system)] = f.Path
		if owners[f.Path] {
			faults = append(faults, Fault{Error: true, Path: f.Path, Text: f.Path + " is written twice: by systemd.units and by storage.files", Hint: "leave out one of the two"})
		}
	}
	for _, l := range d.Links {
		at = append(at, l.Path)
		if f, is := d.misspelt(l); is {
			faults = append(faults, f)
		}
	}
	for _, p := range at {
		if f, is := lost(p, system); is {
			faults = append(faults, f)
		}
	}
	return faults
}

// moved are the links of Fedora CoreOS' root into /var and /run (its docs, "Storage"; rpm-ostree's layout).
var moved = map[string]string{
	"home": "var/home", "opt": "var/opt", "srv": "var/srv", "mnt": "var/mnt", "root": "var/roothome", "media": "run/media",
}

// onDisk is where the image has the path.
func onDisk(at, system string) string {
	if system != "fcos" {
		return at
	}
	if below, is := strings.CutPrefix(at, "/usr/local/"); is {
		return "/var/usrlocal/" + below
	}
	first, rest, _ := strings.Cut(strings.TrimPrefix(at, "/"), "/")
	if to := moved[first]; to != "" {
		return "/" + to + "/" + rest
	}
	return at
}

// lost is a path whose contents the image does not keep, or does not let anybody write.
func lost(at, system string) (f Fault, is bool) {
	f = Fault{Path: at}
	first, _, _ := strings.Cut(strings.TrimPrefix(onDisk(at, system), "/"), "/")
	switch first {
	case "usr", "bin", "sbin", "lib", "lib64":
		if system == "" || system != "fcos" && strings.HasPrefix(at, "/usr/share/oem/") {
			return f, false
		}
		f.Error, f.Text = true, at+": the image has /"+first+" read-only"
		f.Hint = "/etc, /var and /opt are the node's own"
	case "proc", "sys", "dev":
		f.Error, f.Text = true, at+": /"+first+" is the kernel's: what is written there before the boot is not there after it"
	case "run", "tmp":
		f.Text, f.Hint = at+": /"+first+" is empty when the node has booted", "a file in /etc/tmpfiles.d makes it at each boot"
	default:
		return f, false
	}
	return f, true
}

// misspelt is a link to what is not there, while something is that is nearly called so.
func (d Document) misspelt(l Link) (f Fault, is bool) {
	target := l.Target
	if !path.IsAbs(target) {
		target = path.Join(path.Dir(l.Path), target)
	}
	names := []string{}
	for at := range d.UnitTexts() {
		names = append(names, at)
	}
	for _, file := range d.Files {
		names = append(names, file.Path)
	}
	for _, name := range names {
		if name == target || strings.HasPrefix(name, target+"/") {
			return f, false
		}
	}
	if near := Nearest(target, names); near != "" && path.Dir(near) == path.Dir(target) {
		return Fault{Path: l.Path, Text: l.Path + ": it points to " + target + ", which nothing here writes; did you mean " + near + "?"}, true
	}
	return f, false
}
