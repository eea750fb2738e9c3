package fleet

import (
	"context"
	"errors"
	"io/fs"

	"coreos-libvirt/internal/engine"
)

// disks are those of all hosts: a node's are on the host that it is made on, or else is on.
type disks struct{ *index }

// of are the disks of the node's host: of a node on none, those of the host that has something of it, as a run leaves that could not end
// making it.
func (d disks) of(node engine.Files) (engine.Disks, error) {
	if h := d.to(node.Node()); h != nil {
		on, err := h.engine()
		if err != nil {
			return nil, err
		}
		return on.Disks(), nil
	}
	all, err := d.all()
	if err != nil {
		return nil, err
	}
	for _, of := range all {
		if _, has := of.Size(node); has > 0 {
			return of, nil
		}
	}
	return nil, errUnplaced
}

// all are the disks of each host; that one does not answer is an error.
func (d disks) all() (all []engine.Disks, err error) {
	for _, h := range d.hosts {
		on, silent := h.engine()
		if silent != nil {
			err = errors.Join(err, silent)
			continue
		}
		all = append(all, on.Disks())
	}
	return all, err
}

func on[R any](d disks, node engine.Files, do func(engine.Disks) (R, error)) (result R, err error) {
	of, err := d.of(node)
	if err != nil {
		return result, err
	}
	return do(of)
}

func (d disks) change(node engine.Files, do func(engine.Disks) error) error {
	_, err := on(d, node, func(of engine.Disks) (struct{}, error) { return struct{}{}, do(of) })
	return err
}

// Seen are the node's files as its host has them; of a node on no host that answers as this one has them.
func (d disks) Seen(node engine.Files) engine.Files {
	of, err := d.of(node)
	if err != nil {
		return node
	}
	return of.Seen(node)
}

// Look is what there is of the node's disk. Of one that nobody has chosen a host for there is nothing.
func (d disks) Look(ctx context.Context, node engine.Files, domain engine.Domain) (engine.Disk, error) {
	disk, err := on(d, node, func(of engine.Disks) (engine.Disk, error) { return of.Look(ctx, node, domain) })
	if errors.Is(err, errUnplaced) {
		return engine.Disk{}, nil
	}
	return disk, err
}

// Prepare makes new disks on the node's host.
func (d disks) Prepare(ctx context.Context, node engine.Files, base string, gib int, further []engine.FurtherDisk) (engine.Prepared, error) {
	d.mu.Lock()
	d.begun[node.Node()] = true
	d.mu.Unlock()
	return on(d, node, func(of engine.Disks) (engine.Prepared, error) { return of.Prepare(ctx, node, base, gib, further) })
}

// Sweep removes what killed runs prepared on the node's host.
func (d disks) Sweep(node engine.Files) error {
	return d.change(node, func(of engine.Disks) error { return of.Sweep(node) })
}

// Add makes a further disk.
func (d disks) Add(ctx context.Context, node engine.Files, further engine.FurtherDisk) error {
	return d.change(node, func(of engine.Disks) error { return of.Add(ctx, node, further) })
}

// Drop removes a further disk.
func (d disks) Drop(node engine.Files, name string) error {
	return d.change(node, func(of engine.Disks) error { return of.Drop(node, name) })
}

// Grow gives a further disk more room.
func (d disks) Grow(ctx context.Context, node engine.Files, further engine.FurtherDisk) error {
	return d.change(node, func(of engine.Disks) error { return of.Grow(ctx, node, further) })
}

// Remove removes the node's disks.
func (d disks) Remove(node engine.Files) error {
	return d.everywhere(node, func(of engine.Disks) error { return of.Remove(node) })
}

// Clear removes all that there is of the node: of one without a domain on any host.
func (d disks) Clear(node engine.Files) error {
	if err := d.everywhere(node, func(of engine.Disks) error { return of.Clear(node) }); err != nil {
		return err
	}
	d.mu.Lock()
	defined := d.at[node.Node()]
	d.mu.Unlock()
	if defined != nil {
		return nil
	}
	return d.clearElsewhere(node)
}

// clearElsewhere removes what hosts have of a node that is on another one, or will be, as a run leaves it that is ended in a move. What
// does not answer is left as it is.
func (i *index) clearElsewhere(node engine.Files) (err error) {
	own := i.to(node.Node())
	for _, h := range i.hosts {
		if own == nil || h == own {
			continue
		}
		if on, silent := h.engine(); silent == nil {
			err = errors.Join(err, i.clearOn(h, on.Disks(), node))
		}
	}
	return err
}

// clearOn removes what the host has of the node. Of nodes of which this run has begun nothing it is asked once for all, as `down` removes
// many.
func (i *index) clearOn(h *host, of engine.Disks, node engine.Files) error {
	i.mu.Lock()
	begun := i.begun[node.Node()]
	i.mu.Unlock()
	if holder, can := of.(engine.Holder); can && !begun {
		if has, err := h.held.by(holder); err != nil || !has(node) {
			return err
		}
	}
	return of.Clear(node)
}

// everywhere does something on the node's host, or on all if it is on none.
func (d disks) everywhere(node engine.Files, do func(engine.Disks) error) error {
	if d.to(node.Node()) != nil {
		return d.change(node, do)
	}
	all, err := d.all()
	for _, of := range all {
		err = errors.Join(err, do(of))
	}
	return err
}

// Leave removes what the host has that the node was on, if its domain has gone from there to be made on another one.
func (i *index) Leave(node engine.Files) error {
	i.mu.Lock()
	was := i.left[node.Node()]
	delete(i.left, node.Node())
	i.mu.Unlock()
	if was == nil {
		return i.clearElsewhere(node)
	}
	on, err := was.engine()
	if err != nil {
		return err
	}
	return on.Disks().Clear(node)
}

// WriteDocument makes the document the node's.
func (d disks) WriteDocument(node engine.Files, document []byte) error {
	return d.change(node, func(of engine.Disks) error { return of.WriteDocument(node, document) })
}

// Document is the node's document.
func (d disks) Document(node engine.Files) ([]byte, error) {
	return on(d, node, func(of engine.Disks) ([]byte, error) { return of.Document(node) })
}

// BeginLog makes the node's console log an empty one.
func (d disks) BeginLog(node engine.Files) error {
	return d.change(node, func(of engine.Disks) error { return of.BeginLog(node) })
}

// Log is the node's console log.
func (d disks) Log(node engine.Files) engine.Log {
	of, err := d.of(node)
	if err != nil {
		return noLog{err}
	}
	return of.Log(node)
}

// noLog is the log of a node whose host does not answer.
type noLog struct{ err error }

func (l noLog) Open(int64) (fs.File, error)                   { return nil, l.err }
func (l noLog) Parts() ([]fs.File, error)                     { return nil, l.err }
func (l noLog) Cut() bool                                     { return false }
func (l noLog) Follow(context.Context, func(string)) error    { return l.err }
func (l noLog) Writes() (written <-chan struct{}, end func()) { return nil, func() {} }

// Size is what the node's disks take where they are.
func (d disks) Size(node engine.Files) (bytes int64, count int) {
	of, err := d.of(node)
	if err != nil {
		return 0, 0
	}
	return of.Size(node)
}

// Under is what a disk of the domain stands on, as the domain's host has both.
func (d disks) Under(domain engine.Domain, disk string) string {
	e, err := d.engineOf(domain.Name)
	if err != nil {
		return ""
	}
	return e.Disks().Under(domain, disk)
}
