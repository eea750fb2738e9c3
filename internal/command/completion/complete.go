// Package completion is what a shell offers behind a key press: targets, their settings, and values for these. What a shell has
// to be asked, and how its words are quoted, is carapace's (https://carapace.sh).
package completion

import (
	"io"
	"os"
	"slices"
	"strings"

	"github.com/carapace-sh/carapace"
	"github.com/spf13/cobra"

	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/settings/targets"
	"coreos-libvirt/internal/workspace"
)

// Asked reports whether the process was started by a shell that wants to complete a line.
func Asked() bool { return carapace.IsCallback() }

// Answer prints what the shell asks for. It says nothing else: the line that is typed would be lost among it.
func Answer() {
	_ = command("mage").Execute()
}

// command is what carapace completes for, under the name by which the shell knows it.
func command(name string) *cobra.Command {
	root := &cobra.Command{Use: name, DisableFlagParsing: true, SilenceErrors: true, SilenceUsage: true, Run: func(*cobra.Command, []string) {}}
	root.SetErr(io.Discard)
	completes := carapace.Gen(root)
	completes.Standalone()
	completes.PositionalAnyCompletion(carapace.ActionCallback(func(c carapace.Context) carapace.Action {
		words, is := targetsOf(c.Args)
		if !is {
			return carapace.ActionValues() // a `go` that has nothing to do with this project
		}
		folder, _ := os.Getwd()
		here, _ := workspace.At(folder)
		return next(typed{before: words, workspace: here}, c.Value)
	}))
	return root
}

// targetsOf are the words behind `mage`, or behind `go run magefile.go`, which the shell gives with the two.
func targetsOf(args []string) (words []string, is bool) {
	if launched := []string{"run", "magefile.go"}; len(args) >= 2 && slices.Equal(args[:2], launched) {
		return args[2:], true
	}
	_, ofGo := os.LookupEnv(goVariable) //nolint:forbidigo // set by the script that asks, no setting of the user's
	return args, !ofGo
}

// typed is a line as far as it is typed.
type typed struct {
	before    []string // the words before the one that is completed
	workspace workspace.Workspace
}

// targets are those that the word that comes can be a setting of, and whether that word can be a target, too.
func (l typed) targets() (about []targets.Target, more bool) {
	more = true
	for _, word := range l.before {
		if target, is := targets.Find(word); is {
			about, more = append(about, target), slices.Contains([]string{"lab", "help"}, target.Name)
		}
	}
	return about, more
}

// value is what the setting was set to in a word before, or empty.
func (l typed) value(setting string) string {
	for _, word := range l.before {
		if key, value, _ := strings.Cut(word, "="); key == setting {
			return value
		}
	}
	return ""
}

// next is what can come: a target or a setting, or behind a setting's = its values.
func next(l typed, word string) carapace.Action {
	return carapace.ActionMultiPartsN("=", 2, func(c carapace.Context) carapace.Action {
		if len(c.Parts) > 0 {
			return valuesOf(l, c.Parts[0])
		}
		about, more := l.targets()
		offered := []carapace.Action{}
		if more {
			offered = append(offered, targetNames(about))
		}
		if len(about) > 0 || word != "" { // who typed nothing yet is not shown fifty settings
			offered = append(offered, settingNames(l, about))
		}
		return carapace.Batch(offered...).ToA()
	})
}

// targetNames are all targets but those that are there.
func targetNames(but []targets.Target) carapace.Action {
	all := []string{}
	for _, t := range targets.All {
		if !slices.ContainsFunc(but, func(b targets.Target) bool { return b.Name == t.Name }) {
			all = append(all, t.Name, strings.TrimSuffix(t.Does, "."))
		}
	}
	return carapace.ActionValuesDescribed(all...).Tag("targets")
}

// settingNames are those of the targets, or without any of the default, that are not set yet.
func settingNames(l typed, about []targets.Target) carapace.Action {
	if up, _ := targets.Find(targets.Default); len(about) == 0 {
		about = []targets.Target{up}
	}
	all := []string{}
	for _, key := range settings.Keys(settings.Environment{}) {
		takes := func(t targets.Target) bool { return t.Has(key.Name) }
		set := func(word string) bool { return strings.HasPrefix(word, key.Name+"=") }
		if slices.ContainsFunc(about, takes) && !slices.ContainsFunc(l.before, set) {
			all = append(all, key.Name, key.Meaning)
		}
	}
	return carapace.ActionValuesDescribed(all...).Suffix("=").Tag("settings")
}
