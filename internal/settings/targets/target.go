// Package targets knows what may stand on the command line: each target with what it does, the settings that it takes, and two
// examples. A command line is checked as a whole before anything of it runs.
package targets

import (
	"slices"
	"strings"
)

// Target is one word that does something.
type Target struct {
	Name     string            // as it is typed, in small letters: host:check
	Does     string            // behind the name it is a sentence
	More     string            // what else somebody has to know before it runs, or empty
	Takes    []string          // settings; Vars stands for the user's own words
	Advice   map[string]string // settings that somebody may take it to have, and what to type instead
	Never    map[string]string // the same, of those that are refused even if another target of the command line takes them
	Examples [2]string         // command lines without `mage`
	Libvirt  bool              // whether it needs libvirt's binding
	Prints   bool              // whether it does nothing but print: it ends if nobody reads that any more
	Shows    bool              // whether it shows more with libvirt's binding, and does without
	One      bool              // whether it is about one cluster: if there are several, somebody has to say about which
	Formats  []string          // that format= may be beside table and json
	Data     bool              // whether what it prints is for programs, whatever format= says
	NoImage  bool              // whether it needs no image, in the lab either
}

// Vars stands for the words of the user's own, var.<word>=, among the settings that a target takes.
const Vars = "var."

// Default is the target of a command line that has none.
const Default = "up"

// lab is the target that runs those behind it elsewhere.
const lab = "lab"

// help is the target that prints what is known of those behind it.
const help = "help"

// Find is the target of that name, in whatever letters.
func Find(name string) (Target, bool) {
	i := slices.IndexFunc(All, func(t Target) bool { return t.Name == strings.ToLower(name) })
	if i < 0 {
		return Target{}, false
	}
	return All[i], true
}

// Names are those of all targets, sorted.
func Names() []string {
	names := make([]string, len(All))
	for i, t := range All {
		names[i] = t.Name
	}
	slices.Sort(names)
	return names
}

// Has reports whether the target has a use for the setting.
func (t Target) Has(setting string) bool {
	if strings.HasPrefix(setting, Vars) {
		setting = Vars
	}
	return slices.Contains(t.Takes, setting)
}

// takers are the targets that have a use for the setting.
func takers(setting string) (names []string) {
	for _, t := range All {
		if t.Has(setting) {
			names = append(names, t.Name)
		}
	}
	return names
}
