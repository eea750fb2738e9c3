package stream

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/coreos/go-semver/semver"

	"coreos-libvirt/internal/terminal/hint"
)

// specs are Ignition's specifications and the first version of Ignition that knows each
// (https://coreos.github.io/ignition/specs/).
var specs = []struct{ spec, ignition string }{
	{"3.0.0", "2.0.0"},
	{"3.1.0", "2.3.0"},
	{"3.2.0", "2.7.0"},
	{"3.3.0", "2.11.0"},
	{"3.4.0", "2.15.0"},
	{"3.5.0", "2.20.0"},
	{"3.6.0", "2.26.0"},
}

// Accepts reports whether the image's Ignition reads documents of the spec; nil if that is not known.
func (i Image) Accepts(spec string) error {
	if i.Ignition == "" {
		return nil
	}
	has, err := semver.NewVersion(i.Ignition)
	if err != nil {
		return nil
	}
	newest := ""
	for _, known := range specs {
		if !has.LessThan(*semver.New(known.ignition)) {
			newest = known.spec
		}
		if known.spec == spec && newest == spec {
			return nil
		}
	}
	return hint.Errorf("use an older version: in the config, or a newer image",
		"the config makes Ignition %s, but %s %s has Ignition %s, which reads up to %s", spec, i.Name, i.Version, i.Ignition, newest)
}

// ships are versions of Ignition by system and the version's first number, for where the list of packages
// cannot be had.
var ships = map[string]string{
	"flatcar 4593": "2.24.0", // https://www.flatcar.org/releases
}

// shipped is what Ignition the image is known to have by its version alone; empty if that is not known.
func (i Image) shipped() string {
	major, _, _ := strings.Cut(i.Version, ".")
	return ships[i.OS+" "+major]
}

// ignition finds out what Ignition the image has, from the list of packages that is published with it.
func (s Source) ignition(ctx context.Context, i Image) (string, error) {
	base := i.URL[:strings.LastIndex(i.URL, "/")+1]
	if i.OS == "flatcar" {
		return s.flatcarIgnition(ctx, base+"flatcar_production_image_packages.txt")
	}
	return s.fcosIgnition(ctx, base+"commitmeta.json")
}

// fcosIgnition reads rpm-ostree's metadata: packages as name, epoch, version, release, architecture.
func (s Source) fcosIgnition(ctx context.Context, list string) (string, error) {
	var meta struct {
		Packages [][]string `json:"rpmostree.rpmdb.pkglist"`
	}
	if err := s.document(ctx, list, &meta); err != nil {
		return "", err
	}
	for _, p := range meta.Packages {
		if len(p) > 2 && p[0] == "ignition" {
			return p[2], nil
		}
	}
	return "", fmt.Errorf("%s does not name it", list)
}

var flatcarPackage = regexp.MustCompile(`(?m)^sys-apps/ignition-(\d+\.\d+\.\d+)`)

func (s Source) flatcarIgnition(ctx context.Context, list string) (string, error) {
	data, err := s.Get(ctx, list, maxDocument)
	if err != nil {
		return "", err
	}
	if found := flatcarPackage.FindSubmatch(data); found != nil {
		return string(found[1]), nil
	}
	return "", fmt.Errorf("%s does not name it", list)
}
