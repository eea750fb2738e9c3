package etcd

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"coreos-libvirt/internal/etcd/wire"
	"coreos-libvirt/internal/terminal/hint"
)

// Compact has etcd forget what keys were before the revision that it gives, which is the latest.
func Compact(ctx context.Context, h Helper, endpoints []string) (revision int64, err error) {
	var done wire.Revision
	err = h.change(ctx, endpoints, wire.Compact, nil, &done)
	return done.Revision, err
}

// Defragment gives the disk back what the database of the member at the endpoint does not use. It answers nobody meanwhile.
func Defragment(ctx context.Context, h Helper, endpoint string) error {
	return h.change(ctx, []string{endpoint}, wire.Defragment, nil, nil)
}

// Disarm ends the alarms that databases are full, and those of members that are gone.
func Disarm(ctx context.Context, h Helper, endpoints []string) error {
	return h.change(ctx, endpoints, wire.Disarm, nil, nil)
}

// isSound reports whether nothing is wrong with the member but that an alarm keeps it from taking writes.
func isSound(m Member) bool { return m.Healthy || m.ReadOnly }

// Sound are the members with a vote that answer and have a quorum, though an alarm may keep them from taking writes.
func (s Status) Sound() (sound []Member) {
	for _, m := range s.Members {
		if isSound(m) && !m.Learner {
			sound = append(sound, m)
		}
	}
	return sound
}

// IsReadOnly reports whether an alarm keeps etcd from taking writes.
func (s Status) IsReadOnly() bool {
	return slices.ContainsFunc(s.Members, func(m Member) bool { return m.ReadOnly })
}

// checkWrites is an error if an alarm keeps etcd from taking writes.
func (s Status) checkWrites() error {
	if !s.IsReadOnly() {
		return nil
	}
	return s.CheckAlarms()
}

// CheckSound is nil where all members are sound, else the error that says which are not.
func (s Status) CheckSound() error {
	unwell := slices.DeleteFunc(slices.Clone(s.Members), isSound)
	if len(unwell) == 0 && len(s.Members) > 0 {
		return nil
	}
	return unhealthy(len(s.Members)-len(unwell), len(s.Members), unwell)
}

// CheckAlarms is an error if an alarm was raised, with its remedy: no patience ends it.
func (s Status) CheckAlarms() error {
	alarmed := slices.DeleteFunc(slices.Clone(s.Members), func(m Member) bool { return m.Alarms == "" && !m.ReadOnly })
	if len(alarmed) == 0 {
		return nil
	}
	lines := ""
	for _, m := range alarmed {
		lines += fmt.Sprintf("\n    %s: %s", cmp.Or(m.Endpoint, m.Name), m.Error)
	}
	return hint.Errorf(remedy(alarmed), "etcd has raised an alarm%s", lines)
}

// remedy is what helps against the members' alarms.
func remedy(alarmed []Member) string {
	if slices.ContainsFunc(alarmed, func(m Member) bool { return m.IsCorrupt() }) {
		return "if its node is core02, `mage up recreate=core02` gives the member the others' data; after that `mage etcd defrag=true` disarms the alarm"
	}
	return "`mage etcd defrag=true` compacts and defragments the databases, and disarms the alarm if that made room"
}
