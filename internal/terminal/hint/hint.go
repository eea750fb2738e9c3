// Package hint makes errors that end with what the person who reads them can do next.
package hint

import (
	"errors"
	"fmt"
	"strings"
)

// hinted is an error followed by a line that starts with "hint: ".
type hinted struct {
	err  error
	hint string
}

func (h *hinted) Error() string { return h.err.Error() + "\nhint: " + h.hint }
func (h *hinted) Unwrap() error { return h.err }

// Errorf is fmt.Errorf whose text is followed by a line "hint: " + advice.
// An error wrapped with %w that carries a hint of its own keeps that one too.
func Errorf(advice, format string, args ...any) error {
	return &hinted{err: fmt.Errorf(format, args...), hint: advice}
}

// Add puts advice under err, or nothing where err is nil or already has advice, or the advice is empty.
func Add(err error, advice string) error {
	if err == nil || advice == "" || strings.Contains(err.Error(), "\nhint: ") {
		return err
	}
	return &hinted{err: err, hint: advice}
}

// FirstLine is the error without its hints and other lines, for a place that has one line.
func FirstLine(err error) string {
	first, _, _ := strings.Cut(err.Error(), "\n")
	return first
}

// Of is the advice of the first of the errors that err wraps which has some, or else what is given.
func Of(err error, without string) string {
	if h, has := errors.AsType[*hinted](err); has {
		return h.hint
	}
	return without
}
