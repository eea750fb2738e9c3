package settings

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"coreos-libvirt/internal/settings/clusterfile"
	"coreos-libvirt/internal/terminal/hint"
)

// Disk is a further disk of a node.
type Disk struct {
	GiB  int
	Name string // its serial, or empty
}

// Network is what a further network card of a node is plugged into: one of the three.
type Network struct{ Bridge, Network, Direct string }

// ofFile are settings that only cluster files have by now.
func ofFile() []Key {
	return []Key{
		{"disks", ofNode, "further disks of a node, in GiB, or each with a name: 20, or {size: 20, name: data}", "", "", disks()},
		{"networks", ofNode, "what further network cards of a node are plugged into: {bridge: br1}, {network: default}, {direct: eth1}", "", "", networks()},
	}
}

// diskName is what a virtio disk's serial may be (QEMU's virtio-blk keeps 20 bytes) that becomes a name in /dev/disk/by-id.
var diskName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,19}$`)

// disks is entries with commas, each a size, or name:size.
func disks() value {
	size := clusterfile.Shape{Type: clusterfile.Number, Low: 1, High: 65536}
	return value{
		shape: clusterfile.Shape{Type: clusterfile.List, Entry: &clusterfile.Entry{
			Item: size, Need: []string{"size"}, Keys: map[string]clusterfile.Shape{"size": size, "name": {Pattern: diskName.String()}},
			Text: func(keys map[string]string) string { return strings.TrimPrefix(keys["name"]+":"+keys["size"], ":") },
		}},
		set: func(s *Settings, text string) (err error) {
			s.Disks, err = parseDisks(text)
			return err
		},
	}
}

func parseDisks(text string) (all []Disk, err error) {
	names := map[string]bool{}
	for _, entry := range entries(text) {
		name, size, has := strings.Cut(entry, ":")
		if !has {
			name, size = "", entry
		}
		gib, err := strconv.Atoi(size)
		switch {
		case err != nil || gib < 1 || gib > 65536:
			return nil, fmt.Errorf("%q is no size of a disk: a whole number of GiB from 1 to 65536 is allowed", size)
		case has && !diskName.MatchString(name):
			return nil, fmt.Errorf("%q is no name of a disk: up to 20 letters, digits and _ - are allowed", name)
		case name != "" && names[name]:
			return nil, fmt.Errorf("two disks are called %s", name)
		}
		names[name] = true
		all = append(all, Disk{gib, name})
	}
	return all, nil
}

// networks is entries with commas, each bridge:br1, network:default or direct:eth1; a name alone is a bridge.
func networks() value {
	link := clusterfile.Shape{Pattern: linkPattern}
	return value{
		shape: clusterfile.Shape{Type: clusterfile.List, Entry: &clusterfile.Entry{
			Item: link, Keys: map[string]clusterfile.Shape{"bridge": link, "direct": link, "network": {Filled: true}},
			Text: func(keys map[string]string) string {
				all := []string{}
				for _, kind := range slices.Sorted(maps.Keys(keys)) {
					all = append(all, kind+":"+keys[kind])
				}
				return strings.Join(all, "+") // more than one is refused
			},
		}},
		set: func(s *Settings, text string) (err error) {
			s.Networks, err = parseNetworks(text)
			return err
		},
	}
}

func parseNetworks(text string) (all []Network, err error) {
	for _, entry := range entries(text) {
		kind, name, has := strings.Cut(entry, ":")
		if !has {
			kind, name = "bridge", entry
		}
		n := Network{}
		to := map[string]*string{"bridge": &n.Bridge, "network": &n.Network, "direct": &n.Direct}[kind]
		if to == nil || name == "" || strings.ContainsAny(name, "+") {
			return nil, fmt.Errorf("%s is no network: one of bridge, network and direct is allowed", cmp.Or(entry, "nothing"))
		}
		if kind != "network" && !isLink(name) {
			return nil, fmt.Errorf("%s %w", name, errNoInterface)
		}
		*to = name
		all = append(all, n)
	}
	return all, nil
}

// entries are what is between commas; of an empty text none.
func entries(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

// notBuilt is an error if the file asks for what this program does not make.
func (s *Settings) notBuilt() error {
	err := hint.Errorf("leave it out of the cluster file", "%w", errors.New("disks: and networks: are understood in cluster files, and not yet made"))
	if len(s.Disks) > 0 || len(s.Networks) > 0 {
		return err
	}
	for _, g := range s.all() {
		if g.Values["disks"] != "" || g.Values["networks"] != "" {
			return err
		}
	}
	return nil
}

// all are the groups and the single nodes.
func (s *Settings) all() []Group {
	all := s.Groups[:len(s.Groups):len(s.Groups)]
	for _, g := range s.Single {
		all = append(all, g)
	}
	return all
}
