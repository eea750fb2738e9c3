package network

import (
	_ "embed"
	"maps"
	"slices"
	"strings"
	"sync"

	"coreos-libvirt/internal/config/verify/document"
)

//go:embed networkd.txt
var networkd string

//go:embed networkmanager.txt
var networkManager string

// named are the keys of each section, of each kind of file: each line of the tables is "kind section: key key…".
var named = sync.OnceValue(func() map[string]map[string][]string {
	all := map[string]map[string][]string{}
	for _, line := range strings.Split(networkd+networkManager, "\n") {
		head, keys, is := strings.Cut(line, ":")
		kind, section, _ := strings.Cut(head, " ")
		if !is || kind == "#" {
			continue
		}
		if all[kind] == nil {
			all[kind] = map[string][]string{}
		}
		all[kind][section] = strings.Fields(keys)
	}
	return all
})

// names are the faults of sections and keys that the reader of such files does not know: it leaves them out. Those that are like
// none that there is may be newer than this table.
func names(f document.File, kind, reader string) (faults []document.Fault) {
	sections, wrong := named()[kind], ""
	for _, e := range entries(f) {
		known, is := sections[e.section]
		switch {
		case e.key == "" && !is && !free(kind, e.section):
			wrong = e.section
			near := document.Nearest(e.section, slices.Sorted(maps.Keys(sections)))
			faults = append(faults, unknown(f, e.line, "section ["+e.section+"]", bracketed(near), reader))
		case e.key != "" && is && e.section != wrong && !free(kind, e.section) && !slices.Contains(known, stem(kind, e)):
			near := nearest(kind, e.key, known)
			faults = append(faults, unknown(f, e.line, "key '"+e.key+"' in section ["+e.section+"]", near, reader))
		}
	}
	return faults
}

func bracketed(name string) string {
	if name == "" {
		return ""
	}
	return "[" + name + "]"
}

// unknown is a fault of a name that the reader does not know.
func unknown(f document.File, line int, what, near, reader string) document.Fault {
	fault := one(f, line, "unknown "+what)
	if near != "" {
		fault.Text += "; did you mean " + near + "?"
		return fault
	}
	fault.Error, fault.Hint = false, reader+" leaves it out, unless that of the image is newer than what is known here"
	return fault
}

// nearest is the key that is meant; of a keyfile with its number.
func nearest(kind, key string, known []string) string {
	if kind != keyfile {
		return document.Nearest(key, known)
	}
	name := strings.TrimRight(key, "0123456789")
	near := document.Nearest(name, append(slices.Sorted(maps.Keys(written)), known...))
	if _, isList := written[near]; isList {
		return near + strings.TrimPrefix(key, name)
	}
	return near
}

// open are settings of NetworkManager whose keys are data.
var open = []string{"bond", "bond-port", "vpn", "vpn-secrets", "user", "ovs-external-ids", "ovs-other-config", "tc", "team", "team-port", "serial"}

// free reports whether any key may be in the section: it is data, or of one of several peers.
func free(kind, section string) bool {
	return kind == keyfile && (slices.Contains(open, section) || strings.HasPrefix(section, "wireguard-peer.") || strings.HasPrefix(section, ".") || section == "prefix-delegation")
}

// written are properties that a keyfile has by other names (nm-settings-keyfile(5)): those with numbers are lists.
var written = map[string]string{
	"address": "addresses", "route": "routes", "routing-rule": "routing-rules", "vf.": "vfs", "vlan": "vlans",
}

// stem is the property that the key stands for: address1 is one of addresses, route2_options is about one of routes.
func stem(kind string, e entry) string {
	if kind != keyfile {
		return e.key
	}
	name := strings.TrimRight(strings.TrimSuffix(e.key, "_options"), "0123456789")
	if property, is := written[name]; is {
		return property
	}
	if e.key != name && slices.Contains([]string{"addresses", "routes", "routing-rules"}, name) {
		return name
	}
	return e.key
}
