// Package printable takes out of a text what would do something to a terminal: nobody knows what a guest says.
package printable

import (
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// Line is one line without control sequences (ECMA-48), and without any control character but the tab. Those that
// turn the direction of the text are none of its own.
func Line(line string) string {
	shown := strings.Map(func(r rune) rune {
		if r != '\t' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(ansi.Strip(line), string(unicode.ReplacementChar)))
	return strings.TrimRight(shown, " ")
}

// Text is the same with line breaks kept, but for those at its ends.
func Text(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i, line := range lines {
		lines[i] = Line(line)
	}
	return strings.Join(lines, "\n")
}
