package problem

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
	"gopkg.in/yaml.v3"
)

// Version is one kind of config, and the type that it is read into.
type Version struct {
	Variant, Version string
	Type             reflect.Type
}

func (v Version) String() string { return "variant " + v.Variant + " " + v.Version }

// Has reports whether there is a key at the path.
func (v Version) Has(path []any) bool { return typeAt(v.Type, path) != nil }

// Unknown says what is wrong with a key that the config's version does not have at the path to the key, and what was meant. all are
// all versions, of one variant the older first; legacy is that of configs without a variant.
func Unknown(own Version, all []Version, legacy reflect.Type, path []any) (said, advice string) {
	key := fmt.Sprint(path[len(path)-1])
	above := path[:len(path)-1]
	said = fmt.Sprintf("there is no key %s in %s", key, PlaceName(above))
	if key == "<<" {
		return "Butane does not take the merge key <<", "write out the keys that it stands for"
	}
	if since := firstWith(all, own.Variant, path); since != "" && own.Variant != "" {
		return fmt.Sprintf("%s is a key since %s %s: this config has %s", key, own.Variant, since, own.Version), fmt.Sprintf("write `version: %s`", since)
	}
	has := Keys(typeAt(own.Type, above))
	if near := similar(key, has); near != "" {
		return said, fmt.Sprintf("write `%s` in place of `%s`", near, key)
	}
	if variants := othersWith(all, own, path); len(variants) > 0 {
		return said, fmt.Sprintf("it is one of variant %s", strings.Join(variants, ", "))
	}
	if own.Type != legacy && typeAt(legacy, path) != nil {
		return said, legacyAdvice(key)
	}
	if places := elsewhere(own.Type, key, ""); len(places) > 0 {
		return said, fmt.Sprintf("%s is a key of %s: check how far it is indented", key, strings.Join(places, " and "))
	}
	if len(has) == 0 {
		return said, "nothing stands below it"
	}
	return said, "its keys are " + strings.Join(has, ", ")
}

// legacyAdvice is what helps with a key of a Container Linux Config in a Butane config.
func legacyAdvice(key string) string {
	switch key {
	case "filesystem":
		return "leave it out: in Butane a path is one of the running system"
	case "remote":
		return "in Butane it is `source: https://…`, without `url`"
	}
	return "it is of Container Linux Configs, which have no `variant:`; `mage migrate` makes Butane of one"
}

// PlaceName is a path as people say it: "storage.files[1]", or "the config" of the whole.
func PlaceName(path []any) string {
	name := ""
	for _, step := range path {
		if i, is := step.(int); is {
			name += fmt.Sprintf("[%d]", i)
		} else {
			name += fmt.Sprintf(".%s", step)
		}
	}
	return cmp.Or(strings.TrimPrefix(name, "."), "the config")
}

// firstWith is the first version of the variant that has a key at the path.
func firstWith(all []Version, variant string, path []any) string {
	for _, v := range all {
		if v.Variant == variant && v.Has(path) {
			return v.Version
		}
	}
	return ""
}

// othersWith are the other variants of which one version has a key at the path.
func othersWith(all []Version, own Version, path []any) (variants []string) {
	for _, v := range all {
		if v.Variant != own.Variant && own.Variant != "" && v.Has(path) && !slices.Contains(variants, v.Variant) {
			variants = append(variants, v.Variant)
		}
	}
	return variants
}

// similar is the key that was meant: one that differs in case and underscores, in its ending, or by a typo.
func similar(key string, has []string) (best string) {
	bare := func(s string) string { return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(s)) }
	nearest := 3
	for _, name := range has {
		d := levenshtein.ComputeDistance(bare(key), bare(name))
		ending := len(key) > 3 && (strings.HasPrefix(bare(name), bare(key)) || strings.HasPrefix(bare(key), bare(name)) && len(name) > 3)
		if ending {
			d = min(d, 1)
		}
		if d < nearest && 2*d < len(key) {
			best, nearest = name, d
		}
	}
	return best
}

// elsewhere are the places below the type, which is at a place, where there is the key.
func elsewhere(into reflect.Type, key, at string) (places []string) {
	into = plain(into)
	if into != nil && into.Kind() == reflect.Slice {
		return elsewhere(into.Elem(), key, at+"[]")
	}
	for _, f := range fields(into) {
		if f.name == key && at != "" {
			places = append(places, at)
		}
		places = append(places, elsewhere(f.kind, key, strings.TrimPrefix(at+"."+f.name, "."))...)
		if len(places) > 3 { // it is no special key
			return places[:3]
		}
	}
	return places
}

// PathTo is the path of keys and indices to the key at a place, or else to the value there; nil: there is none.
func PathTo(n *yaml.Node, line, column int, key bool) []any {
	if n.Kind == yaml.DocumentNode && len(n.Content) > 0 {
		n = n.Content[0]
	}
	for i, child := range n.Content {
		step, here := any(i), child
		if n.Kind == yaml.MappingNode {
			if i%2 == 1 {
				continue
			}
			step, child = child.Value, n.Content[i+1]
			if !key {
				here = child
			}
		}
		if here.Line == line && here.Column == column {
			return []any{step}
		}
		if rest := PathTo(child, line, column, key); rest != nil {
			return append([]any{step}, rest...)
		}
	}
	return nil
}
