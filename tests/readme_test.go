package tests

import (
	"os"
	"strings"
	"testing"
)

// What CI runs is what README tells people to run.
func TestCIRunsReadmesCommand(t *testing.T) {
	script, err := os.ReadFile("../.ci/run")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(script)), "\n")
	command, is := strings.CutPrefix(lines[len(lines)-1], "exec ")
	_, block, _ := strings.Cut(string(readme), "```sh\n")
	block, _, _ = strings.Cut(block, "```")
	if !is || !strings.Contains("\n"+block, "\n"+command+"\n") {
		t.Errorf(".ci/run ends with %q, README begins with\n%s", lines[len(lines)-1], block)
	}
}
