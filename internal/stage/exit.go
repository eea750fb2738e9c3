package stage

import (
	"errors"
	"fmt"
	"os/exec"
)

// ExitStatus is the status, not 0, of a program that ran in the user's place: ssh, or the targets in
// the lab. It has told the user already what there is to tell.
type ExitStatus int

func (s ExitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// inPlace runs a program in the user's place.
func inPlace(cmd *exec.Cmd) error {
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() > 0 {
		return ExitStatus(exit.ExitCode())
	}
	return err
}
