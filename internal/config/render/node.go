package render

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"github.com/vincent-petithory/dataurl"
)

// Readiness are the texts of the snippet by which a guest reports itself, and takes what it is plugged.
type Readiness struct {
	Script  []byte // goes to ReadyScript, run by the unit
	Service []byte // the unit ReadyService
	Rules   []byte // of udev, go to HotplugRules
}

// Has reports whether the word stands in the snippet. r may be nil.
func (r *Readiness) Has(word string) bool {
	return r != nil && bytes.Contains(slices.Concat(r.Script, r.Service, r.Rules), []byte(word))
}

// Where the readiness snippet goes in a guest. /etc is writable on every CoreOS.
const (
	ReadyScript  = "/etc/coreos-libvirt/ready.sh"
	ReadyService = "coreos-libvirt-ready.service"
	HotplugRules = "/etc/udev/rules.d/80-coreos-libvirt-hotplug.rules"
)

// Node makes one node's Ignition document: all words of the template replaced, checked by Ignition's
// own validator.
func Node(template []byte, words Words) ([]byte, error) {
	doc, err := Substitute(template, words)
	if err != nil {
		return nil, err
	}
	return doc, Validate(doc)
}

// WithReadiness merges the readiness snippet into the template.
func WithReadiness(template []byte, ready Readiness) ([]byte, error) {
	version, err := Version(template)
	if err != nil {
		return nil, err
	}
	snippet, err := ready.snippet(version)
	if err != nil {
		return nil, err
	}
	merged, err := Merge(template, snippet)
	if err != nil {
		return nil, fmt.Errorf("cannot merge the readiness snippet: %w", err)
	}
	return merged, nil
}

// WithFiles merges files, by path, into the template, for root's eyes only.
func WithFiles(template []byte, files map[string][]byte) ([]byte, error) {
	if len(files) == 0 {
		return template, nil
	}
	version, err := Version(template)
	if err != nil {
		return nil, err
	}
	type object = map[string]any
	list := []object{}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		list = append(list, object{"path": path, "mode": 0o600, "overwrite": true, "contents": object{"source": "data:," + dataurl.Escape(files[path])}})
	}
	doc, err := encode(object{"ignition": object{"version": version}, "storage": object{"files": list}})
	if err != nil {
		return nil, err
	}
	return Merge(template, doc)
}

// snippet is the readiness script, unit and rules as an Ignition document; it uses only what every version
// from 3.0.0 has.
func (r Readiness) snippet(version string) ([]byte, error) {
	type object = map[string]any
	file := func(path string, mode int, text []byte) object {
		return object{"path": path, "mode": mode, "overwrite": true, "contents": object{"source": "data:," + dataurl.Escape(text)}}
	}
	return encode(object{
		"ignition": object{"version": version},
		"storage":  object{"files": []object{file(ReadyScript, 0o755, r.Script), file(HotplugRules, 0o644, r.Rules)}},
		"systemd": object{"units": []object{{
			"name": ReadyService, "enabled": true, "contents": string(r.Service),
		}}},
	})
}
