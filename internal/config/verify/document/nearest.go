package document

import (
	"strings"

	"github.com/agnivade/levenshtein"
)

// Nearest is the name that differs least from the word, by two letters at most, of short ones by one; or empty.
func Nearest(word string, names []string) (near string) {
	best := min(2, max(1, len(word)/4)) + 1
	for _, name := range names {
		if d := distance(strings.ToLower(word), strings.ToLower(name)); d < best {
			near, best = name, d
		}
	}
	return near
}

// distance is how many letters differ. Two that changed places are one.
func distance(a, b string) int {
	if i := differ(a, b); len(a) == len(b) && i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:] {
		return 1
	}
	return levenshtein.ComputeDistance(a, b)
}

// differ is the first byte at which they differ.
func differ(a, b string) (i int) {
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	return i
}
