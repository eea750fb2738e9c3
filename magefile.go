//go:build ignore

// Runs Mage without Mage installed: `go run magefile.go up prefix=core nodes=3`.
package main

import (
	"os"
	"os/exec"
	"strings"

	"github.com/magefile/mage/mage"
)

// dlopen is the tag by which libvirt's binding needs no headers: it loads libvirt.so when it runs.
const dlopen = "libvirt_dlopen"

func main() {
	if err := os.Setenv("GOFLAGS", withTag(goflags())); err != nil {
		panic(err)
	}
	os.Exit(mage.Main())
}

// goflags is what Go would use, from the environment or from `go env -w`.
func goflags() string {
	out, err := exec.Command("go", "env", "GOFLAGS").Output()
	if err != nil {
		return os.Getenv("GOFLAGS")
	}
	return strings.TrimSpace(string(out))
}

// withTag adds the tag to those that flags may hold.
func withTag(flags string) string {
	words := strings.Fields(flags)
	for i, word := range words {
		if name, tags, ok := strings.Cut(word, "="); ok && (name == "-tags" || name == "--tags") {
			words[i] = name + "=" + tags + "," + dlopen
			return strings.Join(words, " ")
		}
	}
	return strings.Join(append(words, "-tags="+dlopen), " ")
}
