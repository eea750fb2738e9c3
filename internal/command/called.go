package command

import (
	"slices"
	"strings"

	"coreos-libvirt/internal/launch"
	"coreos-libvirt/internal/settings"
)

// once are words that say what one run does. Those left say what the cluster is.
var once = []string{"recreate", "force", "parallel", "redefine", "protect", "renew", "refresh", "format", "diff"}

// upAsCalled is the command line of `mage up` as this run was called: with the settings of its command line that say what
// the cluster is, and words.
func upAsCalled(s *settings.Settings, words ...string) string {
	line := []string{launch.Called()}
	if s.InLab {
		line = append(line, "lab")
	}
	line = append(line, "up")
	for _, word := range s.Words {
		key, _, _ := strings.Cut(word, "=")
		other := slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, key+"=") })
		if !other && !slices.Contains(once, key) {
			line = append(line, quoted(word))
		}
	}
	return strings.Join(append(line, words...), " ")
}

// quoted is the word as a shell takes it.
func quoted(word string) string {
	if strings.ContainsAny(word, " \t\n'\"\\$`!*?[]{}()<>|&;#~") {
		return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	return word
}
