package unit

import (
	"path"
	"slices"
	"strings"

	"coreos-libvirt/internal/config/verify/document"
)

// Unstarted are the units of the document that are enabled and cannot be, or that nothing starts.
func Unstarted(d document.Document) (faults []document.Fault) {
	for _, u := range d.Units {
		if u.Contents == "" || u.Mask {
			continue // the image may have more of it
		}
		f := document.Fault{Path: document.UnitPath(u.Name)}
		enabled := u.Enabled != nil && *u.Enabled
		switch {
		case enabled && !installs(u):
			f.Error = true
			f.Text = u.Name + ": it is enabled, and has no section [Install]: nothing starts it"
			f.Hint = "a section [Install] with WantedBy=multi-user.target, or no enabled: true"
		case u.Enabled == nil && !started(u, d) && installs(u):
			f.Text = u.Name + ": it is not enabled, and nothing else here starts it"
			f.Hint = "`enabled: true` lets its section [Install] count"
		case u.Enabled == nil && !started(u, d):
			f.Text = u.Name + ": nothing here starts it: it has no section [Install], and no other unit wants it"
			f.Hint = "a section [Install] with WantedBy=multi-user.target, and enabled: true"
		default:
			continue
		}
		faults = append(faults, f)
	}
	return faults
}

// installs reports whether the unit or a drop-in says what it belongs to.
func installs(u document.Unit) bool {
	texts := []string{u.Contents}
	for _, drop := range u.Dropins {
		texts = append(texts, drop.Contents)
	}
	for _, text := range texts {
		for _, line := range strings.Split(text, "\n") {
			if strings.TrimSpace(line) == "[Install]" {
				return true
			}
		}
	}
	return false
}

// started reports whether something of the document may start the unit: a timer, socket or path of its name, whatever names it, a
// link to it, or systemd itself.
func started(u document.Unit, d document.Document) bool {
	kind, stem := path.Ext(u.Name), strings.TrimSuffix(u.Name, path.Ext(u.Name))
	if kind == ".slice" || kind == ".target" || kind == ".automount" {
		return true // of cgroups, of systemctl isolate
	}
	if kind == ".mount" || kind == ".device" {
		stem = ""
	}
	template, _, isTemplate := strings.Cut(stem, "@")
	return byUnit(u, d, kind, stem, template, isTemplate) || elsewhere(u, d, stem, template, isTemplate)
}

// byUnit reports whether another unit starts it, or is an instance of it.
func byUnit(u document.Unit, d document.Document, kind, stem, template string, isTemplate bool) bool {
	for at, text := range d.UnitTexts() {
		other := path.Base(at)
		if other == u.Name {
			continue
		}
		if kind == ".service" && slices.Contains([]string{stem + ".timer", stem + ".socket", stem + ".path"}, other) {
			return true
		}
		if names(text, u.Name, template, isTemplate) || isTemplate && strings.HasPrefix(other, template+"@") {
			return true
		}
	}
	for _, other := range d.Units {
		if other.Name != u.Name && isTemplate && strings.HasPrefix(other.Name, template+"@") {
			return true
		}
	}
	return false
}

// elsewhere reports whether files or links name the unit.
func elsewhere(u document.Unit, d document.Document, stem, template string, isTemplate bool) bool {
	for _, f := range d.Files {
		if !f.Known || names(string(f.Data), u.Name, template, isTemplate) || stem != "" && commanded(string(f.Data), stem) {
			return true // what is fetched may name it
		}
	}
	for _, l := range d.Links {
		if path.Base(l.Target) == u.Name || path.Base(l.Path) == u.Name {
			return true
		}
	}
	return false
}

// commanded reports whether a line of the text lets systemctl do something with the unit, by its name without an ending.
func commanded(text, stem string) bool {
	for _, line := range strings.Split(text, "\n") {
		if strings.Contains(line, "systemctl") && slices.Contains(strings.FieldsFunc(line, func(c rune) bool { return strings.ContainsRune(" \t;&|\"'()", c) }), stem) {
			return true
		}
	}
	return false
}

func names(text, name, template string, isTemplate bool) bool {
	return strings.Contains(text, name) || isTemplate && strings.Contains(text, template+"@")
}
