package stage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/engine/libvirt"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/terminal/hint"
)

// late is what becomes of a node that did not report within timeout=. One whose console shows a login prompt runs: it is
// looked for in the ways that ready=off has. waits is why it could not be reached, as it said last, or empty.
func (r *Run) late(ctx context.Context, step plan.Step, waits string, err error) (guest.Report, error) {
	console := step.Node.Console()
	prompted, unit, unread := guest.Login(console)
	if unread != nil || !prompted || errors.Is(err, libvirt.ErrBusy) {
		return guest.Report{}, r.notInTime(step, waits, err)
	}
	wrong := "its readiness unit has reported nothing"
	switch {
	case waits != "":
		wrong = "it says: " + waits
	case len(unit) > 0:
		wrong = "its readiness unit says: " + strings.Join(unit, "; ")
	}
	report, from, err := r.reach().Searched(ctx, step.Node)
	if err != nil {
		return report, hint.Errorf(fmt.Sprintf("%s has all of it; `mage console node=%s` logs in there", r.relative(console), step.Node.Name),
			"not ready after %s, though its console shows a login prompt: %s; nor was it found otherwise: %s", r.Timeout, wrong, hint.FirstLine(err))
	}
	r.log.Say("warning: %s: not ready after %s, though its console shows a login prompt: %s\n  it counts as ready, as sshd answers at its address (%s); its host keys are not known (hint: mage ssh node=%s ready=off)",
		step.Node.Name, r.Timeout, wrong, from, step.Node.Name)
	return report, nil
}

// notInTime is the error of a node that did not report within timeout= and shows no login prompt.
func (r *Run) notInTime(step plan.Step, waits string, err error) error {
	advice := r.relative(step.Node.Console()) + " shows how far it got; timeout= allows more time"
	console := guest.NewConsole(step.Node.Console())
	_, unread := console.Failure()
	switch phase := console.Phase(); {
	case errors.Is(err, libvirt.ErrBusy):
		return hint.Errorf("another `mage` may wait for it, too, or a program of yours has it open", "not asked within %s: %w", r.Timeout, err)
	case waits != "":
		return hint.Errorf(advice, "not ready after %s: %s", r.Timeout, waits)
	case unread == nil && r.domainType(r.conn) == "kvm" && slices.Contains([]string{"firmware", "boot loader"}, phase):
		return hint.Errorf("if this host is itself a virtual machine, its KVM may run no 64-bit kernel: `mage down`, then `mage up accel=tcg` emulates, slowly but without KVM",
			"not ready after %s: its console stands in the %s", r.Timeout, phase)
	}
	return hint.Errorf(advice, "not ready after %s", r.Timeout)
}
