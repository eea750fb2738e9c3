package targets

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/terminal/column"
)

// Usage is what is printed, and how.
type Usage struct {
	Program string         // what stands before a target: mage
	Width   int            // columns of the terminal
	Keys    []settings.Key // all settings, with their defaults here
}

// Print writes what is known of the targets of which help is wanted: of those behind lab, if there are any; if there is none at
// all, a list of the targets.
func (u Usage) Print(w io.Writer, line Line) {
	about := line.Behind
	if len(about) == 0 {
		about = line.Targets
	}
	if len(about) == 0 {
		u.list(w)
	}
	for i, target := range about {
		if i > 0 {
			fmt.Fprintln(w)
		}
		u.target(w, target)
	}
}

// target writes all that is known of the target.
func (u Usage) target(w io.Writer, t Target) {
	u.paragraph(w, fmt.Sprintf("%s %s %s", u.Program, t.Name, t.Does))
	u.paragraph(w, t.More)
	fmt.Fprintln(w)
	u.settings(w, t)
	fmt.Fprintf(w, "Examples:\n  %s %s\n  %s %s\n", u.Program, t.Examples[0], u.Program, t.Examples[1])
}

// settings writes those that the target takes, if there are any.
func (u Usage) settings(w io.Writer, t Target) {
	if len(t.Takes) == 0 {
		return
	}
	u.paragraph(w, fmt.Sprintf("Settings, as name=value behind it, or in the environment; `%s settings` prints what they are now:", u.Program))
	for _, key := range u.Keys {
		if t.Has(key.Name) {
			u.key(w, key)
		}
	}
	if t.Has(Vars) {
		u.column(w, "var.<word>", "a word of your own in the config, and its value")
	}
	fmt.Fprintln(w)
}

// key writes a setting.
func (u Usage) key(w io.Writer, key settings.Key) {
	text := key.Meaning
	switch {
	case key.Default != "" && key.Lab != "":
		text += fmt.Sprintf(" (default %s, in the lab %s)", key.Default, key.Lab)
	case key.Default != "":
		text += fmt.Sprintf(" (default %s)", key.Default)
	}
	u.column(w, key.Name, text)
}

// names is how many columns the names of settings have, with the space around them.
const names = 20

// paragraph writes a text, or nothing if it is empty.
func (u Usage) paragraph(w io.Writer, text string) {
	for _, line := range column.Wrapped(text, u.Width) {
		fmt.Fprintln(w, line)
	}
}

// column writes a name and a text behind it, which goes on below itself.
func (u Usage) column(w io.Writer, name, text string) {
	column.Print(w, fmt.Sprintf("  %-*s", names-2, name), text, names, u.Width)
}

// list writes a line a target.
func (u Usage) list(w io.Writer) {
	fmt.Fprintf(w, "%s <target> [setting=value …]\n\nTargets:\n", u.Program)
	all := slices.Clone(All)
	slices.SortFunc(all, func(a, b Target) int { return strings.Compare(a.Name, b.Name) })
	for _, t := range all {
		u.column(w, t.Name, t.Does)
	}
	fmt.Fprintf(w, "\n`%s help <target>` says more of one.\n", u.Program)
}
