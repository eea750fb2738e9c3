package refusal

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"coreos-libvirt/internal/config/problem"
)

// ofCloudConfig are keys that only cloud-init's configs have (cloudinit.readthedocs.io, "Module reference"), and coreos, by which
// CoreOS' own did.
var ofCloudConfig = []string{"coreos", "write_files", "runcmd", "bootcmd", "packages", "package_update", "package_upgrade", "ssh_pwauth", "chpasswd", "cloud_init_modules", "manage_etc_hosts", "power_state"}

var butaneVersion = regexp.MustCompile(`^\d+\.\d+\.\d+`)

// foreign are the problems of a config without a variant that ct refuses: if it surely is of another kind, that it is.
func (d Config) foreign(found []problem.Problem) []problem.Problem {
	said, help := "", ""
	var n *yaml.Node
	version := problem.At(&d.doc, "ignition", "version")
	switch butane := d.butaneKey(found); {
	case version != nil:
		n, said, help = version, fmt.Sprintf("this is an Ignition document (version %s), which is what a config becomes", version.Value), adviceIgnition
		if strings.HasPrefix(version.Value, "2.") {
			help = "write what it says as Butane: https://coreos.github.io/butane/"
		}
	case bytes.HasPrefix(d.source, []byte("#cloud-config")):
		n, said, help = problem.At(&d.doc), "this is a cloud-config (#cloud-config): CoreOS' systems do not read it", adviceCloudConfig
	case d.cloudKey() != nil:
		n = d.cloudKey()
		said, help = fmt.Sprintf("this is a cloud-config (%s is a key of one): CoreOS' systems do not read it", n.Value), adviceCloudConfig
	case butane != nil:
		n, said, help = butane, "this is Butane, but its `variant:` is missing", "write `variant: fcos` (or flatcar) and `version: 1.5.0` as its first lines"
		if d.word("version") != "" {
			help = "write `variant: fcos` (or flatcar) as its first line"
		}
	}
	if n == nil {
		return found
	}
	p := problem.Problem{Line: n.Line, Column: n.Column, Kind: "error", Text: said, Hint: help}
	if strings.Contains(said, "#cloud-config") {
		p.Line, p.Column = 1, 1
	}
	return []problem.Problem{p}
}

const (
	adviceIgnition    = "a Butane config takes it in: put it into the folder files beside the config and write `variant: fcos`, `version: 1.5.0`, `ignition: {config: {merge: [{local: NAME}]}}`; or write it as Butane (https://coreos.github.io/butane/)"
	adviceCloudConfig = "write what it says as Butane: https://coreos.github.io/butane/"
)

// cloudKey is a key of a cloud-config beside which there is none of a Container Linux Config, or nil.
func (d Config) cloudKey() (found *yaml.Node) {
	root := problem.At(&d.doc)
	if root == nil || root.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i < len(root.Content); i += 2 {
		key := root.Content[i]
		if slices.Contains(problem.Keys(LegacySchema), key.Value) {
			return nil
		}
		if found == nil && slices.Contains(ofCloudConfig, key.Value) {
			found = key
		}
	}
	return found
}

// butaneKey is the version by which a config is Butane, or a key that ct does not know and Butane does, if Butane knows all that ct does not.
func (d Config) butaneKey(found []problem.Problem) (telling *yaml.Node) {
	if n := problem.At(&d.doc, "version"); n != nil && butaneVersion.MatchString(n.Value) {
		return n
	}
	for _, p := range found {
		if !strings.Contains(p.Text, UnknownKey) {
			continue
		}
		path := problem.PathTo(&d.doc, p.Line, p.Column, true)
		if path == nil || !slices.ContainsFunc(schemas, func(v problem.Version) bool { return v.Has(path) }) {
			return nil
		}
		if key, _, _ := problem.Nearest(&d.doc, path...); telling == nil {
			telling = key
		}
	}
	return telling
}

// UnknownKey are the words by which ct reports a key that it does not know.
const UnknownKey = "unrecognized key"

// Legacy are the problems that ct gives with the words that help, or if the config is of another kind, that it is. What has no place may be of a file, or of a unit that ct made.
func (d Config) Legacy(problems []problem.Problem) []problem.Problem {
	problems = d.foreign(problems)
	for i, p := range problems {
		f := finding{Config: d, path: problem.PathTo(&d.doc, p.Line, p.Column, strings.Contains(p.Text, UnknownKey))}
		_, f.value, _ = problem.Nearest(&d.doc, f.path...)
		if n := d.empty(); p.Text == Panicked && n != nil {
			problems[i].Line, problems[i].Column, problems[i].Text, problems[i].Hint = n.Line, n.Column, "an empty entry of a list", "remove it, or write what it is"
			continue
		}
		if p.Hint == "" && (p.Line > 0 || strings.Contains(p.Text, "no such file")) {
			problems[i] = f.explained(p)
		}
	}
	return problems
}

// Panicked are the words for a config on which ct panics.
const Panicked = "the transpiler of Container Linux Configs cannot read this"

// empty is the first entry of a list that is empty, on which ct panics, or nil.
func (d Config) empty() *yaml.Node {
	list := problem.Find(&d.doc, func(n *yaml.Node) bool {
		return n.Kind == yaml.SequenceNode && slices.ContainsFunc(n.Content, isNull)
	})
	if list == nil {
		return nil
	}
	return list.Content[slices.IndexFunc(list.Content, isNull)]
}

func isNull(n *yaml.Node) bool { return n.ShortTag() == "!!null" }

// spec3 is one thing that the converter of Ignition 2 documents reports.
var spec3 = regexp.MustCompile(`error at \$\.(\S+): (.+)`)

// Spec3 are the problems of a document of Ignition 2 that its converter refuses, which has the entries of the config in its
// order; nil: it names none.
func (d Config) Spec3(err error) (problems []problem.Problem) {
	for _, said := range spec3.FindAllStringSubmatch(err.Error(), -1) {
		path := []any{}
		for _, step := range strings.Split(said[1], ".") {
			if i, err := strconv.Atoi(step); err == nil {
				path = append(path, i)
			} else {
				path = append(path, step)
			}
		}
		_, value, _ := problem.Nearest(&d.doc, path...)
		f := finding{Config: d, path: path, value: value}
		problems = append(problems, f.explained(problem.Problem{Line: value.Line, Column: value.Column, Kind: "error", Text: said[2]}))
	}
	if found := sameInode.FindStringSubmatch(err.Error()); found != nil {
		problems = append(problems, d.twice(found[1])...)
	}
	return problems
}

// sameInode is what the converter says of two entries of one path.
var sameInode = regexp.MustCompile(`conflicting inodes: "\w+: ([^"]+)" and`)

// twice is that of the entries of a path the last stands where another is. The path may begin with that of a file system.
func (d Config) twice(at string) []problem.Problem {
	var found []*yaml.Node
	for _, list := range []string{"files", "directories", "links"} {
		for i := 0; problem.At(&d.doc, "storage", list, i) != nil; i++ {
			n := problem.At(&d.doc, "storage", list, i, "path")
			if n != nil && strings.HasSuffix(at, "/"+strings.TrimLeft(n.Value, "/")) {
				found = append(found, n)
			}
		}
	}
	if len(found) < 2 {
		return nil
	}
	slices.SortFunc(found, func(a, b *yaml.Node) int { return a.Line - b.Line })
	first, last := found[0], found[len(found)-1]
	text := fmt.Sprintf("%s is there already, in line %d", last.Value, first.Line)
	return []problem.Problem{{Line: last.Line, Column: last.Column, Kind: "error", Text: text, Hint: "leave out one of the two, or put both into one"}}
}

// DecimalModes warns of modes that ct reads as decimal numbers, and that no file has as such.
func (d Config) DecimalModes() (warnings []problem.Problem) {
	for _, list := range []string{"files", "directories"} {
		for i := 0; problem.At(&d.doc, "storage", list, i) != nil; i++ {
			n := problem.At(&d.doc, "storage", list, i, "mode")
			if n == nil {
				continue
			}
			octal, err := strconv.ParseInt(n.Value, 8, 0)
			decimal, also := strconv.Atoi(n.Value)
			if err == nil && also == nil && !strings.HasPrefix(n.Value, "0") && octal <= 0o777 && decimal > 0o777 {
				text := fmt.Sprintf("the mode %s has no leading 0: it is read as a decimal number (write `mode: 0%s`)", n.Value, n.Value)
				warnings = append(warnings, problem.Problem{Line: n.Line, Column: n.Column, Kind: "warning", Text: text})
			}
		}
	}
	return warnings
}
