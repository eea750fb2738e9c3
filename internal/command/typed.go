package command

import (
	"errors"
	"regexp"
	"slices"

	"coreos-libvirt/internal/launch"
	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/terminal/printable"
	"coreos-libvirt/internal/workspace/session"
)

// mageCommand is a command line as the rooms below know it: they cannot tell how the user calls this program.
var mageCommand = regexp.MustCompile("`mage ([a-z:]+)")

// ofTheHost are targets that do not run inside the lab.
var ofTheHost = []string{"lab", "labdown", "build", "test", "host:setup", "host:undo"}

// Typed is the text with the command lines in it as this run was called: with `go run magefile.go lab up` for `mage up`, if the
// user began so.
func Typed(text string) string {
	called, inLab := launch.Called(), settings.InLab(settings.System())
	if called == "mage" && !inLab {
		return text
	}
	return mageCommand.ReplaceAllStringFunc(text, func(found string) string {
		target := found[len("`mage "):]
		if inLab && !slices.Contains(ofTheHost, target) {
			target = "lab " + target
		}
		return "`" + called + " " + target
	})
}

// Shown is the error as it is printed: nothing in it does something to a terminal, and its commands are as this run was called.
func Shown(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, session.ErrInterrupted) {
		return interrupted{shown{printable.Error(err)}}
	}
	return shown{printable.Error(err)}
}

// interrupted is the error of a run that the user interrupted. Mage asks it for the exit status.
type interrupted struct{ error }

func (interrupted) ExitStatus() int { return session.EndedByInterrupt }
func (i interrupted) Unwrap() error { return i.error }

type shown struct{ error }

func (s shown) Error() string { return Typed(s.error.Error()) }
func (s shown) Unwrap() error { return errors.Unwrap(s.error) }
