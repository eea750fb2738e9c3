// Package refusal says of a config that Butane or ct refuses where it is wrong, what that means, and what helps.
package refusal

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/coreos/butane/config/common"
	"github.com/coreos/vcontext/report"
	"github.com/coreos/vcontext/tree"
	"gopkg.in/yaml.v3"

	"coreos-libvirt/internal/config/problem"
)

// What helps if nothing else does.
const (
	AdviceButane  = "what a config can say: https://coreos.github.io/butane/specs/"
	AdviceLegacy  = "a config without `variant:` is read as a Container Linux Config: https://github.com/flatcar/container-linux-config-transpiler/blob/flatcar-master/doc/configuration.md"
	AdviceVariant = "a Butane config starts with `variant: fcos` or `variant: flatcar` and a version (https://coreos.github.io/butane/specs/)"
	adviceVersion = "the newest are `variant: fcos` with `version: 1.7.0` and `variant: flatcar` with `version: 1.1.0`; all: https://coreos.github.io/butane/specs/"
)

// Config is what is known of a config that is refused.
type Config struct {
	source []byte
	doc    yaml.Node
	own    problem.Version
	files  string // the folder of local files
}

// Of is the config; files is its folder of local files.
func Of(source []byte, files string) Config {
	d := Config{source: source, files: files}
	_ = yaml.Unmarshal(source, &d.doc) // it has been read before
	d.own = schemaOf(d.word("variant"), d.word("version"))
	return d
}

// Butane are the problems that Butane gives: an error, or a report, in which a warning counts.
func (d Config) Butane(err error, rpt report.Report) (problems []problem.Problem) {
	if errors.As(err, &common.ErrUnknownVersion{}) || errors.Is(err, common.ErrInvalidVersion) || errors.Is(err, common.ErrRhcosVariantUnsupported) {
		p := d.version(err)
		p.Hint = cmp.Or(p.Hint, adviceVersion)
		return []problem.Problem{p}
	}
	for _, entry := range rpt.Entries {
		problems = append(problems, d.entry(entry))
	}
	if len(problems) == 0 {
		problems = problem.Of(err, d.source, d.own.Type)
	}
	return problems
}

func (d Config) word(key string) string {
	if n := problem.At(&d.doc, key); n != nil {
		return n.Value
	}
	return ""
}

// Variant is what is wrong with the variant, at its place if there is one.
func (d Config) Variant(err error) problem.Problem {
	p := problem.Problem{Kind: "error", Text: err.Error()}
	if n := problem.At(&d.doc, "variant"); n != nil {
		p.Line, p.Column = n.Line, n.Column
	}
	return p
}

// version stands at the version, or if there is none at the variant.
func (d Config) version(err error) problem.Problem {
	versions := []string{}
	for _, s := range schemas {
		if s.Variant == d.own.Variant {
			versions = append(versions, s.Version)
		}
	}
	p := d.Variant(err)
	switch {
	case d.own.Variant == "rhcos": // Butane says what it is now
	case len(versions) == 0:
		p.Text = fmt.Sprintf("there is no variant %s", d.own.Variant)
	case d.own.Version == "":
		p.Text = "there is no version"
		p.Hint = fmt.Sprintf("write `version: %s` below it", lastPlain(versions))
	default:
		p.Text = fmt.Sprintf("variant %s has no version %s", d.own.Variant, d.own.Version)
		if n := problem.At(&d.doc, "version"); n != nil {
			p.Line, p.Column = n.Line, n.Column
		}
	}
	return p
}

// entry is one thing that Butane reports, at the place in the config.
func (d Config) entry(entry report.Entry) problem.Problem {
	p := problem.Problem{Kind: "error", Text: entry.Message}
	path, isKey := steps(entry.Context.Path)
	n, value, deep := problem.Nearest(&d.doc, path...)
	if !isKey {
		n = value
	}
	if n != nil {
		p.Line, p.Column = n.Line, n.Column
	}
	f := finding{Config: d, path: path, value: value, there: deep == len(path)}
	return f.explained(p)
}

// steps is a path of Butane's as keys and indices, and whether it is to a key, not to its value.
func steps(path []any) (all []any, isKey bool) {
	for _, step := range path {
		switch step := step.(type) {
		case int:
			all = append(all, step)
		case tree.Key:
			all, isKey = append(all, string(step)), true
		default:
			all = append(all, fmt.Sprint(step))
		}
	}
	return all, isKey
}

// lastPlain is the last version that is not experimental.
func lastPlain(versions []string) (last string) {
	for _, v := range versions {
		if !strings.Contains(v, "-") {
			last = v
		}
	}
	return last
}
