package transpile

import (
	"errors"
	"fmt"
	"strings"

	"github.com/coreos/butane/config"
	"github.com/coreos/butane/config/common"
	"github.com/coreos/vcontext/report"
	"gopkg.in/yaml.v3"
)

const (
	adviceButane  = "the keys that there are: https://coreos.github.io/butane/specs/"
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
	problems := []problem{}
	advice := adviceButane
	if errors.As(err, &common.ErrUnknownVersion{}) || errors.Is(err, common.ErrInvalidVersion) {
		return nil, explain(path, source, []problem{versionProblem(err, source)}, adviceVersion)
	}
	for _, entry := range rpt.Entries {
		problems = append(problems, butaneProblem(entry))
		if strings.Contains(entry.Message, "no such file") || strings.Contains(entry.Message, files) {
			advice = "local files are looked for in " + files
		}
	}
	if len(problems) == 0 {
		problems = yamlProblems(err, source)
	}
	return nil, explain(path, source, problems, advice)
}

// versionProblem stands at the version, or where that lacks at the variant.
func versionProblem(err error, source []byte) problem {
	p := problem{kind: "error", text: err.Error()}
	var doc yaml.Node
	if yaml.Unmarshal(source, &doc) != nil {
		return p
	}
	for _, key := range []string{"variant", "version"} {
		if n := at(&doc, key); n != nil {
			p.line, p.column = n.Line, n.Column
		}
	}
	return p
}

func butaneProblem(entry report.Entry) problem {
	p := problem{kind: "error", text: entry.Message}
	if at := entry.Marker.StartP; at != nil {
		p.line, p.column = int(at.Line), int(at.Column)
	} else if entry.Context.Len() > 0 {
		p.text += fmt.Sprintf(" (%s)", entry.Context.String())
	}
	return p
}
