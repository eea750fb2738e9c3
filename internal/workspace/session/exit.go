// Package session is one run of targets as the user's shell sees it: the locks that it holds until it ends, its end when the
// user interrupts it, and its exit status.
package session

import (
	"errors"
	"fmt"
	"os/exec"
	"syscall"
)

// ExitStatus is the status, not 0, of a program that ran in the user's place: ssh, or the targets in
// the lab. That program has said already what there is to say.
type ExitStatus int

func (s ExitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// InPlace runs a program in the user's place. That nobody reads any more what it prints is not an error.
func InPlace(cmd *exec.Cmd) error {
	err := cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	if ended, ok := exit.Sys().(syscall.WaitStatus); ok && ended.Signal() == syscall.SIGPIPE {
		return ExitStatus(EndedByPipe)
	}
	if exit.ExitCode() > 0 {
		return ExitStatus(exit.ExitCode())
	}
	return err
}
