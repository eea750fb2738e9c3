package transpile

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	ct "github.com/flatcar/container-linux-config-transpiler/config"
	"github.com/flatcar/container-linux-config-transpiler/config/platform"
	ctreport "github.com/flatcar/ignition/config/validate/report"

	"coreos-libvirt/internal/terminal/hint"
)

const adviceLegacy = "a config without `variant:` is read as a Container Linux Config: https://github.com/flatcar/container-linux-config-transpiler/blob/flatcar-master/doc/configuration.md"

// containerLinux transpiles a Container Linux Config with its own transpiler, for the platform custom,
// and then from Ignition 2.3 to 3.0.
func containerLinux(name string, source []byte, files string) (doc []byte, warnings []problem, err error) {
	if err := absoluteLocals(); err != nil {
		return nil, nil, err
	}
	l := locals{files, name}
	ignition2, fatal, warnings := ignition2Of(source, l)
	if len(fatal) > 0 {
		return nil, nil, explain(name, source, fatal, legacyAdvice(fatal, l))
	}
	data, err := json.Marshal(ignition2)
	if err != nil {
		return nil, nil, err
	}
	if doc, err = toSpec3(data); err != nil {
		return nil, nil, hint.Add(fmt.Errorf("%s: %w", name, err), adviceLegacy)
	}
	doc, err = indent(doc)
	return doc, warnings, err
}

// ignition2Of is the config as Ignition 2.3, and what stops or is worth a word.
func ignition2Of(source []byte, l locals) (doc any, fatal, warnings []problem) {
	config, ast, parsed := ct.Parse(source)
	fatal, warnings = legacyProblems(parsed, source)
	fatal = append(fatal, l.located(config, source)...)
	if len(fatal) > 0 {
		return nil, fatal, nil
	}
	spelled, same, err := plain(source)
	if err != nil {
		return nil, yamlProblems(err, source), nil
	}
	if !same {
		config, ast, parsed = ct.Parse(spelled)
		fatal, _ = legacyProblems(parsed, spelled)
		fatal = append(fatal, l.located(config, spelled)...)
	}
	if len(fatal) == 0 {
		var converted ctreport.Report
		var more []problem
		doc, converted = ct.Convert(config, platform.Custom, ast)
		fatal, more = legacyProblems(converted, source)
		if !same {
			more = placeless(more)
		}
		warnings = append(warnings, more...)
	}
	if !same { // these places are of another text
		fatal = placeless(fatal)
	}
	return doc, fatal, warnings
}

func placeless(problems []problem) []problem {
	for i := range problems {
		problems[i].line, problems[i].column = 0, 0
	}
	return problems
}

const unknownKey = "unrecognized key"

// legacyProblems splits ct's report: what stops, which is errors and keys that ct does not know (mostly
// typos), and what is worth a word. What ct merely calls deprecated is what these configs are made of.
func legacyProblems(rpt ctreport.Report, source []byte) (fatal, warnings []problem) {
	for _, entry := range rpt.Entries {
		p := problem{line: entry.Line, column: entry.Column, kind: "warning", text: entry.Message}
		switch {
		case strings.HasSuffix(entry.Message, unknownKey+": <<"): // YAML's own
		case strings.HasPrefix(entry.Message, "yaml: "):
			fatal = append(fatal, yamlProblems(errors.New(entry.Message), source)...)
		case entry.Kind == ctreport.EntryError || strings.Contains(entry.Message, unknownKey):
			p.kind = "error"
			fatal = append(fatal, p)
		case entry.Kind == ctreport.EntryWarning:
			warnings = append(warnings, p)
		}
	}
	return fatal, warnings
}

func legacyAdvice(problems []problem, l locals) string {
	for _, p := range problems {
		if strings.Contains(p.text, "no such file") || strings.Contains(p.text, "folder of local files") {
			return l.advice()
		}
	}
	return adviceLegacy
}
