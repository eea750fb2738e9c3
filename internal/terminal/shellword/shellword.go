// Package shellword writes words for a shell.
package shellword

import "strings"

// Of is the text as one word, in which a POSIX shell looks for nothing (POSIX.1-2024, XCU 2.2.2).
func Of(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
