package transpile

import (
	"fmt"
	"strings"

	"github.com/coreos/butane/config"
	"github.com/coreos/butane/config/common"
	"github.com/coreos/vcontext/report"
)

const adviceButane = "the keys that there are: https://coreos.github.io/butane/specs/"

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
	for _, entry := range rpt.Entries {
		problems = append(problems, butaneProblem(entry))
		if strings.Contains(entry.Message, "no such file") || strings.Contains(entry.Message, files) {
			advice = "local files are looked for in " + files
		}
	}
	if len(problems) == 0 {
		problems = append(problems, problem{kind: "error", text: err.Error()})
	}
	return nil, explain(path, source, problems, advice)
}

func butaneProblem(entry report.Entry) problem {
	p := problem{kind: entry.Kind.String(), text: entry.Message}
	if at := entry.Marker.StartP; at != nil {
		p.line, p.column = int(at.Line), int(at.Column)
	} else if entry.Context.Len() > 0 {
		p.text += fmt.Sprintf(" (%s)", entry.Context.String())
	}
	return p
}
