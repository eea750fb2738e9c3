package command

import (
	"slices"
	"strings"

	"coreos-libvirt/internal/launch"
	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/settings/secret"
	"coreos-libvirt/internal/settings/targets"
	"coreos-libvirt/internal/terminal/shellword"
)

// ofOneRun are words that say what one run does, of whatever target. Those left say what the cluster is.
var ofOneRun = []string{
	"recreate", "force", "parallel", "redefine", "protect", "renew", "refresh", "format", "diff",
	"node", "host", "all", "yes", "plan", "cmd", "from", "to", "port", "user", "grace", "follow", "file", "archive", "rounds", "full", "apply", "rollback", "nic", "shell", "install",
	"verify", "strict", "units", "settle", "unit", "defrag", "keys",
}

// ofAnyTarget are words that say which cluster, or which snapshot of it, is meant, ofHost those that say what the machine is made ready for.
var (
	ofAnyTarget = []string{"prefix", "uri", "hosts", "name"}
	ofHost      = []string{"host", "uri", "bridge", "nic", "network", "direct", "rollback"}
)

// upAsCalled is the command line of `mage up` as this run was called: with the settings of its command line that say what
// the cluster is, and words.
func upAsCalled(s *settings.Settings, words ...string) string { return asCalled(s, "up", words...) }

// asCalled is the command line of a target as this run was called, with words: what a person types next.
func asCalled(s *settings.Settings, target string, words ...string) string {
	line := []string{launch.Called()}
	if s.InLab {
		line = append(line, "lab")
	}
	line = append(line, target)
	line = append(line, thatGoWith(target, s.Words, words)...)
	return strings.Join(append(line, words...), " ")
}

// thatGoWith are those of this run's words that are settings of the target, too, and of which there are no others. Passwords are not
// printed.
func thatGoWith(target string, words, others []string) (all []string) {
	for _, word := range words {
		key, value, _ := strings.Cut(word, "=")
		other := slices.ContainsFunc(others, func(w string) bool { return strings.HasPrefix(w, key+"=") })
		if !other && goesWith(target, key) && !secret.Is(key, value) {
			all = append(all, quoted(word))
		}
	}
	return all
}

// goesWith reports whether the setting of this run is one of the target's, too.
func goesWith(target, key string) bool {
	t, known := targets.Find(target)
	if !known || !t.Has(key) {
		return false
	}
	switch {
	case target == "settings": // which prints what words may be, and fails of a wrong one as this run did
		return false
	case target == "up" || target == "verify":
		return !slices.Contains(ofOneRun, key)
	case strings.HasPrefix(target, "host:"):
		return slices.Contains(ofHost, key)
	}
	return slices.Contains(ofAnyTarget, key)
}

// quoted is the word as a shell takes it.
func quoted(word string) string {
	if strings.ContainsAny(word, " \t\n'\"\\$`!*?[]{}()<>|&;#~") {
		return shellword.Of(word)
	}
	return word
}
