package settings

import (
	"cmp"
	"maps"
	"slices"

	"coreos-libvirt/internal/settings/row"
	"coreos-libvirt/internal/settings/secret"
)

// Rows are all settings, in groups, and behind them the user's words with those of the file varsFile.
func (s *Settings) Rows(varsFile string) (rows []row.Row, err error) {
	vars, err := s.VarsFile(varsFile)
	if err != nil {
		return nil, err
	}
	for _, c := range slices.SortedStableFunc(slices.Values(s.chosen), func(a, b choice) int { return cmp.Compare(row.Place(a.key.Name), row.Place(b.key.Name)) }) {
		rows = append(rows, row.Row{
			Name: c.key.Name, Value: c.shown(), From: c.from, Default: c.key.Default,
			Variable: c.key.Variable(), Group: row.GroupOf(c.key.Name), Meaning: c.key.Meaning,
		})
	}
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		rows = append(rows, row.Row{
			Name: varPrefix + name, Value: vars[name], From: s.sourceOf(name, varsFile),
			Variable: varVariable + name, Group: row.YourWords, Meaning: "a word of yours",
		})
	}
	return rows, nil
}

// shown is the value without a password.
func (c choice) shown() string { return secret.Shown(c.key.Name, c.value) }
