package command

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"

	"coreos-libvirt/internal/command/completion"
	"coreos-libvirt/internal/launch"
	"coreos-libvirt/internal/terminal/hint"
)

// Completion prints what a shell has to read to complete the lines of this project, or writes it into the user's folders.
func Completion(_ context.Context, r *Run) error {
	if r.Install {
		return installCompletion(r)
	}
	if r.Shell == "" {
		return hint.Errorf(fmt.Sprintf("`%s` writes the files of all shells that are there; shell=bash, zsh or fish prints them", asCalled(r.Settings, "completion", "install=true")),
			"completion: of which shell?")
	}
	text, err := completion.Script(r.Shell)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(r.log.Writer(), text)
	return err
}

// installCompletion writes the files of shell=, or of all shells that are there.
func installCompletion(r *Run) error {
	there := func(shell string) bool { _, err := exec.LookPath(shell); return err == nil }
	shells := slices.DeleteFunc(slices.Clone(completion.Shells), func(s string) bool { return s != r.Shell && (r.Shell != "" || !there(s)) })
	failed := []error{}
	for _, shell := range shells {
		folder, err := launch.Completions(shell)
		if err != nil {
			return err
		}
		written, err := completion.Install(shell, folder)
		for _, path := range written {
			r.log.Say("completion: %s", path)
		}
		if needs := completion.Needs(shell, folder); needs != "" && len(written) > 0 {
			r.log.Say("completion: %s", needs)
		}
		failed = append(failed, err)
	}
	_, _ = launch.Targets(r.Workspace) // the program that answers: a key press does not wait until it is built
	return errors.Join(failed...)
}
