package render

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/agnivade/levenshtein"

	"coreos-libvirt/internal/hint"
)

// All the project's own words. Those of discovery have values only where the config is given some.
var all = []string{
	"Node_Name", "Node_Prefix", "Node_Number", "Node_Count", "Node_MAC", "Cluster_Name", "SSH_Authorized_Key",
	"Etcd_Discovery_URL", "Etcd_Discovery_Token", "Etcd_Discovery_Endpoints", "Etcd_Initial_Cluster",
	"Etcd_Discovery_Flags", "Etcd_CA_Certificate",
}

// family matches what looks like one of them.
var family = regexp.MustCompile(`\b(?:Node|Cluster|SSH|Etcd)_[A-Z][A-Za-z]*(?:_[A-Z][A-Za-z]*)*`)

// near is how many letters a mistyped word may differ by.
const near = 2

// checker gives a function that finds words of the project's in a text which w has no value for: the
// words themselves, all that begins as those of discovery do, and what is a typo away from one.
// Other words of that look (Node_Exporter) are the user's business.
func (w Words) checker() func(text string) error {
	blanks := Words{}
	for word := range w {
		blanks[word] = " "
	}
	blank := blanks.replacer()
	return func(text string) error {
		for _, found := range family.FindAllString(blank.Replace(text), -1) {
			if err := w.lacks(found); err != nil {
				return err
			}
		}
		return nil
	}
}

func (w Words) lacks(found string) error {
	best, distance := "", near+1
	for _, word := range all {
		if d := levenshtein.ComputeDistance(found, word); d < distance {
			best, distance = word, d
		}
	}
	switch {
	case distance == 0:
		return hint.Errorf("it is of a service that is off, or not of this kind", "the word %s has no value", found)
	case distance <= near:
		return hint.Errorf("did you mean "+best+" ?", "there is no word %s", found)
	case strings.HasPrefix(found, "Etcd_Discovery_"), strings.HasPrefix(found, "Etcd_Initial_"):
		return hint.Errorf(fmt.Sprintf("words are %s", strings.Join(all, ", ")), "there is no word %s", found)
	}
	return nil
}
