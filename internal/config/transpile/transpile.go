// Package transpile turns the user's config, Butane or Container Linux Config, into an Ignition
// template: a document in which the project's words (Node_Name and the like) still stand.
package transpile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"

	"gopkg.in/yaml.v3"

	"coreos-libvirt/internal/config/problem"
	"coreos-libvirt/internal/config/refusal"
	"coreos-libvirt/internal/terminal/hint"
)

// Template is a transpiled config.
type Template struct {
	Variant string // Butane's: fcos, flatcar, …; flatcar for a Container Linux Config
	JSON    []byte // the Ignition document, indented, with a final newline
	Legacy  bool   // whether it was a Container Linux Config

	Source   []byte   // the config
	Warnings []string // what is worth a word and does not stop, "path:line:column: warning: text"

	mounts mounts // of a Butane config
}

// File transpiles the config at path, strictly: what is only warned of fails. Local files that it
// names come from the folder files; those of a Container Linux Config also from its own folder. Every problem is reported with its place.
func File(path, files string) (Template, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return Template{}, hint.Errorf("config= names another one", "cannot read the config: %w", err)
	}
	return Text(path, source, files)
}

// Text transpiles the config source as File does. path is what errors call it.
func Text(path string, source []byte, files string) (Template, error) {
	var header map[string]any
	if err := yaml.Unmarshal(source, &header); err != nil {
		return Template{}, problem.Explain(path, source, problem.Of(err, source, reflect.TypeFor[map[string]any]()), "correct the YAML there")
	}
	variant, err := variantOf(header)
	if err != nil {
		return Template{}, problem.Explain(path, source, []problem.Problem{refusal.Of(source, files).Variant(err)}, refusal.AdviceVariant)
	}
	t := Template{Variant: variant, Source: source}
	if variant == "" {
		t.Variant, t.Legacy = "flatcar", true
		var warnings []problem.Problem
		t.JSON, warnings, err = containerLinux(path, source, files)
		for _, w := range warnings {
			t.Warnings = append(t.Warnings, w.Show(path, source))
		}
	} else {
		t.JSON, err = butane(path, source, files)
	}
	if err != nil || t.Legacy {
		return t, err
	}
	if t.mounts, err = mountsOf(source, t.JSON); err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return t, err
}

// variantOf is the config's variant: empty for a Container Linux Config, which has none.
func variantOf(header map[string]any) (string, error) {
	if len(header) == 0 {
		return "", errors.New("the config is empty")
	}
	if header["variant"] == nil {
		return "", nil
	}
	variant, ok := header["variant"].(string)
	if !ok || variant == "" {
		return "", errors.New("the config's variant is not a word")
	}
	return variant, nil
}

// Keys are the config's own, each with those above it: "etcd", "storage.files.contents.local".
func (t Template) Keys() (map[string]bool, error) {
	text, _, err := plain(t.Source)
	if err != nil {
		return nil, fmt.Errorf("the config is not YAML: %w", err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("the config is not YAML: %w", err)
	}
	has := map[string]bool{}
	keys(&doc, "", has)
	return has, nil
}

// keys notes all keys below n, which is at a key.
func keys(n *yaml.Node, at string, has map[string]bool) {
	for i, child := range n.Content {
		switch {
		case n.Kind != yaml.MappingNode:
			keys(child, at, has)
		case i%2 == 1:
			key := strings.TrimPrefix(at+"."+n.Content[i-1].Value, ".")
			has[key] = true
			keys(child, key, has)
		}
	}
}

func indent(doc []byte) ([]byte, error) {
	var out bytes.Buffer
	if err := json.Indent(&out, bytes.TrimSpace(doc), "", "  "); err != nil {
		return nil, fmt.Errorf("the transpiler gave no JSON: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}
