package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"

	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/host/setup"
	"coreos-libvirt/internal/host/step"
	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/table"
)

// HostSetup prints what the machine is missing, step by step, each with why and with the equal commands: a script for
// root's shell, to be copied in whole or in part. With apply=true it does them.
func HostSetup(ctx context.Context, r *Run) error {
	if aboutAnother(r) {
		return onMachine(ctx, r, "host:setup", r.Apply)
	}
	if r.Apply {
		if err := asRoot(rootCommand(r.Settings, "host:setup", "apply=true")); err != nil {
			return err
		}
	}
	machine := machine(r)
	steps, err := setup.Plan(ctx, machine, wanted(r))
	if r.Format == "json" && !r.Apply {
		return errors.Join(table.JSON(r.out, describedSteps(steps)), err)
	}
	for i, step := range steps {
		r.log.Say("# %d. %s\n#    why: %s", i+1, step.Title, step.Why)
		for _, command := range step.Step.Commands() {
			r.log.Say("%s", command)
		}
	}
	switch {
	case err != nil:
		return fmt.Errorf("nothing was changed: %w", err)
	case len(steps) == 0:
		r.log.Say("# nothing is missing that this can make; `%s` looks at the rest, too", asCalled(r.Settings, "host:check"))
	case !r.Apply:
		r.log.Say("# Nothing was changed. `%s` does all this, `%s` takes it back.",
			rootCommand(r.Settings, "host:setup", "apply=true"), rootCommand(r.Settings, "host:undo"))
	default:
		return hint.Add(setup.Apply(ctx, machine, steps), "`"+asCalled(r.Settings, "host:undo")+"` takes back what was done so far")
	}
	return nil
}

// setupStep is a step as `mage host:setup format=json` prints it.
type setupStep struct {
	Title    string   `json:"title"`
	Why      string   `json:"why"`
	Commands []string `json:"commands"`
}

func describedSteps(steps []step.Planned) (all []setupStep) {
	for _, s := range steps {
		all = append(all, setupStep{s.Title, s.Why, append([]string{}, s.Step.Commands()...)})
	}
	return all
}

// HostUndo takes back what HostSetup did.
func HostUndo(ctx context.Context, r *Run) error {
	if aboutAnother(r) {
		return onMachine(ctx, r, "host:undo", true)
	}
	if err := asRoot(rootCommand(r.Settings, "host:undo")); err != nil {
		return err
	}
	return setup.Undo(ctx, machine(r))
}

// machine is the machine that is set up.
func machine(r *Run) setup.Machine {
	return setup.Machine{Root: "/", Rollback: r.Rollback, Say: r.log.Say}
}

// wanted is what the nodes need of the machine.
func wanted(r *Run) setup.Wanted {
	w := setup.Wanted{Bridge: r.Bridge, NIC: r.NIC, Network: r.Network, User: libvirtUser(r.Sudo), Session: where(r.Settings).IsSession()}
	if r.Network != "" || r.Direct != "" {
		w.Bridge = ""
	}
	return w
}

// libvirtUser is who is to use libvirt: who runs this, or called sudo; empty for root.
func libvirtUser(sudo string) string {
	name := sudo
	if me, err := user.Current(); err == nil && me.Uid != "0" {
		name = me.Username
	}
	if name == "root" {
		return ""
	}
	return name
}

// rootCommand is the command line of a target as this run was called, for root. On another machine this program itself sees to that.
func rootCommand(s *settings.Settings, target string, words ...string) string {
	command := asCalled(s, target, words...)
	if s.Host != "" {
		return command
	}
	return host.Sudo(command)
}

// asRoot is the error of a user who is not root, with the command for root.
func asRoot(command string) error {
	if os.Getuid() == 0 {
		return nil
	}
	return hint.Errorf(command, "this changes the machine, which only root may")
}
