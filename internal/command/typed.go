package command

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"coreos-libvirt/internal/launch"
	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/terminal/printable"
	"coreos-libvirt/internal/workspace/session"
)

// mageCommand is a command line as the rooms below know it: they do not know how the user calls this program.
var mageCommand = regexp.MustCompile("`mage ([a-z:]+)([^`]*)`")

// ofTheHost are targets that do not run inside the lab.
var ofTheHost = []string{"lab", "labdown", "build", "test", "host:setup", "host:undo"}

// Typed makes the command lines in a text those that continue this run: with `go run magefile.go lab up prefix=x` for `mage up`,
// if the user began so. words are the run's.
func Typed(words []string) func(text string) string {
	called, inLab := launch.Called(), settings.InLab(settings.System())
	return func(text string) string {
		return mageCommand.ReplaceAllStringFunc(text, func(found string) string {
			part := mageCommand.FindStringSubmatch(found)
			target, rest := part[1], part[2]
			line := []string{called}
			if inLab && !slices.Contains(ofTheHost, target) {
				line = append(line, "lab")
			}
			line = append(append(line, target), thatGoWith(target, words, strings.Fields(rest))...)
			return "`" + strings.Join(line, " ") + rest + "`"
		})
	}
}

// Shown is the error as it is printed: nothing in it does something to a terminal, and its commands are as this run was called,
// with those words.
func Shown(err error, words []string) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, session.ErrInterrupted) {
		return interrupted{shown{printable.Error(err), words}}
	}
	return shown{printable.Error(err), words}
}

// interrupted is the error of a run that the user interrupted. Mage asks it for the exit status.
type interrupted struct{ error }

func (interrupted) ExitStatus() int { return session.EndedByInterrupt }
func (i interrupted) Unwrap() error { return i.error }

type shown struct {
	error
	words []string
}

func (s shown) Error() string { return Typed(s.words)(s.error.Error()) }
func (s shown) Unwrap() error { return errors.Unwrap(s.error) }
