package hint

import (
	"strings"

	"github.com/agnivade/levenshtein"
)

// Nearest is the one of the names that a mistyped one may mean, or empty: of short words fewer letters may be wrong. Of two
// that are as near it is the one that has more of the letters.
func Nearest(word string, among []string) string {
	near, best := "", 0
	for _, name := range among {
		d := levenshtein.ComputeDistance(strings.ToLower(word), name)
		if len(word) == len(name) && others(word, name) == 0 { // letters that were typed in another order
			d = min(d, 1)
		}
		if off := 100*d + others(word, name); d <= min(2, max(1, len(word)/2)) && (near == "" || off < best) {
			near, best = name, off
		}
	}
	return near
}

// others is how many letters of the word are not in the name.
func others(word, name string) (count int) {
	for _, letter := range strings.ToLower(word) {
		if strings.ContainsRune(name, letter) {
			name = strings.Replace(name, string(letter), "", 1)
		} else {
			count++
		}
	}
	return count
}
