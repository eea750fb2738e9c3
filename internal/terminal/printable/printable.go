// Package printable takes out of a text what would do something to a terminal: nobody knows what a guest says.
package printable

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// Line is one line without control sequences (ECMA-48), and without any control character but the tab. Those that
// turn the direction of the text are none of its own.
func Line(line string) string {
	shown := strings.Map(func(r rune) rune {
		if r != '\t' && acts(r) {
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

// Value is a text for a program to read, which may print it: as it is if it is nothing but characters, line breaks and tabs,
// else Text.
func Value(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return r != '\t' && r != '\n' && acts(r) }) || !utf8.ValidString(text) {
		return Text(text)
	}
	return text
}

// Error is the error with a text that is Value of its own: it may quote what did not originate here. It is nil if err is.
func Error(err error) error {
	if err == nil {
		return nil
	}
	return shown{err}
}

type shown struct{ error }

func (s shown) Error() string { return Value(s.error.Error()) }
func (s shown) Unwrap() error { return s.error }

// acts reports whether the character does something, or turns the direction of the text.
func acts(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }
