package boot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
)

// late is what becomes of a node that did not report itself within limit. If its console shows a login prompt, it runs, and
// is looked for in the ways of ready=off. waits is what it said last why it cannot be reached, or empty.
func (b Booter) late(ctx context.Context, node workspace.Node, limit time.Duration, waits string, err error) (guest.Report, error) {
	prompted, unit, unread := guest.Login(b.log(node))
	says := ""
	switch {
	case waits != "":
		says = "it says: " + waits
	case len(unit) > 0:
		says = "its readiness unit says: " + strings.Join(unit, "; ")
	}
	if unread != nil || !prompted || errors.Is(err, engine.ErrBusy) {
		return guest.Report{}, b.notInTime(node, limit, says, err)
	}
	return b.searched(ctx, node, limit, cmp.Or(says, "its readiness unit has reported nothing"))
}

// searched is the report of a node that shows a login prompt and did not report itself within limit. wrong is why.
func (b Booter) searched(ctx context.Context, node workspace.Node, limit time.Duration, wrong string) (guest.Report, error) {
	report, from, err := b.Nodes.Searched(ctx, node)
	switch {
	case err != nil:
		return report, hint.Errorf(fmt.Sprintf("%s has all of it; `mage console node=%s` logs in there", b.consoleLog(node), node.Name),
			"not ready after %s, though its console shows a login prompt: %s; nor was it found otherwise: %s", limit, wrong, hint.FirstLine(err))
	case report.BootID == "": // it has not reported itself meanwhile
		b.Log.Say("warning: %s: not ready after %s, though its console shows a login prompt: %s\n  it counts as ready, as sshd answers at its address (%s); its host keys are not known (hint: mage ssh node=%s ready=off)",
			node.Name, limit, wrong, from, node.Name)
	}
	return report, nil
}

// notInTime is the error of a node that did not report itself within limit and shows no login prompt. says is what it says
// about that, or empty.
func (b Booter) notInTime(node workspace.Node, limit time.Duration, says string, err error) error {
	advice := b.consoleLog(node) + " shows how far it got; timeout= allows more time"
	console := guest.NewConsole(b.log(node))
	_, unread := console.Failure()
	switch phase := console.Phase(); {
	case errors.Is(err, engine.ErrBusy):
		return hint.Errorf("another `mage` may wait for it, too, or a program of yours has it open", "not asked within %s: %w", limit, err)
	case says != "":
		return hint.Errorf(advice, "not ready after %s: %s", limit, says)
	case unread == nil && b.KVM && slices.Contains([]string{"firmware", "boot loader"}, phase):
		return hint.Errorf("if this host is itself a virtual machine, its KVM may run no 64-bit kernel: `mage down`, then `mage up accel=tcg` emulates, slowly but without KVM",
			"not ready after %s: its console stands in the %s", limit, phase)
	}
	return hint.Errorf(advice, "not ready after %s", limit)
}
