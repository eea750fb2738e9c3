// Package column writes texts into the columns that a terminal has.
package column

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// Default is how many columns a terminal is taken to have that does not say it.
const Default = 80

// Width is how many columns the file's terminal has, and whether it is one.
func Width(file *os.File) (columns int, is bool) {
	if !term.IsTerminal(int(file.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil || width <= 0 {
		width = Default
	}
	return width, true
}

// Print writes head, and behind it, from the column at on, the text, which goes on below itself. No line is longer than width
// columns, but for a word that is.
func Print(w io.Writer, head, text string, at, width int) {
	for _, line := range Wrapped(text, max(width-at, Default/4)) {
		fmt.Fprintf(w, "%-*s%s\n", at, head, line)
		head = ""
	}
}

// Wrapped is the text in lines of at most width columns; words stay whole, but for those that are longer than that.
func Wrapped(text string, width int) (lines []string) {
	for _, word := range strings.Fields(text) {
		if last := len(lines) - 1; last >= 0 && utf8.RuneCountInString(lines[last])+1+utf8.RuneCountInString(word) <= width {
			lines[last] += " " + word
			continue
		}
		for rest := []rune(word); len(rest) > 0; {
			n := min(len(rest), width)
			lines, rest = append(lines, string(rest[:n])), rest[n:]
		}
	}
	return lines
}
