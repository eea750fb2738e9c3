// Package limits checks how large types, structs and packages are, and that no room imports one that it does not know. Files
// of tests are not counted.
package limits

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// The limits.
const (
	maxMethods = 25   // of a type; embedded ones are not counted
	maxFields  = 15   // of a struct; an embedded one counts as one field
	maxLines   = 1500 // of a package's files, with blank lines and comments
)

// The kinds of limits, as an Exception names them.
const (
	methods = "methods"
	fields  = "fields"
	lines   = "lines"
)

// Exception is what may be larger than a limit.
type Exception struct {
	Name  string // a type, such as internal/settings.Settings, or a package's folder
	Limit string // methods, fields or lines
	Why   string
}

// Finding is a limit that the module breaks.
type Finding struct {
	File string // from the module's folder
	Line int
	Text string
}

func (f Finding) String() string { return fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Text) }

// Rules are what a module is checked against.
type Rules struct {
	Rooms      []Room
	Private    []string // rooms that one must name to import them: "all below" are all others
	Exceptions []Exception
}

// Check finds what breaks the rules in the module of the folder dir, in each of its builds.
func (r Rules) Check(ctx context.Context, dir string) ([]Finding, error) {
	all, err := load(ctx, dir)
	if err != nil {
		return nil, err
	}
	findings := slices.Concat(r.tooLarge(sizes(all)), r.unknown(all), unbuilt(all))
	slices.SortFunc(findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), a.Line-b.Line, cmp.Compare(a.Text, b.Text))
	})
	return slices.Compact(findings), nil
}
