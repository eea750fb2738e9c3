package render

import (
	"encoding/json"
	"fmt"

	compact "github.com/clarketm/json" // as Butane: leaves out empty structs
	"github.com/coreos/ignition/v2/config/merge"
	"github.com/coreos/ignition/v2/config/v3_0"
	"github.com/coreos/ignition/v2/config/v3_1"
	"github.com/coreos/ignition/v2/config/v3_2"
	"github.com/coreos/ignition/v2/config/v3_3"
	"github.com/coreos/ignition/v2/config/v3_4"
	"github.com/coreos/ignition/v2/config/v3_5"
	"github.com/coreos/ignition/v2/config/v3_6"
	"github.com/coreos/ignition/v2/config/v3_7_experimental"
	"github.com/coreos/vcontext/report"

	"coreos-libvirt/internal/terminal/hint"
)

// spec is one version of Ignition's spec: how its documents are checked and merged. Documents keep
// their version, as an image's Ignition may know no newer one.
type spec struct {
	validate func(doc []byte) error
	merge    func(parent, child []byte) ([]byte, error)
}

var specs = map[string]spec{ // each takes documents of older versions too
	"3.0.0":              specOf(v3_0.ParseCompatibleVersion),
	"3.1.0":              specOf(v3_1.ParseCompatibleVersion),
	"3.2.0":              specOf(v3_2.ParseCompatibleVersion),
	"3.3.0":              specOf(v3_3.ParseCompatibleVersion),
	"3.4.0":              specOf(v3_4.ParseCompatibleVersion),
	"3.5.0":              specOf(v3_5.ParseCompatibleVersion),
	"3.6.0":              specOf(v3_6.ParseCompatibleVersion),
	"3.7.0-experimental": specOf(v3_7_experimental.ParseCompatibleVersion),
}

// Validate checks the document against the spec that it claims, with Ignition's own validator.
func Validate(doc []byte) error {
	s, err := specFor(doc)
	if err != nil {
		return err
	}
	return s.validate(doc)
}

// Merge lays child over parent by Ignition's own rules (as its ignition.config.merge does). The result
// has the newer version of the two.
func Merge(parent, child []byte) ([]byte, error) {
	newer, err := newest(parent, child)
	if err != nil {
		return nil, err
	}
	s, err := specFor(newer)
	if err != nil {
		return nil, err
	}
	return s.merge(parent, child)
}

// newest is the document of the newer version.
func newest(a, b []byte) ([]byte, error) {
	versionA, err := Version(a)
	if err != nil {
		return nil, err
	}
	versionB, err := Version(b)
	if err != nil {
		return nil, err
	}
	if versionA < versionB { // the known ones, 3.0.0 to 3.7.0-experimental, sort as text
		return b, nil
	}
	return a, nil
}

// Version is the version that the document claims: "3.4.0".
func Version(doc []byte) (string, error) {
	var header struct {
		Ignition struct {
			Version string `json:"version"`
		} `json:"ignition"`
	}
	if err := json.Unmarshal(doc, &header); err != nil {
		return "", fmt.Errorf("the Ignition document is not JSON: %w", err)
	}
	return header.Ignition.Version, nil
}

func specFor(doc []byte) (spec, error) {
	version, err := Version(doc)
	if err != nil {
		return spec{}, err
	}
	s, ok := specs[version]
	if !ok {
		return spec{}, hint.Errorf("versions 3.0.0 to 3.6.0 are known", "the document claims Ignition version %q", version)
	}
	return s, nil
}

func specOf[Config any](parse func([]byte) (Config, report.Report, error)) spec {
	check := func(doc []byte) (Config, error) {
		parsed, problems, err := parse(doc)
		if err != nil {
			err = refused(doc, err, problems)
		}
		return parsed, err
	}
	return spec{
		validate: func(doc []byte) error { _, err := check(doc); return err },
		merge: func(parent, child []byte) ([]byte, error) {
			below, err := check(parent)
			if err != nil {
				return nil, err
			}
			above, err := check(child)
			if err != nil {
				return nil, err
			}
			merged, _ := merge.MergeStructTranscribe(below, above)
			return compact.Marshal(merged)
		},
	}
}
