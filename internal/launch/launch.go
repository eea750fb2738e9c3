// Package launch is how the targets are built with libvirt's binding. A plain `mage` builds them without, which needs no C
// compiler, and starts the program that is built here for the targets that need libvirt.
package launch

import (
	"os"
	"os/exec"
	"strings"

	"github.com/magefile/mage/mg"
)

// dlopen is the tag by which libvirt's binding needs no headers: it loads libvirt.so when it runs.
const dlopen = "libvirt_dlopen"

// Environment are the variables by which Mage builds them so: GOFLAGS with the tag, and a cache of its own.
// In one cache the targets with and without the binding would take turns, each linked again.
func Environment() map[string]string {
	return map[string]string{"GOFLAGS": withTag(goflags(), dlopen), mg.CacheEnv: cache()}
}

// goflags is what Go would use, from the environment or from `go env -w`.
func goflags() string {
	out, err := exec.Command("go", "env", "GOFLAGS").Output()
	if err != nil {
		return os.Getenv("GOFLAGS")
	}
	return strings.TrimSpace(string(out))
}

// withTag adds the tags to those that flags may hold.
func withTag(flags string, tags ...string) string {
	words := strings.Fields(flags)
	for i, word := range words {
		name, had, ok := strings.Cut(word, "=")
		if !ok || name != "-tags" && name != "--tags" {
			continue
		}
		for _, tag := range tags {
			if !strings.Contains(","+had+",", ","+tag+",") {
				had += "," + tag
			}
		}
		words[i] = name + "=" + had
		return strings.Join(words, " ")
	}
	return strings.Join(append(words, "-tags="+strings.Join(tags, ",")), " ")
}
