package apply

import (
	"context"
	"fmt"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/terminal/hint"
)

// furtherDisks makes the further disks that the node gets, and larger ones of those that grow. A run that ends before the definition
// says so does it again: nothing is lost by that.
func (a Applier) furtherDisks(ctx context.Context, step plan.Step, made *begun) error {
	for _, disk := range step.Adds {
		if err := a.Engine.Disks().Add(ctx, step.Node.Files(), disk); err != nil {
			return err
		}
		made.added = append(made.added, disk.Name)
	}
	for _, disk := range step.Grows {
		if err := a.grow(ctx, step, disk); err != nil {
			return fmt.Errorf("disk %s does not grow to %d GiB: %w", disk.Name, disk.GiB, err)
		}
	}
	return nil
}

// grow makes the disk larger: if a domain has it open, QEMU does that, and tells the guest.
func (a Applier) grow(ctx context.Context, step plan.Step, disk engine.FurtherDisk) error {
	disks, files := a.Engine.Disks(), step.Node.Files()
	if !a.Before[step.Node.Name].InUse() {
		return disks.Grow(ctx, files, disk)
	}
	changer, ok := engine.As[engine.Changer](a.Engine)
	if !ok {
		changer = unchanging{}
	}
	return hint.Add(changer.Resize(step.Node.Name, disks.Seen(files).Further(disk.Name), disk.GiB), "`mage stop node="+step.Node.Name+"`: a node that does not run grows by qemu-img")
}
