package wording

import (
	"regexp"
	"strings"
)

// hard are words and turns that readers stumbled over, and what to write. CONTRIBUTING.md has the list, too.
var hard = []struct {
	what *regexp.Regexp
	not  string // as the list in CONTRIBUTING.md has it
	use  string
}{
	{word(`anew`), "anew", "again, recreate"},
	{word(`lack(?:s|ed|ing)?`), "lacks, lacking", "is missing, has no"},
	{word(`tells?|told`), "tells", "says, shows, knows"},
	{word(`own words?`), "its own words", "what it says, its settings"},
	{word(`(?:is|are) no`), "is no (thing)", "is not a (thing)"},
	{word(`of whom?`), "of who", "whose, who"},
	{word(`where (?:there|no|one|nothing|nobody|none|that is|it (?:does|has|may))`), "where (for a condition)", "if"},
	{word(`shall`), "shall", "must, will"},
	{word(`for trial`), "for trial", "to try it"},
	{word(`as of`), "as of", "for example, like"},
	{word(`nought|hence|thus|thereof|therein|whereby|hitherto`), "hence, thus, whereby", "so, by which"},
	{word(`mend(?:s|ed)?`), "mended", "corrected"},
	{word(`put right`), "put right", "correct"},
	{word(`pulls? (?:its|the) plug|plug is pulled`), "pulls its plug", "powers it off"},
	{word(`your hand`), "wants your hand", "edit it by hand"},
	{word(`glance`), "glance", "short look"},
	{word(`takes? down`), "takes down", "notes, writes"},
}

// fine are turns that have a hard word and are not hard.
var fine = regexp.MustCompile(`(?i)\b(?:there (?:is|are) no|(?:is|are) no longer|(?:is|are) no more than|by whom)\b`)

func word(expression string) *regexp.Regexp {
	return regexp.MustCompile(`(?i)\b(?:` + expression + `)\b`)
}

// Hard says which words of the text are hard to read, and what to write; empty if none is.
func Hard(text string) string {
	text = fine.ReplaceAllString(text, "…")
	found := []string{}
	for _, h := range hard {
		if got := h.what.FindString(text); got != "" {
			found = append(found, `"`+got+`": write `+h.use)
		}
	}
	return strings.Join(found, "; ")
}
