package volumes

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strconv"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/libvirt/storagexml"
	"coreos-libvirt/internal/terminal/hint"
)

// ours is the mode of files that only the engine and root may read: it gives them to QEMU for as long as a guest runs.
const ours = 0o600

// Prepare brings the base image to the pool, if it is not there, and makes new volumes beside the node's own, under names that
// no definition has: libvirt renames no volume, so Place makes them again. That these could be made shows that those can.
func (d *Disks) Prepare(ctx context.Context, node engine.Files, base string, gib int, further []engine.FurtherDisk) (engine.Prepared, error) {
	made := &prepared{on: d, node: node}
	if err := d.pool.Make(); err != nil {
		return made, err
	}
	image, err := d.bases.bring(ctx, base)
	if err != nil {
		return made, err
	}
	if err := d.Sweep(node); err != nil {
		return made, err
	}
	made.volumes = append(made.volumes, storagexml.Volume{Name: named(node).Overlay, Format: storagexml.QCOW2, Bytes: int64(gib) << 30, Backing: d.pool.Path(image.name), Mode: ours})
	for _, disk := range further {
		made.volumes = append(made.volumes, empty(node, disk))
	}
	made.mark = "." + strconv.FormatUint(rand.Uint64(), 36) + newEnding //nolint:gosec // a name, no secret
	for _, volume := range made.volumes {
		volume.Name += made.mark
		if err := d.create(volume); err != nil {
			return made, errors.Join(err, made.Discard())
		}
	}
	return made, nil
}

// empty is a further disk of the node's, with nothing in it.
func empty(node engine.Files, disk engine.FurtherDisk) storagexml.Volume {
	return storagexml.Volume{Name: named(node).Further(disk.Name), Format: storagexml.QCOW2, Bytes: int64(disk.GiB) << 30, Mode: ours}
}

// Sweep removes the volumes. A run that is at the node has the cluster for itself.
func (d *Disks) Sweep(node engine.Files) error {
	names, err := d.names()
	if err != nil {
		return err
	}
	return d.remove(slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !isTrial(node, name) })...)
}

// prepared are volumes that are not in their place yet; the first is the node's first disk.
type prepared struct {
	on      *Disks
	node    engine.Files
	volumes []storagexml.Volume // by the names that they shall have
	mark    string              // what the names end with until then
}

// Place makes the volumes by the names that stand in the definition, and what stood in for them goes: the first disk at last, so a
// node that has it has all. What further disks the node had go.
func (p *prepared) Place() error {
	names, err := p.on.names()
	if err != nil {
		return err
	}
	had := furtherIn(names, p.node)
	for _, volume := range slices.Backward(p.volumes) {
		if err := p.on.remove(volume.Name, volume.Name+p.mark); err != nil {
			return err
		}
		if err := p.on.create(volume); err != nil {
			return err
		}
	}
	for _, further := range had {
		name := named(p.node).Further(further)
		if !slices.ContainsFunc(p.volumes, func(v storagexml.Volume) bool { return v.Name == name }) {
			err = errors.Join(err, p.on.remove(name))
		}
	}
	return err
}

// Discard removes what was prepared.
func (p *prepared) Discard() (err error) {
	for _, volume := range p.volumes {
		err = errors.Join(err, p.on.remove(volume.Name+p.mark))
	}
	return err
}

// Add makes an empty volume.
func (d *Disks) Add(_ context.Context, node engine.Files, further engine.FurtherDisk) error {
	if err := d.pool.Make(); err != nil {
		return err
	}
	volume := empty(node, further)
	switch _, empty, err := d.head(volume.Name); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil || !empty:
		return hint.Errorf("virsh -c '"+d.pool.URI()+"' vol-delete --pool "+d.pool.Name()+" "+volume.Name+" removes it", "the volume %s is there already, and may have data", volume.Name)
	default:
		if err := d.remove(volume.Name); err != nil {
			return err
		}
	}
	return d.create(volume)
}

// Drop removes the volume.
func (d *Disks) Drop(node engine.Files, name string) error {
	return d.remove(named(node).Further(name))
}
