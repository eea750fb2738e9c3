package printable

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"unicode"
)

func TestLine(t *testing.T) {
	for line, want := range map[string]string{
		"core01 login: \r\n":                      "core01 login:",
		"a\tb":                                    "a\tb",
		"\x1b[0;32meth0\x1b[0m: up":               "eth0: up",
		"Straße 日本 🙂":                             "Straße 日本 🙂",
		"\x1b\x00[2Jx":                            "x", // a terminal passes over the zero
		"\x1b\x1b[2J[2Jx":                         "[2Jx",
		"a\x1b]52;c;ZXZpbA==\x1b\\b":              "ab", // the clipboard
		"a\x1b]0;title\x07b":                      "ab",
		"a\x1bP1$r0m\x1b\\b":                      "ab",
		"a\x1b[>0cb\x1b[?1049hc\x1b[!pd":          "abcd",
		"a\x1b7b\x1b8c\x1b#8d":                    "abcd",
		"a\u009b2Jb":                              "a2Jb", // C1, as UTF-8
		"a\x9b2Jb":                                "ab",   // C1, as a byte
		"a\x7f\x08b\x0bc":                         "abc",
		"user\u202etxt.exe":                       "usertxt.exe",
		"never ended \x1b]0;the rest of the line": "never ended",
		"half a character \xe2\x82":               "half a character �",
	} {
		if got := Line(line); got != want {
			t.Errorf("%q: want %q, got %q", line, want, got)
		}
	}
}

func TestText(t *testing.T) {
	if got := Text("\none\x1b[2J\r\ntwo \x1b]0;x\nthree\n"); got != "one\ntwo\nthree" {
		t.Errorf("got %q", got)
	}
}

func FuzzLine(f *testing.F) {
	for _, seed := range []string{"\x1b[2J", "\x1b\x00[2J", "\x1b]52;c;x\x1b\\", "\x1bPq\x1b\\", "\u009b2J", "\x9b2J", "a\tb\n", "\x1b\x1b[2J[2J", "ü\xff\x1b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		got := Line(line)
		if strings.ContainsFunc(got, func(r rune) bool { return r != '\t' && unicode.IsControl(r) }) || strings.ToValidUTF8(got, "") != got {
			t.Errorf("%q: got %q", line, got)
		}
		if again := Line(got); again != got {
			t.Errorf("%q gives %q, and that %q", line, got, again)
		}
	})
}

// TestError keeps what it is of, and its lines.
func TestError(t *testing.T) {
	err := Error(fmt.Errorf("core01: %w", &fs.PathError{Op: "open", Path: "x\x1b]0;title\x07y\n  hint: z", Err: fs.ErrNotExist}))
	if !errors.Is(err, fs.ErrNotExist) || err.Error() != "core01: open xy\n  hint: z: file does not exist" || Error(nil) != nil {
		t.Errorf("got %q", err)
	}
}
