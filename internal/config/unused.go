package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"coreos-libvirt/internal/config/render"
)

// surely is how many letters a word of the user's may differ by from one of the config that it is surely meant to be.
const surely = 2

// warnOfUnused warns of words of the user's that are used nowhere. Those of the environment and of vars.yml may be there
// for another config: of them only if this one has a word that is surely meant.
func (s *Source) warnOfUnused(o Options, vars render.Words) error {
	if len(vars) == 0 {
		return nil
	}
	var found render.Found
	if err := s.each(func(_ string, doc []byte) error { return found.Find(doc, s.known(o.Later)) }); err != nil {
		return err
	}
	for _, word := range slices.Sorted(maps.Keys(vars)) {
		if found.Uses(word) || s.ready.Has(word) {
			continue
		}
		if advice := o.adviceOfUnused(word, found); advice != "" {
			s.warn(fmt.Sprintf("%s: warning: %s is used nowhere (hint: %s)", s.Path, o.varAs(word), advice))
		}
	}
	return nil
}

// adviceOfUnused is empty if nothing needs to be said.
func (o Options) adviceOfUnused(word string, found render.Found) string {
	given := strings.HasPrefix(o.varAs(word), "var.")
	nearest, at, letters := found.Nearest(word)
	switch {
	case nearest != "" && (given || letters <= surely):
		return fmt.Sprintf("did you mean %s of %s ?", nearest, at)
	case given:
		return "no word in there is like it"
	}
	return ""
}

func (o Options) varAs(word string) string {
	if o.VarAs == nil {
		return word
	}
	return o.VarAs(word)
}
