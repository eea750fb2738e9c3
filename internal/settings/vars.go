package settings

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"coreos-libvirt/internal/terminal/hint"
)

// varPrefix marks the user's words on the command line: var.Registry_Mirror=10.0.0.5:5000
const varPrefix = "var."

// varVariable marks them in the environment: COREOS_VAR_Registry_Mirror
const varVariable = envPrefix + "VAR_"

// A word is replaced wherever it stands: it must be one that stands nowhere by chance.
var varName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)+$`)

// reserved are the beginnings of the project's words, and words.
var reserved = regexp.MustCompile(`^((Node|Cluster|Etcd|SSH)_|Group_(Name|Count)$)`)

// sourceOf is where one of the user's words is from.
func (s *Settings) sourceOf(name, file string) string {
	if _, is := s.Vars[name]; !is {
		return file
	}
	return s.varFrom[name]
}

// VarAs is how the user gave a word: var.My_Word on the command line, COREOS_VAR_My_Word, or by its name in a file.
func (s *Settings) VarAs(name string) string {
	switch from := s.varFrom[name]; {
	case from == fromWord:
		return varPrefix + name
	case strings.HasPrefix(from, "environment"):
		return varVariable + name
	}
	return name
}

// variables are the user's words of the environment.
func variables(env Environment) map[string]string {
	vars := map[string]string{}
	if env.All != nil {
		for _, pair := range env.All() {
			name, value, _ := strings.Cut(pair, "=")
			if name, ok := strings.CutPrefix(name, varVariable); ok {
				vars[name] = value
			}
		}
	}
	return vars
}

func checkNames(vars map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		if wrong := wrongName(name); wrong != "" {
			return hint.Errorf(wrong, "%s%s: this cannot be a word of yours", varPrefix, name)
		}
	}
	return nil
}

// wrongName says what names are allowed, if this is none; else it is empty.
func wrongName(name string) string {
	if varName.MatchString(name) && !reserved.MatchString(name) {
		return ""
	}
	return "letters, digits and at least one _ are allowed, as in Registry_Mirror; Node_, Cluster_, Etcd_ and SSH_ are the project's, and Group_Name and Group_Count"
}

// VarsNeeded is VarsFile for who makes nodes of the words: an error if the cluster was made with a secret that nobody gives now.
func (s *Settings) VarsNeeded(path string) (map[string]string, error) {
	vars, err := s.VarsFile(path)
	if err != nil {
		return nil, err
	}
	for _, key := range s.Forgotten {
		name, is := strings.CutPrefix(key, varPrefix)
		if _, has := vars[name]; is && has {
			continue
		}
		advice := fmt.Sprintf("give it again: %s=<value> on the command line, or %s in the environment", key, Key{Name: key}.Variable())
		if is {
			advice = fmt.Sprintf("give it again: %s=<value> on the command line, %s%s in the environment, or a line %s: <value> in %s", key, varVariable, name, name, path)
		}
		return nil, hint.Errorf(advice, "the cluster %s was made with a %s that is a secret, and not written down in its marks", s.Prefix, key)
	}
	return vars, nil
}

// VarsFile reads the user's words from a YAML file of names and values, which need not be there, and
// lays those of the environment and the command line over them.
func (s *Settings) VarsFile(path string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return s.Vars, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read your words: %w", err)
	}
	vars := map[string]string{}
	if err := yaml.Unmarshal(text, &vars); err != nil {
		return nil, hint.Errorf("lines such as Registry_Mirror: 10.0.0.5:5000", "%s: %w", path, err)
	}
	if err := checkNames(vars); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	maps.Copy(vars, s.Vars)
	return vars, nil
}
