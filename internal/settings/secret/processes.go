package secret

import (
	"strings"
	"unsafe"
)

// isWord reports whether the word of a command line has a password.
func isWord(word string) bool {
	name, value, has := strings.Cut(word, "=")
	return has && value != "" && Is(name, value)
}

// Conceal takes passwords out of what lists of processes show of this one: args are os.Args, whose texts are the very memory that the
// kernel shows (proc(5), /proc/pid/cmdline). They get copies that say the same.
func Conceal(args []string) {
	for i, word := range args {
		if !isWord(word) {
			continue
		}
		args[i] = strings.Clone(word)
		name, value, _ := strings.Cut(word, "=")
		shown := unsafe.Slice(unsafe.StringData(word), len(word)) //nolint:gosec // there is no other way, and nobody has the text but args
		for at := range value {
			shown[len(name)+1+at] = 'x'
		}
	}
}

// Exported is the words of a program that is about to be started without those that have a password, and the variables of the environment
// that say the same: these only the user can read.
func Exported(words []string) (others, variables []string) {
	for _, word := range words {
		if name, value, _ := strings.Cut(word, "="); isWord(word) {
			variables = append(variables, "COREOS_"+strings.ToUpper(name)+"="+value)
		} else {
			others = append(others, word)
		}
	}
	return others, variables
}
