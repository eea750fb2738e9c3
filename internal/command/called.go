package command

import (
	"slices"
	"strings"

	"coreos-libvirt/internal/launch"
)

// asCalled is the command line of a target as this run was called: with its own settings, but for those of words.
func (r *Run) asCalled(target string, words ...string) string {
	line := []string{"mage"}
	if _, args, err := launch.Mage(); err == nil && len(args) > 0 {
		line = append([]string{"go"}, args...)
	}
	if r.InLab {
		line = append(line, "lab")
	}
	line = append(line, target)
	for _, word := range r.given {
		key, _, _ := strings.Cut(word, "=")
		other := slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, key+"=") })
		if !other && !slices.Contains([]string{"format", "diff"}, key) {
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
