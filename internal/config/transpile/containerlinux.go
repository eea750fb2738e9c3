package transpile

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	ct "github.com/flatcar/container-linux-config-transpiler/config"
	"github.com/flatcar/container-linux-config-transpiler/config/platform"
	"github.com/flatcar/container-linux-config-transpiler/config/types"
	"github.com/flatcar/ignition/config/validate/astnode"
	ctreport "github.com/flatcar/ignition/config/validate/report"
	"gopkg.in/yaml.v3"

	"coreos-libvirt/internal/config/problem"
	"coreos-libvirt/internal/config/refusal"
	"coreos-libvirt/internal/terminal/hint"
)

// containerLinux transpiles a Container Linux Config with its own transpiler, for the platform custom,
// and then from Ignition 2.3 to 3.0.
func containerLinux(name string, source []byte, files string) (doc []byte, warnings []problem.Problem, err error) {
	if err := absoluteLocals(); err != nil {
		return nil, nil, err
	}
	l := locals{files, name}
	ignition2, fatal, warnings := ignition2Of(source, l)
	if len(fatal) > 0 {
		return nil, nil, problem.Explain(name, source, refusal.Of(source, l.places()).Legacy(fatal), refusal.AdviceLegacy)
	}
	warnings = append(warnings, refusal.Of(source, l.places()).DecimalModes()...)
	data, err := json.Marshal(ignition2)
	if err != nil {
		return nil, nil, err
	}
	if doc, err = toSpec3(data); err != nil {
		if found := refusal.Of(source, l.places()).Spec3(err); found != nil {
			return nil, nil, problem.Explain(name, source, found, refusal.AdviceLegacy)
		}
		return nil, nil, hint.Add(fmt.Errorf("%s: %w", name, err), refusal.AdviceLegacy)
	}
	doc, err = indent(doc)
	return doc, warnings, err
}

// ignition2Of is the config as Ignition 2.3, and what stops or is worth a word.
func ignition2Of(source []byte, l locals) (doc any, fatal, warnings []problem.Problem) {
	config, ast, parsed := ct.Parse(source)
	fatal, warnings = legacyProblems(parsed, source)
	fatal = append(fatal, l.located(config, source)...)
	if len(fatal) > 0 {
		return nil, fatal, nil
	}
	spelled, same, err := plain(source)
	if err != nil {
		return nil, problem.Of(err, source, refusal.LegacySchema), nil
	}
	if !same {
		config, ast, parsed = ct.Parse(spelled)
		fatal, _ = legacyProblems(parsed, spelled)
		fatal = append(fatal, l.located(config, spelled)...)
	}
	if len(fatal) == 0 {
		var converted ctreport.Report
		var more []problem.Problem
		doc, converted = converted2(config, ast)
		fatal, more = legacyProblems(converted, source)
		if !same {
			more = moved(more, spelled, source)
		}
		warnings = append(warnings, more...)
	}
	if !same { // these places are of another text
		fatal = moved(fatal, spelled, source)
	}
	return doc, fatal, warnings
}

// converted2 is the config as Ignition 2.3. ct panics on some configs: that is an error of the config.
func converted2(config types.Config, ast astnode.AstNode) (doc any, found ctreport.Report) {
	defer func() {
		if recover() != nil {
			found = ctreport.ReportFromError(errors.New(refusal.Panicked), ctreport.EntryError)
		}
	}()
	return ct.Convert(config, platform.Custom, ast)
}

// legacyProblems splits ct's report: what stops, which is errors and keys that ct does not know (mostly
// typos), and what is worth a word. What ct merely calls deprecated is what these configs are made of.
func legacyProblems(rpt ctreport.Report, source []byte) (fatal, warnings []problem.Problem) {
	for _, entry := range rpt.Entries {
		p := problem.Problem{Line: entry.Line, Column: entry.Column, Kind: "warning", Text: entry.Message}
		switch {
		case strings.HasSuffix(entry.Message, refusal.UnknownKey+": <<"): // YAML's own
		case strings.HasPrefix(entry.Message, "yaml: ") || entry.Kind == ctreport.EntryError && entry.Line == 0:
			fatal = append(fatal, problem.Of(errors.New(entry.Message), source, refusal.LegacySchema)...)
		case entry.Kind == ctreport.EntryError || strings.Contains(entry.Message, refusal.UnknownKey):
			p.Kind = "error"
			fatal = append(fatal, p)
		case entry.Kind == ctreport.EntryWarning:
			warnings = append(warnings, p)
		}
	}
	return fatal, warnings
}

// moved are problems of the text that aliases and merge keys were put into, at their places in the config.
func moved(problems []problem.Problem, from, to []byte) []problem.Problem {
	var spelled, config yaml.Node
	if yaml.Unmarshal(from, &spelled) != nil || yaml.Unmarshal(to, &config) != nil {
		return problems
	}
	for i, p := range problems {
		isKey := strings.Contains(p.Text, refusal.UnknownKey)
		key, value, _ := problem.Nearest(&config, problem.PathTo(&spelled, p.Line, p.Column, isKey)...)
		if isKey {
			value = key
		}
		if problems[i].Line, problems[i].Column = 0, 0; p.Line > 0 && value != nil {
			problems[i].Line, problems[i].Column = value.Line, value.Column
		}
	}
	return problems
}
