package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/cluster/reach"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/terminal/hint"
)

// patience is how long the node may take to report itself: timeout=, or less for one that an earlier run found in
// another way.
func (r *Run) patience(node string) time.Duration {
	if kept, ok := r.reach().Kept(node); ok && kept.BootID == "" {
		return min(r.Timeout, reach.Patience)
	}
	return r.Timeout
}

// late is what becomes of a node that did not report within limit. One whose console shows a login prompt runs: it is
// looked for in the ways that ready=off has. waits is why it could not be reached, as it said last, or empty.
func (r *Run) late(ctx context.Context, step plan.Step, limit time.Duration, waits string, err error) (guest.Report, error) {
	console := step.Node.Console()
	prompted, unit, unread := guest.Login(console)
	says := ""
	switch {
	case waits != "":
		says = "it says: " + waits
	case len(unit) > 0:
		says = "its readiness unit says: " + strings.Join(unit, "; ")
	}
	if unread != nil || !prompted || errors.Is(err, engine.ErrBusy) {
		return guest.Report{}, r.notInTime(step, limit, says, err)
	}
	wrong := cmp.Or(says, "its readiness unit has reported nothing")
	report, from, err := r.reach().Searched(ctx, step.Node)
	if err == nil && report.BootID != "" {
		return report, nil // it reported itself after all
	}
	if err != nil {
		return report, hint.Errorf(fmt.Sprintf("%s has all of it; `mage console node=%s` logs in there", r.relative(console), step.Node.Name),
			"not ready after %s, though its console shows a login prompt: %s; nor was it found otherwise: %s", limit, wrong, hint.FirstLine(err))
	}
	r.log.Say("warning: %s: not ready after %s, though its console shows a login prompt: %s\n  it counts as ready, as sshd answers at its address (%s); its host keys are not known (hint: mage ssh node=%s ready=off)",
		step.Node.Name, limit, wrong, from, step.Node.Name)
	return report, nil
}

// notInTime is the error of a node that did not report within limit and shows no login prompt. says is what it says of
// that, or empty.
func (r *Run) notInTime(step plan.Step, limit time.Duration, says string, err error) error {
	advice := r.relative(step.Node.Console()) + " shows how far it got; timeout= allows more time"
	console := guest.NewConsole(step.Node.Console())
	_, unread := console.Failure()
	switch phase := console.Phase(); {
	case errors.Is(err, engine.ErrBusy):
		return hint.Errorf("another `mage` may wait for it, too, or a program of yours has it open", "not asked within %s: %w", limit, err)
	case says != "":
		return hint.Errorf(advice, "not ready after %s: %s", limit, says)
	case unread == nil && r.domainType(r.conn) == "kvm" && slices.Contains([]string{"firmware", "boot loader"}, phase):
		return hint.Errorf("if this host is itself a virtual machine, its KVM may run no 64-bit kernel: `mage down`, then `mage up accel=tcg` emulates, slowly but without KVM",
			"not ready after %s: its console stands in the %s", limit, phase)
	}
	return hint.Errorf(advice, "not ready after %s", limit)
}
