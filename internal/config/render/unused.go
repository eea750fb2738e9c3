package render

import (
	"regexp"
	"strings"

	"github.com/agnivade/levenshtein"
)

// ownWord matches what looks like a word of the user's: letters, digits and at least one _.
var ownWord = regexp.MustCompile(`[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)+`)

// mark stands around words that have a value, in a copy of a text: no text has it (U+FDD0 is not a character).
const mark = "\ufdd0"

// Found are the words of documents.
type Found struct {
	used   map[string]bool   // words with a value
	others map[string]string // what looks like a word and has no value, with the place where it stands first
}

// Find adds the words of the document to those that are found. known are those with a value.
func (f *Found) Find(doc []byte, known Words) error {
	if f.used == nil {
		*f = Found{used: map[string]bool{}, others: map[string]string{}}
	}
	marked := Words{}
	for word := range known {
		marked[word] = mark + word + mark
	}
	replacer := marked.Replacer()
	return texts(doc, func(text, at string) {
		for i, part := range strings.Split(replacer.Replace(text), mark) {
			if i%2 == 1 {
				f.used[part] = true
				continue
			}
			for _, word := range ownWord.FindAllString(part, -1) {
				if _, has := f.others[word]; !has {
					f.others[word] = at
				}
			}
		}
	})
}

// Uses reports whether the word was found.
func (f *Found) Uses(word string) bool { return f.used[word] }

// Nearest is what looks most like the word and has no value, and where that stands; letters is by how many the two
// differ, of capitals and others none. Without anything that is like it nearest is empty.
func (f *Found) Nearest(word string) (nearest, at string, letters int) {
	letters = max(near, len(word)/3) + 1
	for other, place := range f.others {
		d := levenshtein.ComputeDistance(strings.ToLower(word), strings.ToLower(other))
		if d < letters || d == letters && nearest != "" && other < nearest {
			nearest, at, letters = other, place, d
		}
	}
	return nearest, at, letters
}

// texts calls look with all texts of the document, decoded contents included, and their places.
func texts(doc []byte, look func(text, at string)) error {
	s := substituter{replacer: strings.NewReplacer(), look: look}
	_, err := s.document(doc)
	return err
}
