package grammar

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"path"
	"regexp"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"gopkg.in/yaml.v3"

	"coreos-libvirt/internal/config/verify/document"
)

// Texts are the faults of files that are read by what their names say, without a program.
func Texts(d document.Document) (faults []document.Fault) {
	for _, f := range d.Files {
		if !f.Known || len(f.Data) == 0 {
			continue
		}
		faults = append(faults, carriageReturn(f)...)
		for _, t := range texts {
			if t.takes(f.Path) {
				faults = append(faults, t.judge(f)...)
			}
		}
	}
	return faults
}

// texts say which files are of what grammar.
var texts = []struct {
	takes func(at string) bool
	judge func(document.File) []document.Fault
}{
	{ending(".json"), jsonFaults},
	{ending(".yaml", ".yml"), yamlFaults},
	{ending(".toml"), tomlFaults},
	{inFolder("/etc/sysctl.d", ".conf"), sysctlFaults},
}

func ending(kinds ...string) func(string) bool {
	return func(at string) bool {
		for _, kind := range kinds {
			if path.Ext(at) == kind {
				return true
			}
		}
		return false
	}
}

func inFolder(folder string, kinds ...string) func(string) bool {
	is := ending(kinds...)
	return func(at string) bool { return is(at) && path.Dir(at) == folder }
}

// one is a fault of the file.
func one(f document.File, line int, needle, text string) []document.Fault {
	return []document.Fault{{Error: true, Path: f.Path, Line: line, Needle: needle, Text: path.Base(f.Path) + ": " + text}}
}

// jsonFaults are of JSON (RFC 8259), one value.
func jsonFaults(f document.File) []document.Fault {
	decoder := json.NewDecoder(bytes.NewReader(f.Data))
	var v any
	err := decoder.Decode(&v)
	if err == nil {
		if _, err = decoder.Token(); errors.Is(err, io.EOF) {
			return nil
		}
		err = errors.New("there is more behind the end of the value")
	}
	at := decoder.InputOffset()
	if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
		at = syntax.Offset
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		at, err = int64(len(bytes.TrimRight(f.Data, "\n"))), errors.New("unexpected end of JSON")
	}
	return one(f, 1+bytes.Count(f.Data[:min(max(int(at)-1, 0), len(f.Data))], []byte("\n")), "", err.Error())
}

var yamlLine = regexp.MustCompile(`line (\d+): (.*)`)

func yamlFaults(f document.File) []document.Fault {
	if bytes.Contains(f.Data, []byte("{{")) || bytes.Contains(f.Data, []byte("{%")) {
		return nil // a template of something
	}
	decoder := yaml.NewDecoder(bytes.NewReader(f.Data))
	for {
		var v yaml.Node
		err := decoder.Decode(&v)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			continue
		}
		if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
			return one(f, number(m[1]), "", m[2])
		}
		return one(f, 1, "", strings.TrimPrefix(err.Error(), "yaml: ")) // it says no line for the first
	}
}

var defined = regexp.MustCompile(`key (\S+) is already defined`)

func tomlFaults(f document.File) []document.Fault {
	var v any
	err := toml.Unmarshal(f.Data, &v)
	if err == nil {
		return nil
	}
	line := 0
	if decode := (*toml.DecodeError)(nil); errors.As(err, &decode) {
		line, _ = decode.Position()
	}
	if m := defined.FindStringSubmatch(err.Error()); m != nil {
		for i, text := range strings.Split(string(f.Data), "\n") {
			if key, _, is := strings.Cut(text, "="); is && strings.TrimSpace(key) == m[1] {
				line = i + 1 // the last one
			}
		}
	}
	return one(f, line, "", strings.TrimPrefix(err.Error(), "toml: "))
}

// sysctlFaults are of lines that are no "name = value" (sysctl.d(5)).
func sysctlFaults(f document.File) (faults []document.Fault) {
	for i, line := range strings.Split(string(f.Data), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.ContainsAny(line[:1], "#;-") || strings.Contains(line, "=") {
			continue
		}
		faults = append(faults, one(f, i+1, line, "the line is not `name = value`")...)
	}
	return faults
}
