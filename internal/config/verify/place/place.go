// Package place finds what is on a node in the files that the user wrote: in YAML, or in the local files that it names.
package place

import (
	"path"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"coreos-libvirt/internal/config/problem"
	"coreos-libvirt/internal/config/verify/document"
)

// File is a config of the user's.
type File struct {
	Path   string // as the user would write it
	Text   []byte
	Locals []string // folders of the local files that it names: the first that has one counts
}

// Place is where something is, in a file of the user's.
type Place struct {
	Path         string
	Line, Column int // from 1; 0: nowhere in particular
	Text         []byte
}

// Finder finds what a document was made of.
type Finder struct {
	files   []one
	replace func(string) string // puts words' values in their places
	read    func(path string) ([]byte, error)
}

type one struct {
	File
	doc *yaml.Node
}

// New finds things in the files; what is in an earlier one counts more. read reads local files.
func New(files []File, replace func(string) string, read func(string) ([]byte, error)) Finder {
	f := Finder{replace: replace, read: read}
	for _, file := range files {
		doc := &yaml.Node{}
		_ = yaml.Unmarshal(file.Text, doc) // it has been transpiled
		f.files = append(f.files, one{file, doc})
	}
	return f
}

// Value begins the needle of a fault that is looked for behind the first "=" of a line.
const Value = "="

// Of is the place of a fault.
func (f Finder) Of(fault document.Fault) Place {
	for _, file := range f.files {
		if entry, found := f.entry(file, fault.Path); found {
			return f.within(file, entry, fault)
		}
	}
	if len(f.files) == 0 {
		return Place{}
	}
	last := f.files[len(f.files)-1]
	return Place{Path: last.Path, Text: last.Text}
}

// entry is what the user wrote about one thing on the node.
type entry struct {
	name  *yaml.Node // that says which it is
	text  *yaml.Node // its contents, or nil
	local string     // the name of the local file that has them, or empty
}

// entry finds what the file says about what is at the path on the node.
func (f Finder) entry(file one, at string) (e entry, found bool) {
	if name, is := strings.CutPrefix(at, document.UserPath("")); is {
		n := f.named(problem.At(file.doc, "passwd", "users"), "name", name)
		return entry{name: n.name, text: n.self}, n.name != nil
	}
	if e, found = f.unit(problem.At(file.doc, "systemd", "units"), strings.TrimPrefix(at, document.UnitFolder+"/"), at); found {
		return e, true
	}
	if e, found = f.unit(problem.At(file.doc, "networkd", "units"), strings.TrimPrefix(at, "/etc/systemd/network/"), at); found {
		return e, true
	}
	for _, kind := range []string{"files", "links", "directories"} {
		if n := f.named(problem.At(file.doc, "storage", kind), "path", at); n.name != nil {
			return contents(n), true
		}
	}
	return f.tree(file, at)
}

// unit finds a unit, or a drop-in of one, by its path below the folder of units.
func (f Finder) unit(units *yaml.Node, rel, at string) (e entry, found bool) {
	if rel == at || units == nil {
		return e, false
	}
	unit, dropin, isDropin := strings.Cut(rel, ".d/")
	n := f.named(units, "name", unit)
	if isDropin && n.self != nil {
		n = f.named(problem.Below(n.self, "dropins"), "name", dropin)
	}
	if n.name == nil {
		return e, false
	}
	e = entry{name: n.name, text: problem.Below(n.self, "contents")}
	if local := problem.Below(n.self, "contents_local"); local != nil {
		e.local = local.Value
	}
	return e, true
}

// contents are those of a file.
func contents(n named) entry {
	e := entry{name: n.name}
	if has := problem.Below(n.self, "contents"); has != nil {
		if e.text = problem.Below(has, "inline"); e.text == nil {
			if local := problem.Below(has, "local"); local != nil {
				e.local = local.Value
			}
		}
	}
	return e
}

// tree finds a file in a folder of local files that is written as a whole.
func (f Finder) tree(file one, at string) (e entry, found bool) {
	trees := problem.At(file.doc, "storage", "trees")
	for i := 0; trees != nil; i++ {
		tree := problem.Below(trees, i)
		if tree == nil {
			break
		}
		local, below := problem.Below(tree, "local"), "/"
		if p := problem.Below(tree, "path"); p != nil {
			below = p.Value
		}
		if rel, err := filepath.Rel(below, at); err == nil && filepath.IsLocal(rel) && local != nil {
			name := path.Join(local.Value, rel)
			if _, _, has := f.local(file, name); has {
				return entry{name: local, local: name}, true
			}
		}
	}
	return e, false
}

// named is an entry of a list.
type named struct{ self, name *yaml.Node }

// named is the entry whose key has that value when words are replaced.
func (f Finder) named(list *yaml.Node, key, value string) (n named) {
	for i := 0; list != nil; i++ {
		self := problem.Below(list, i)
		if self == nil {
			break
		}
		if name := problem.Below(self, key); name != nil && f.replace(name.Value) == value {
			return named{self, name}
		}
	}
	return n
}

// local reads a local file.
func (f Finder) local(file one, name string) (at string, text []byte, found bool) {
	for _, folder := range file.Locals {
		at = filepath.Join(folder, strings.TrimLeft(name, "/"))
		if text, err := f.read(at); err == nil {
			return at, text, true
		}
	}
	return "", nil, false
}

// within is the place of the fault in what the user wrote.
func (f Finder) within(file one, e entry, fault document.Fault) Place {
	p := Place{Path: file.Path, Text: file.Text, Line: e.name.Line, Column: e.name.Column}
	switch {
	case strings.HasPrefix(fault.Path, document.UserPath("")):
		if n := valued(e.text, fault.Needle); n != nil && fault.Needle != "" {
			p.Line, p.Column = n.Line, n.Column
		}
		return p
	case fault.Line == 0:
		return p
	case e.local != "":
		at, text, found := f.local(file, e.local)
		if !found {
			return p
		}
		lines := strings.Split(string(text), "\n")
		line := f.before(whole(lines), fault.Line)
		line, column := pointed(lines, line, fault.Needle)
		return Place{Path: at, Text: text, Line: line, Column: column}
	case e.text != nil:
		return f.inline(p, file, e.text, fault)
	}
	return p
}

// valued is the first scalar below n that has the value.
func valued(n *yaml.Node, value string) *yaml.Node {
	if n == nil {
		return nil
	}
	return problem.Find(n, func(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Value == value })
}

// before is the line, from 1, of the user's that becomes the given line when words are replaced: a word may stand for several.
func (f Finder) before(lines []string, wanted int) int {
	made := 0
	for i, line := range lines {
		if made += 1 + strings.Count(f.replace(line), "\n"); made >= wanted {
			return i + 1
		}
	}
	return len(lines)
}

// whole are the lines without the empty one behind the last.
func whole(lines []string) []string {
	if n := len(lines); n > 1 && lines[n-1] == "" {
		return lines[:n-1]
	}
	return lines
}

// inline is a place in a scalar of the YAML.
func (f Finder) inline(p Place, file one, n *yaml.Node, fault document.Fault) Place {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	p.Line, p.Column = n.Line, n.Column
	mine, source := strings.Split(n.Value, "\n"), strings.Split(string(file.Text), "\n")
	line := f.before(whole(mine), fault.Line)
	line, column := pointed(mine, line, fault.Needle)
	text := mine[line-1]
	if n.Style&yaml.LiteralStyle != 0 && n.Line+line <= len(source) {
		if indent := strings.Index(source[n.Line+line-1], text); indent >= 0 {
			p.Line, p.Column = n.Line+line, utf8.RuneCountInString(source[n.Line+line-1][:indent])+column
		}
		return p
	}
	trimmed := strings.TrimSpace(text)
	for i := n.Line - 1; trimmed != "" && i < len(source) && i < n.Line+len(mine); i++ {
		from := 0
		if i == n.Line-1 {
			from = min(len(string([]rune(source[i])[:min(n.Column-1, len([]rune(source[i])))])), len(source[i]))
		}
		if at := strings.Index(source[i][from:], trimmed); at >= 0 {
			space := utf8.RuneCountInString(text) - utf8.RuneCountInString(strings.TrimLeft(text, " \t"))
			p.Line, p.Column = i+1, utf8.RuneCountInString(source[i][:from+at])+max(column-space, 1)
			return p
		}
	}
	return p
}

// pointed is where the needle is in a line, or in those before that it continues; else behind its "=", else its first letter.
// Line and column count from 1, the column in characters.
func pointed(lines []string, line int, needle string) (at, column int) {
	if line < 1 || line > len(lines) {
		return max(1, min(line, len(lines))), 1
	}
	what, isValue := strings.CutPrefix(needle, Value)
	for i := line; what != "" && i >= 1; i-- {
		text, from := lines[i-1], 0
		if isValue {
			from = strings.Index(text, "=") + 1
		}
		if found := strings.Index(text[from:], what); found >= 0 {
			return i, utf8.RuneCountInString(text[:from+found]) + 1
		}
		if i < 2 || !strings.HasSuffix(lines[i-2], `\`) {
			break
		}
	}
	text := lines[line-1]
	if _, value, is := strings.Cut(text, "="); is && needle != "" && strings.TrimSpace(value) != "" {
		begin := len(text) - len(strings.TrimLeft(value, " \t"))
		return line, utf8.RuneCountInString(text[:begin]) + 1
	}
	return line, utf8.RuneCountInString(text) - utf8.RuneCountInString(strings.TrimLeft(text, " \t")) + 1
}
