package refusal

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
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
		if p.Hint == "" && (p.Line > 0 || strings.Contains(p.Text, "no such file")) {
			problems[i] = f.explained(p)
		}
	}
	return problems
}
