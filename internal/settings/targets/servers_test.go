package targets

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// TestServers reads the files of docs/ci, which call this project on servers, as YAML: their scripts are some, and what they call is
// a command line that is right.
func TestServers(t *testing.T) {
	for _, name := range []string{"github.yml", "gitlab-ci.yml"} {
		text, err := os.ReadFile(filepath.Join("../../../docs/ci", name))
		if err != nil {
			t.Fatal(err)
		}
		var doc yaml.Node
		if err := yaml.Unmarshal(text, &doc); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		called := false
		for _, script := range scriptsOf(&doc) {
			if out, err := exec.Command("bash", "-n", "-c", script).CombinedOutput(); err != nil {
				t.Errorf("%s: %s: %v\n%s", name, script, err, out)
			}
			_, words, is := strings.Cut(script, "go run magefile.go ")
			if !is {
				continue
			}
			line, err := Parse(strings.Fields(words))
			called = true
			if err != nil || len(line.Inside) == 0 || line.Inside[0] != "ci" {
				t.Errorf("%s: %s: %v, inside the lab %q", name, script, err, line.Inside)
			}
		}
		if !called {
			t.Errorf("%s does not call ci", name)
		}
	}
}

// scriptsOf are the texts below keys run and script.
func scriptsOf(n *yaml.Node) (all []string) {
	for i, child := range n.Content {
		if key := i > 0 && n.Kind == yaml.MappingNode && i%2 == 1; key && (n.Content[i-1].Value == "run" || n.Content[i-1].Value == "script") {
			if child.Kind == yaml.ScalarNode {
				all = append(all, child.Value)
			}
			for _, line := range child.Content {
				all = append(all, line.Value)
			}
			continue
		}
		all = append(all, scriptsOf(child)...)
	}
	return all
}
