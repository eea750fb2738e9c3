package render

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"

	"coreos-libvirt/internal/terminal/hint"
)

// All the words that the project has. Those of discovery have values only where the config is given some.
var all = []string{
	"Node_Name", "Node_Prefix", "Group_Name", "Group_Count", "Node_Number", "Node_Count", "Node_MAC", "Node_MAC2", "Node_MAC3", "Node_MAC4", "Cluster_Name", "SSH_Authorized_Key",
	"Etcd_Discovery_URL", "Etcd_Discovery_Token", "Etcd_Discovery_Endpoints", "Etcd_Initial_Cluster",
	"Etcd_Discovery_Flags", "Etcd_CA_Certificate",
}

// family matches what looks like one of them.
var family = regexp.MustCompile(`\b(?:Node|Group|Cluster|SSH|Etcd)_[A-Z][A-Za-z]*(?:_[A-Z][A-Za-z]*)*`)

const (
	// near is how many letters a mistyped word may differ by.
	near = 2
	// long is how many letters a word has that nobody else's resembles by chance, as Node_Mount does Node_Count.
	long = 11
)

// miss is a word in a text that looks like one of the project's and has no value.
type miss struct {
	what, advice string
	fatal        bool // else it may well be the user's own
}

// valid refuses values that no document can hold, or that would be more than the word stands for: a line's end in one of the
// project's own begins another line of a unit.
func (w Words) valid() error {
	for word, value := range w {
		if !utf8.ValidString(value) {
			return hint.Errorf("Ignition documents are JSON, and that is text", "the value of %s is not UTF-8: %q", word, value)
		}
		if strings.ContainsFunc(value, notIn(word)) {
			return hint.Errorf("a value has one line, a word of yours or a certificate several; none has other control characters", "the value of %s has a control character: %.200q", word, value)
		}
	}
	return nil
}

// notIn tells which characters the value of a word does not have.
func notIn(word string) func(rune) bool {
	oneLine := word != "Etcd_CA_Certificate" && slices.Contains(all, word)
	return func(r rune) bool {
		return unicode.IsControl(r) && (oneLine || !strings.ContainsRune("\t\r\n", r))
	}
}

// checker gives a function that finds words of the project's in a text which w has no value for: the
// words themselves, all that begins as those of discovery do, and what is a typo away from one, which is
// certain only of a long one. Other words of that look (Node_Exporter) are the user's business. advice may be nil.
func (w Words) checker(advice func(word string) string) func(text string) []miss {
	blanks := Words{}
	for word := range w {
		blanks[word] = " "
	}
	blank := blanks.Replacer()
	return func(text string) (misses []miss) {
		for _, found := range family.FindAllString(blank.Replace(text), -1) {
			if m := lacks(found); m != nil {
				m.adviseBy(found, advice)
				misses = append(misses, *m)
			}
		}
		return misses
	}
}

func lacks(found string) *miss {
	none := "there is no word " + found
	best, distance := "", near+1
	for _, word := range all {
		if d := levenshtein.ComputeDistance(found, word); d < distance {
			best, distance = word, d
		}
	}
	switch {
	case distance == 0 && strings.HasPrefix(found, "Group_"): // which may be the user's own in a cluster without groups
		return &miss{what: "the word " + found + noValue, advice: "nodes of a group have one: docs/groups.md"}
	case distance == 0:
		return &miss{what: "the word " + found + noValue, advice: "another value of discovery= gives it one", fatal: true}
	case distance <= near:
		return &miss{none, "did you mean " + best + " ?", distance == 1 && len(best) >= long || isDiscovery(found)}
	case isDiscovery(found):
		return &miss{none, "words are " + strings.Join(all, ", "), true}
	}
	return nil
}

// noValue is what is said of a word that there is.
const noValue = " has no value"

// adviseBy has somebody who knows say what gives the word a value.
func (m *miss) adviseBy(word string, advice func(word string) string) {
	if advice == nil || !strings.HasSuffix(m.what, noValue) {
		return
	}
	if text := advice(word); text != "" {
		m.advice = text
	}
}

func isDiscovery(word string) bool {
	return strings.HasPrefix(word, "Etcd_Discovery_") || strings.HasPrefix(word, "Etcd_Initial_")
}
