// Package transpile turns the user's Butane config into an Ignition template: a document in which
// the project's words (Node_Name and the like) still stand.
package transpile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/coreos/butane/config"
	"github.com/coreos/butane/config/common"
	"github.com/coreos/vcontext/report"
	"gopkg.in/yaml.v3"

	"coreos-libvirt/internal/hint"
)

// Template is a transpiled config.
type Template struct {
	Variant string // Butane's: fcos, flatcar, …
	JSON    []byte // the Ignition document, indented, with a final newline
}

// File transpiles the Butane config at path, strictly: what Butane only warns of fails. Local files
// that it names come from the folder files beside it. Every problem is reported with its place.
func File(path string) (Template, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return Template{}, hint.Errorf("config= names another one", "cannot read the config: %w", err)
	}
	variant, err := variantOf(source)
	if err != nil {
		return Template{}, fmt.Errorf("%s: %w", path, err)
	}
	options := common.TranslateBytesOptions{Raw: true}
	options.FilesDir = filepath.Join(filepath.Dir(path), "files")
	out, problems, err := config.TranslateBytes(source, options)
	if err != nil || len(problems.Entries) > 0 {
		return Template{}, explain(path, options.FilesDir, problems, err)
	}
	pretty, err := indent(out)
	return Template{Variant: variant, JSON: pretty}, err
}

func variantOf(source []byte) (string, error) {
	var header struct {
		Variant string `yaml:"variant"`
	}
	if err := yaml.Unmarshal(source, &header); err != nil {
		var mistyped *yaml.TypeError
		if !errors.As(err, &mistyped) {
			return "", hint.Errorf("correct the YAML there", "%w", err)
		}
	}
	if header.Variant == "" {
		return "", hint.Errorf("a Butane config starts with `variant: fcos` or `variant: flatcar` and a version (https://coreos.github.io/butane/specs/)",
			"the config has no variant")
	}
	return header.Variant, nil
}

// explain makes one error of what Butane reported: a line a problem, "path:line:column: kind: text".
func explain(path, files string, problems report.Report, cause error) error {
	if len(problems.Entries) == 0 {
		return hint.Errorf("see https://coreos.github.io/butane/specs/", "%s: %w", path, cause)
	}
	lines := []string{}
	advice := "a key that Butane does not know is mostly a typo: see https://coreos.github.io/butane/specs/"
	for _, entry := range problems.Entries {
		lines = append(lines, fmt.Sprintf("%s: %s: %s%s", place(path, entry), entry.Kind, entry.Message, context(entry)))
		if strings.Contains(entry.Message, files) || strings.Contains(entry.Message, "no such file") {
			advice = "local files are looked for in " + files
		}
	}
	return hint.Errorf(advice, "%s", strings.Join(lines, "\n"))
}

func place(path string, entry report.Entry) string {
	if p := entry.Marker.StartP; p != nil {
		return fmt.Sprintf("%s:%d:%d", path, p.Line, p.Column)
	}
	return path
}

func context(entry report.Entry) string {
	if entry.Context.Len() == 0 {
		return ""
	}
	return " (" + entry.Context.String() + ")"
}

func indent(doc []byte) ([]byte, error) {
	var out bytes.Buffer
	if err := json.Indent(&out, bytes.TrimSpace(doc), "", "  "); err != nil {
		return nil, fmt.Errorf("butane gave no JSON: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}
