package transpile

import (
	"errors"
	"fmt"
	"strings"

	"github.com/coreos/butane/config"
	"github.com/coreos/butane/config/common"
	"github.com/coreos/vcontext/report"
	"github.com/coreos/vcontext/tree"
	"gopkg.in/yaml.v3"

	"coreos-libvirt/internal/config/problem"
)

const (
	adviceButane  = "what a config can say: https://coreos.github.io/butane/specs/"
	adviceVersion = "the newest are `variant: fcos` with `version: 1.7.0` and `variant: flatcar` with `version: 1.1.0`; all: https://coreos.github.io/butane/specs/"
)

// butane transpiles as `butane --strict` does: a key that Butane does not know, of which it only
// warns, is mostly a typo.
func butane(path string, source []byte, files string) ([]byte, error) {
	options := common.TranslateBytesOptions{Raw: true}
	options.FilesDir = files
	out, rpt, err := config.TranslateBytes(source, options)
	if err == nil && len(rpt.Entries) == 0 {
		return indent(out)
	}
	d := diagnosisOf(source, files)
	if errors.As(err, &common.ErrUnknownVersion{}) || errors.Is(err, common.ErrInvalidVersion) || errors.Is(err, common.ErrRhcosVariantUnsupported) {
		return nil, problem.Explain(path, source, []problem.Problem{d.version(err)}, adviceVersion)
	}
	problems := []problem.Problem{}
	for _, entry := range rpt.Entries {
		problems = append(problems, d.entry(entry))
	}
	if len(problems) == 0 {
		problems = problem.Of(err, source, d.own.Type)
	}
	return nil, problem.Explain(path, source, problems, adviceButane)
}

// diagnosis is what is known of a config that is refused.
type diagnosis struct {
	doc   yaml.Node
	own   problem.Version
	files string // the folder of local files
}

func diagnosisOf(source []byte, files string) diagnosis {
	d := diagnosis{files: files}
	_ = yaml.Unmarshal(source, &d.doc) // it has been read before
	d.own = schemaOf(d.word("variant"), d.word("version"))
	return d
}

func (d diagnosis) word(key string) string {
	if n := problem.At(&d.doc, key); n != nil {
		return n.Value
	}
	return ""
}

// variant stands at the variant, if there is one.
func (d diagnosis) variant(err error) problem.Problem {
	p := problem.Problem{Kind: "error", Text: err.Error()}
	if n := problem.At(&d.doc, "variant"); n != nil {
		p.Line, p.Column = n.Line, n.Column
	}
	return p
}

// version stands at the version, or if there is none at the variant.
func (d diagnosis) version(err error) problem.Problem {
	versions := []string{}
	for _, s := range schemas {
		if s.Variant == d.own.Variant {
			versions = append(versions, s.Version)
		}
	}
	p := d.variant(err)
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
func (d diagnosis) entry(entry report.Entry) problem.Problem {
	p := problem.Problem{Kind: "error", Text: entry.Message}
	path, isKey := steps(entry.Context.Path)
	n, value, deep := problem.Nearest(&d.doc, path...)
	if !isKey {
		n = value
	}
	if n != nil {
		p.Line, p.Column = n.Line, n.Column
	}
	f := finding{diagnosis: d, path: path, value: value, there: deep == len(path)}
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
