package settings

import (
	"maps"
	"slices"
	"strings"

	"coreos-libvirt/internal/settings/clusterfile"
	"coreos-libvirt/internal/settings/further"
	"coreos-libvirt/internal/settings/hosts"
	"coreos-libvirt/internal/settings/link"
)

// diskValue is entries with commas, each a size, or name:size.
func diskValue() value {
	size := clusterfile.Shape{Type: clusterfile.Number, Low: 1, High: 65536}
	return value{
		Shape: clusterfile.Shape{Type: clusterfile.List, Entry: &clusterfile.Entry{
			Item: size, Need: []string{"size"}, Keys: map[string]clusterfile.Shape{"size": size, "name": {Pattern: further.DiskName}},
			Text: func(keys map[string]string) string { return strings.TrimPrefix(keys["name"]+":"+keys["size"], ":") },
		}},
		Set: func(s *Settings, text string) (err error) {
			s.Disks, err = further.Disks(text)
			return err
		},
	}
}

// networkValue is entries with commas, each bridge:br1, network:default or direct:eth1; a name alone is a bridge.
func networkValue() value {
	card := clusterfile.Shape{Pattern: link.Pattern}
	return value{
		Shape: clusterfile.Shape{Type: clusterfile.List, Entry: &clusterfile.Entry{
			Item: card, Keys: map[string]clusterfile.Shape{"bridge": card, "direct": card, "network": {Filled: true}},
			Text: func(keys map[string]string) string {
				all := []string{}
				for _, kind := range slices.Sorted(maps.Keys(keys)) {
					all = append(all, kind+":"+keys[kind])
				}
				return strings.Join(all, "+") // more than one is refused
			},
		}},
		Set: func(s *Settings, text string) (err error) {
			s.Networks, err = further.Networks(text)
			return err
		},
	}
}

// hostList is entries with commas, as hosts.Parse reads them.
func hostList() value {
	return value{Shape: hosts.Shape(), Set: func(s *Settings, text string) (err error) {
		s.Hosts, err = hosts.Parse(text)
		return err
	}}
}
