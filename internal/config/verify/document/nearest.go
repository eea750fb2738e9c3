package document

import (
	"strings"

	"github.com/agnivade/levenshtein"
)

// Nearest is the name that differs least from the word, by two letters at most, of short ones by one; or empty.
func Nearest(word string, names []string) (near string) {
	best := min(2, max(1, len(word)/4)) + 1
	for _, name := range names {
		if d := levenshtein.ComputeDistance(strings.ToLower(word), strings.ToLower(name)); d < best {
			near, best = name, d
		}
	}
	return near
}
