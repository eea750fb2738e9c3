//go:build mage

package main

import (
	"os"
	"slices"
	"strings"
)

// words are the key=value words of the command line, behind is what follows the target lab.
var words, behind []string

// init takes both out of os.Args before Mage's main sees them: Mage itself knows no settings, and
// what follows lab runs inside it.
func init() {
	rest, w, b := split(os.Args)
	relaunch(rest[1:])
	os.Args, words, behind = rest, w, b
}

// split sorts a command line into Mage's own part, all settings, and what follows lab (with the
// settings that stand before it).
func split(args []string) (rest, words, behind []string) {
	var after []string
	if i := slices.IndexFunc(args, isLab); i > 0 {
		args, after = args[:i+1], args[i+1:]
	}
	rest, words = settingsOf(args[1:])
	behind = append(slices.Clone(after), words...)
	_, inside := settingsOf(after)
	return append(args[:1:1], rest...), append(words, inside...), behind
}

// settingsOf takes the settings out of args.
func settingsOf(args []string) (rest, words []string) {
	for _, arg := range args {
		if strings.Contains(arg, "=") && !isFlag(arg) {
			words = append(words, arg)
		} else {
			rest = append(rest, arg)
		}
	}
	return rest, words
}

func isLab(arg string) bool { return strings.EqualFold(arg, "lab") }

// isFlag tells a flag of Mage's own (-t=10m) from a word that only looks like one (--nodes=3).
func isFlag(arg string) bool {
	name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
	return strings.HasPrefix(arg, "-") && slices.Contains([]string{"t", "v", "l", "h"}, name)
}
