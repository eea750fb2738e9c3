package volumes

import (
	"errors"
	"fmt"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/libvirt/storagexml"
)

// longestDocument is more than fw_cfg takes well: Ignition documents have some KiB.
const longestDocument = 64 << 20

// WriteDocument makes the volume again. QEMU, which has read the one before when it started, is not disturbed.
func (d *Disks) WriteDocument(node engine.Files, document []byte) error {
	if err := d.pool.Make(); err != nil {
		return err
	}
	name := named(node).Ignition
	if err := d.remove(name); err != nil {
		return err
	}
	volume := storagexml.Volume{Name: name, Format: storagexml.Raw, Bytes: int64(len(document)), Mode: ours}
	if err := d.create(volume); err != nil {
		return err
	}
	if err := d.pool.Write(name, 0, document); err != nil {
		return errors.Join(fmt.Errorf("cannot write the Ignition document: %w", err), d.remove(name)) // no half a document is booted from
	}
	return nil
}

// Document reads the volume.
func (d *Disks) Document(node engine.Files) ([]byte, error) {
	name := named(node).Ignition
	info, err := d.pool.Info(name)
	if err != nil {
		return nil, err
	}
	if info.Length > longestDocument {
		return nil, fmt.Errorf("the volume %s has %d bytes: it is not an Ignition document", name, info.Length)
	}
	text := make([]byte, info.Length)
	n, err := d.pool.Read(name, 0, text)
	return text[:n], err
}
