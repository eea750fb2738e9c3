// Package kola knows tests in the layout of kola's external tests: folders of executables with `data` beside them, and what is
// said of each in its own lines or in kola.json
// (https://coreos.github.io/coreos-assembler/kola/external-tests/). It reads files, and runs nothing.
package kola

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"coreos-libvirt/internal/terminal/hint"
)

// Test is one executable.
type Test struct {
	Name  string   // the folders and the file below the folder of tests, with dots: files.sudoers
	Exe   string   // its path
	Data  string   // path of the folder that it finds as KOLA_EXT_DATA, or empty
	Notes []string // what of it has no effect here, each a line
	Meta
}

// Meta is what is said of a test.
type Meta struct {
	Architectures List // as uname(1) says them
	Distros       List // fcos, flatcar, …
	Platforms     List // qemu is what nodes are on
	Tags          []string
	RequiredTag   string        // without it among those that are asked for the test does not run
	Timeout       time.Duration // 0: not said
	OneNode       bool          // whether one node is enough
	Description   string
}

// List is words by which a test says where it runs: at these, or at all but these; none is at all.
type List struct {
	Except bool
	Words  []string
}

// listOf reads kola's way to write one: words with blanks between them, all behind a `!` if they are exceptions.
func listOf(text string) List {
	words, except := strings.CutPrefix(strings.TrimSpace(text), "!")
	return List{except, strings.Fields(words)}
}

// Has reports whether the test runs at the word.
func (l List) Has(word string) bool {
	return len(l.Words) == 0 || slices.Contains(l.Words, word) != l.Except
}

func (l List) String() string {
	text := strings.Join(l.Words, " ")
	if l.Except {
		text = "!" + text
	}
	return text
}

// platform is kola's word for machines by QEMU.
const platform = "qemu"

// Unfit is why the test does not run on a node of the architecture and distribution, or empty.
func (m Meta) Unfit(arch, distro string) string {
	for _, one := range []struct {
		key, word string
		list      List
	}{{"architectures", arch, m.Architectures}, {"distros", distro, m.Distros}, {"platforms", platform, m.Platforms}} {
		if !one.list.Has(one.word) {
			return fmt.Sprintf("%s: %q, and the node is %s", one.key, one.list, one.word)
		}
	}
	return ""
}

// Select are the tests that are asked for: by patterns of their names (path.Match), and by tags. One that has a tag of `!tag` is
// left out; without patterns or tags all are run.
func Select(all []Test, patterns, tags []string) (selected []Test, err error) {
	for _, pattern := range patterns {
		named := func(t Test) bool { is, _ := path.Match(pattern, t.Name); return is }
		if _, err := path.Match(pattern, ""); err != nil {
			return nil, hint.Errorf("in a pattern * is any text, ? any character, [ab] one of them", "test=%s: %w", pattern, err)
		}
		if !slices.ContainsFunc(all, named) {
			return nil, hint.Errorf(nearest(pattern, all), "test=%s: there is no such test", pattern)
		}
	}
	for _, t := range all {
		if t.named(patterns) && t.tagged(tags) && t.required(patterns, tags) {
			selected = append(selected, t)
		}
	}
	return selected, nil
}

// nearest is advice for the name of a test that there is not.
func nearest(name string, all []Test) string {
	names := []string{}
	for _, t := range all {
		names = append(names, t.Name)
	}
	if near := hint.Nearest(name, names); near != "" {
		return "did you mean test=" + near + " ?"
	}
	return "tests are " + strings.Join(names, ", ")
}

// named reports whether one of the patterns is the test's name.
func (t Test) named(patterns []string) bool {
	return len(patterns) == 0 || slices.ContainsFunc(patterns, func(pattern string) bool { is, _ := path.Match(pattern, t.Name); return is })
}

// tagged reports whether the test has one of the tags, and none that is not wanted.
func (t Test) tagged(tags []string) bool {
	wanted, has := false, false
	for _, tag := range tags {
		name, not := strings.CutPrefix(tag, "!")
		is := slices.Contains(t.Tags, name) || t.RequiredTag == name
		if not && is {
			return false
		}
		wanted, has = wanted || !not, has || !not && is
	}
	return has || !wanted
}

// required reports whether the tag that the test requires is asked for, or the test itself.
func (t Test) required(patterns, tags []string) bool {
	return t.RequiredTag == "" || slices.Contains(tags, t.RequiredTag) || slices.Contains(patterns, t.Name)
}
