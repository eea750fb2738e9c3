package command

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace/session"
)

// Shell is a shell inside the lab, or runs cmd= there, with virsh, curl and docker as they are inside. A session.ExitStatus is
// its own.
func Shell(ctx context.Context, r *Run) error {
	if !r.InLab {
		lab := *r.Settings
		lab.InLab = true
		return hint.Errorf("`"+asCalled(&lab, "shell")+"`", "the shell is one inside the lab: here is a shell already")
	}
	cmd := exec.CommandContext(ctx, "bash")
	if r.Cmd != "" {
		cmd.Args = append(cmd.Args, "-c", r.Cmd)
	}
	// a mage that is called in the shell starts the program with libvirt's binding by itself
	cmd.Env = slices.DeleteFunc(os.Environ(), func(pair string) bool { return strings.HasPrefix(pair, settings.RelaunchedVariable+"=") })
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return session.InPlace(endsByItself(cmd))
}

// endsByItself is a program that Ctrl-C reaches by the terminal, as it does this process.
func endsByItself(cmd *exec.Cmd) *exec.Cmd {
	cmd.Cancel = func() error { return os.ErrProcessDone } // its own status counts, if that is 0, too (go doc os/exec.Cmd.Cancel)
	cmd.WaitDelay = time.Minute
	return cmd
}
