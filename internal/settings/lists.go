package settings

import (
	"maps"
	"slices"
	"strings"

	"coreos-libvirt/internal/settings/clusterfile"
)

// diskValue is entries with commas, each a size, or name:size.
func diskValue() value {
	size := clusterfile.Shape{Type: clusterfile.Number, Low: 1, High: 65536}
	return value{
		shape: clusterfile.Shape{Type: clusterfile.List, Entry: &clusterfile.Entry{
			Item: size, Need: []string{"size"}, Keys: map[string]clusterfile.Shape{"size": size, "name": {Pattern: diskName.String()}},
			Text: func(keys map[string]string) string { return strings.TrimPrefix(keys["name"]+":"+keys["size"], ":") },
		}},
		set: disks,
	}
}

// networkValue is entries with commas, each bridge:br1, network:default or direct:eth1; a name alone is a bridge.
func networkValue() value {
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
		set: networks,
	}
}

// all are the groups and the single nodes.
func (s *Settings) all() []Group {
	all := s.Groups[:len(s.Groups):len(s.Groups)]
	for _, g := range s.Single {
		all = append(all, g)
	}
	return all
}
