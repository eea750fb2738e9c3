package render

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/vincent-petithory/dataurl"
)

// zincatiFolder is where Zincati, Fedora CoreOS' updater, reads the settings of the machine's owner. Only files that end
// in .toml count, and of two the later name (coreos/zincati, docs/usage/configuration.md).
const zincatiFolder = "/etc/zincati/config.d/"

// ZincatiFile is the file by which Fedora CoreOS does not update itself. A user's own 90-disable-auto-updates.toml, as
// Zincati's documentation calls it, comes after it.
const ZincatiFile = zincatiFolder + "90-coreos-libvirt-disable-updates.toml"

// zincatiOff is what disables Zincati (coreos/zincati, docs/usage/auto-updates.md, "Disabling auto-updates").
const zincatiOff = "[updates]\nenabled = false\n"

// flatcarUpdaters are the units by which Flatcar gets an update and boots into it (flatcar/scripts,
// coreos-base/update_engine and app-admin/locksmith: both are wanted by multi-user.target). update-engine also
// marks what was booted as good, which the partition of the image is from the start (build_library/disk_util, cgpt -S1).
var flatcarUpdaters = []string{"update-engine.service", "locksmithd.service"}

// ownUpdates are texts by which a config has settings of its own of each system's updates. update.conf is what Flatcar's two
// units read (flatcar/locksmith, systemd/locksmithd.service), and what a Container Linux Config's sections update and
// locksmith become.
var ownUpdates = map[string][]string{
	"fcos":    {"zincati.service"},
	"flatcar": append([]string{"/etc/flatcar/update.conf", "/etc/coreos/update.conf"}, flatcarUpdaters...),
}

// WithoutUpdates merges into the template what keeps a system, "fcos" or "flatcar", from updating itself and booting
// again for that. A template that has settings of its own of that is given back as it is.
func WithoutUpdates(template []byte, system string) (merged []byte, own bool, err error) {
	if own, err = hasOwnUpdates(template, system); own || err != nil {
		return template, own, err
	}
	version, err := Version(template)
	if err != nil {
		return nil, false, err
	}
	snippet, err := updatesOff(version, system)
	if err != nil {
		return nil, false, err
	}
	if merged, err = Merge(template, snippet); err != nil {
		return nil, false, fmt.Errorf("cannot merge updates=off: %w", err)
	}
	return merged, false, nil
}

// updatesOff is an Ignition document; it uses only what every version from 3.0.0 has.
func updatesOff(version, system string) ([]byte, error) {
	type object = map[string]any
	doc := object{"ignition": object{"version": version}}
	if system == "flatcar" {
		units := []object{}
		for _, name := range flatcarUpdaters {
			units = append(units, object{"name": name, "mask": true})
		}
		doc["systemd"] = object{"units": units}
	} else {
		file := object{"path": ZincatiFile, "mode": 0o644, "overwrite": true, "contents": object{"source": "data:," + dataurl.EscapeString(zincatiOff)}}
		doc["storage"] = object{"files": []object{file}}
	}
	return encode(doc)
}

// hasOwnUpdates reports whether the document, or one that it carries, says anything of how the system updates itself.
func hasOwnUpdates(doc []byte, system string) (bool, error) {
	said, err := Uses(doc, ownUpdates[system]...)
	if err != nil || len(said) > 0 || system == "flatcar" {
		return len(said) > 0, err
	}
	return configuresZincati(doc)
}

// resource is a resource of Ignition's.
type resource struct {
	Source      string `json:"source"`
	Compression string `json:"compression"`
}

// text is what the resource holds; known is false where the guest fetches it from elsewhere.
func (r resource) text() (text []byte, known bool, err error) {
	if !strings.HasPrefix(r.Source, "data:") {
		return nil, r.Source == "", nil
	}
	url, err := dataurl.DecodeString(r.Source)
	if err != nil {
		return nil, false, fmt.Errorf("no data URL of RFC 2397: %w", err)
	}
	text, err = unpack(url.Data, r.Compression == "gzip")
	return text, true, err
}

// document is what is looked at of an Ignition document.
type document struct {
	Ignition struct {
		Config struct {
			Merge   []resource `json:"merge"`
			Replace resource   `json:"replace"`
		} `json:"config"`
	} `json:"ignition"`
	Storage struct {
		Files []file `json:"files"`
		Links []struct {
			Path string `json:"path"`
		} `json:"links"`
	} `json:"storage"`
}

type file struct {
	Path     string     `json:"path"`
	Contents resource   `json:"contents"`
	Append   []resource `json:"append"`
}

// configuresZincati reports whether the document, or one that it carries, has a file or link for Zincati that is about
// updates. What Ignition merges from elsewhere is not known.
func configuresZincati(doc []byte) (bool, error) {
	var has document
	if err := json.Unmarshal(doc, &has); err != nil {
		return false, fmt.Errorf("the Ignition document is not JSON: %w", err)
	}
	for _, link := range has.Storage.Links {
		if strings.HasPrefix(link.Path, zincatiFolder) {
			return true, nil
		}
	}
	for _, f := range has.Storage.Files {
		if about, err := f.aboutUpdates(); about || err != nil {
			return about, err
		}
	}
	return has.carriesZincatis()
}

// carriesZincatis tells the same of the documents that the document carries.
func (d document) carriesZincatis() (bool, error) {
	for _, r := range append(d.Ignition.Config.Merge, d.Ignition.Config.Replace) {
		text, known, err := r.text()
		if err != nil {
			return false, err
		}
		if !known || len(text) == 0 {
			continue
		}
		if own, err := configuresZincati(text); own || err != nil {
			return own, err
		}
	}
	return false, nil
}

// aboutUpdates reports whether Zincati reads of its updates in the file, or may: what the guest fetches is not known.
func (f file) aboutUpdates() (bool, error) {
	if !strings.HasPrefix(f.Path, zincatiFolder) || !strings.HasSuffix(f.Path, ".toml") {
		return false, nil
	}
	for _, r := range append(f.Append, f.Contents) {
		if text, known, err := r.text(); err != nil || !known || strings.Contains(string(text), "updates") {
			return err == nil, err
		}
	}
	return false, nil
}
