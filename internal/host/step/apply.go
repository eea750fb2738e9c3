package step

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"coreos-libvirt/internal/workspace/artifact"
)

// begin keeps other runs off the machine until end is called, and gives its record.
func (m Machine) begin(ctx context.Context) (known *record, end func(), err error) {
	unlock, err := artifact.Lock(ctx, m.Root.Path(recordPath+".lock"), func() { m.Say("waiting for another run that sets this machine up") })
	if err != nil {
		return nil, nil, err
	}
	if known, err = m.read(); err != nil {
		unlock()
	}
	return known, unlock, err
}

// Apply takes the steps. Each is in the record before it begins, so that whatever happens it can be undone.
func (k Kinds) Apply(ctx context.Context, m Machine, steps []Planned) error {
	record, end, err := m.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	for _, p := range steps {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		kind := k.of(p.Step)
		if kind == "" {
			return fmt.Errorf("%s: nothing would undo a %T: it is not a kind of step that the record knows", p.Title, p.Step)
		}
		at, err := record.keep(-1, kind, p, false)
		if err != nil {
			return err
		}
		if err := p.Step.Do(ctx, m); err != nil {
			_, unkept := record.keep(at, kind, p, false) // with what it has done so far
			return errors.Join(fmt.Errorf("%s: %w", p.Title, err), unkept)
		}
		if _, err := record.keep(at, kind, p, true); err != nil {
			return err
		}
		m.Say("done: %s", p.Title)
	}
	return nil
}

// Undo takes back what stands in the record, the last first. What cannot be taken back stays in the record.
func (k Kinds) Undo(ctx context.Context, m Machine) error {
	record, end, err := m.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	if len(record.Entries) == 0 {
		m.Say("nothing was set up here")
	}
	var failed error
	for i, e := range slices.Backward(record.Entries) {
		if ctx.Err() != nil {
			return errors.Join(failed, ctx.Err())
		}
		step, err := k.decode(e.Kind, e.Step)
		if err == nil {
			err = step.Undo(ctx, m)
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: not undone: %w", e.Title, err))
			continue
		}
		record.Entries = slices.Delete(record.Entries, i, i+1)
		if err := record.write(); err != nil {
			return errors.Join(failed, err)
		}
		m.Say("undone: %s", e.Title)
	}
	return failed
}
