package unit

import (
	"maps"
	"slices"
	"strings"

	"coreos-libvirt/internal/config/verify/document"
)

// Known are the keys that a systemd takes.
type Known struct {
	Version  string
	Sections map[string][]string // keys, by section
}

// parseKnown reads what `systemd --dump-configuration-items` prints: sections in brackets, each with its "Key=value" lines.
func parseKnown(dump, version string) Known {
	k := Known{Sections: map[string][]string{"Install": {"Alias", "WantedBy", "RequiredBy", "UpheldBy", "Also", "DefaultInstance"}}}
	if words := strings.Fields(version); len(words) > 1 {
		k.Version = words[1]
	}
	section := ""
	for _, line := range strings.Split(dump, "\n") {
		if name, is := strings.CutPrefix(strings.TrimSpace(line), "["); is {
			section = strings.TrimSuffix(name, "]")
		} else if key, _, is := strings.Cut(line, "="); is {
			k.Sections[section] = append(k.Sections[section], key)
		}
	}
	return k
}

// key is the key of the section that a mistyped one is meant to be, or that of another section if it is the very same; or empty.
func (k Known) key(section, word string) string {
	if near := document.Nearest(word, k.Sections[section]); near != "" {
		return near
	}
	for _, other := range slices.Sorted(maps.Keys(k.Sections)) {
		if slices.Contains(k.Sections[other], word) && other != section {
			return word + " in section [" + other + "]"
		}
	}
	return ""
}

func (k Known) section(word string) string {
	return document.Nearest(word, slices.Sorted(maps.Keys(k.Sections)))
}
