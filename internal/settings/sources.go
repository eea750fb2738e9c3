package settings

import (
	"slices"
	"strings"

	"coreos-libvirt/internal/settings/clusterfile"
	"coreos-libvirt/internal/settings/row"
	"coreos-libvirt/internal/terminal/hint"
)

// source is one of the places that values are from.
type source struct {
	from   func(key string) string // as `mage settings` prints it
	values map[string]string       // by the key's name; var.My_Word of the user's own words
}

// choice is what a key came to.
type choice struct {
	key         Key
	value, from string
}

// exported reports whether the value is from the environment.
func (c choice) exported() bool { return strings.HasPrefix(c.from, "environment, ") }

// The sources of a value, as `mage settings` prints them.
const (
	fromDefault = row.Default
	fromLab     = "lab default"
	fromWord    = "command line"
)

// named is the same name for all keys.
func named(from string) func(string) string { return func(string) string { return from } }

// instead are settings of which one stands in the place of the others.
var instead = [][]string{{"bridge", "network", "direct"}, {"uri", "hosts"}}

// belongsTo are settings that say something about what another one says.
var belongsTo = map[string]string{
	"sha256": "image", "addresses": "discovery", "discovery_user": "discovery",
	"discovery_listen": "discovery", "discovery_ca": "discovery", "discovery_cert": "discovery", "discovery_key": "discovery",
}

// goesWith are the settings without which the key says nothing, or which are in its place: what a higher source says of them is not mixed with
// what a lower one says of the key.
func goesWith(key string) []string {
	if whole, part := belongsTo[key]; part {
		return []string{whole}
	}
	for _, all := range instead {
		if slices.Contains(all, key) {
			return slices.DeleteFunc(slices.Clone(all), func(other string) bool { return other == key })
		}
	}
	return nil
}

// fromWords is what the command line gives.
func fromWords(words []string) (source, error) {
	given, err := parse(words)
	return source{named(fromWord), given}, err
}

// fromEnvironment is what the variables of the environment give.
func fromEnvironment(env Environment) (source, error) {
	s := source{values: map[string]string{}, from: func(key string) string {
		if name, is := strings.CutPrefix(key, varPrefix); is {
			return "environment, " + varVariable + name
		}
		return "environment, " + Key{Name: key}.Variable()
	}}
	for _, k := range Keys(env) {
		if value, ok := env.Lookup(k.Variable()); ok {
			s.values[k.Name] = value
		}
	}
	for name, value := range variables(env) {
		s.values[varPrefix+name] = value
	}
	return s, unknownVariable(env)
}

// fromFile is what the cluster file gives.
func fromFile(f clusterfile.File) source {
	s := source{named(f.Path), map[string]string{}}
	for name, value := range f.Values {
		s.values[name] = value
	}
	for name, value := range f.Vars {
		s.values[varPrefix+name] = value
	}
	return s
}

// choose gives the value of the key that counts, and where it is from: the first of the sources that has it, unless one before
// that says something else in its place, or another value of what this one belongs to: a password for the etcd of one
// discovery= is not shown to another.
func (k Key) choose(sources []source, lab bool) (value, from string) {
	with, part := goesWith(k.Name), belongsTo[k.Name] != ""
	above := false // a source before says what this one belongs to
	for _, s := range sources {
		value, has := s.values[k.Name]
		others := slices.ContainsFunc(with, func(other string) bool { return s.values[other] != "" })
		if has && (!above || !others) {
			return value, s.from(k.Name)
		}
		if others && (has || !part) {
			break
		}
		above = above || others
	}
	if lab && k.Lab != "" {
		return k.Lab, fromLab
	}
	return k.Default, fromDefault
}

// vars are the user's own words of all sources, each with where it is from.
func vars(sources []source) (values, from map[string]string) {
	values, from = map[string]string{}, map[string]string{}
	for _, s := range slices.Backward(sources) {
		for key, value := range s.values {
			if name, is := strings.CutPrefix(key, varPrefix); is {
				values[name], from[name] = value, s.from(key)
			}
		}
	}
	return values, from
}

// oneOfHosts is an error if one source says both uri= and hosts=.
func oneOfHosts(sources []source) error {
	for _, s := range sources {
		if uri, both := s.values["uri"]; both && s.values["hosts"] != "" {
			return hint.Errorf("one of them; hosts="+uri+" is the same as uri="+uri, "uri= (%s) and hosts= (%s): nodes run on the one, or on the others", s.from("uri"), s.from("hosts"))
		}
	}
	return nil
}

// takeHosts makes hosts= of one host the same as uri=. Of several, uri= is that of the first.
func takeHosts(s *Settings) {
	if len(s.Hosts) > 0 {
		s.URI = s.Hosts[0].URI
	}
	if len(s.Hosts) == 1 {
		if own := s.Hosts[0].Bridge; own != "" && !s.said["bridge"] {
			s.Bridge = own
		}
		s.Hosts = nil
	}
}
