package command

import (
	"context"
	"slices"
	"strings"
	"time"

	"coreos-libvirt/internal/cluster/facts"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/workspace"
)

// letTell is how long libvirt may take to tell what is left after an interruption.
const letTell = 400 * time.Millisecond

// Interruptible is one stage, which ends within two seconds if the user interrupts it while it changes a cluster.
func (r *Run) Interruptible(ctx context.Context, one func(*Run, context.Context) error) error {
	return r.locks.Interruptible(ctx, func(ctx context.Context) error {
		r.endsWith(ctx)
		return one(r, ctx)
	}, r.sayLeft)
}

// sayLeft says once what is left of the clusters that this run is at.
func (r *Run) sayLeft() {
	r.told.Do(func() {
		for _, line := range r.left() {
			r.log.Say("%s", line)
		}
	})
}

// endsWith has libvirt's calls give up waiting when ctx ends.
func (r *Run) endsWith(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.until = ctx
	if r.conn != nil {
		r.conn.Until(ctx)
	}
}

// left is a line for each node of the clusters that this run is at.
func (r *Run) left() []string {
	if len(r.locks.Held()) == 0 {
		return nil
	}
	told := make(chan map[string]engine.Domain, 1)
	go func() {
		if domains, err := r.domains(); err == nil {
			told <- domains
		}
	}()
	select {
	case domains := <-told:
		return r.leftOf(domains)
	case <-time.After(letTell):
		return []string{"what is left is not known, libvirt does not answer: `mage status` tells"}
	}
}

func (r *Run) leftOf(domains map[string]engine.Domain) (lines []string) {
	nodes := r.members()
	for _, prefix := range r.locks.Held() {
		for _, d := range engine.Members(domains, r.Workspace, prefix) {
			nodes = append(nodes, r.ws().Node(prefix, d.Metadata.Number))
		}
	}
	slices.SortFunc(nodes, func(a, b workspace.Node) int { return strings.Compare(a.Name, b.Name) })
	for _, node := range slices.CompactFunc(nodes, func(a, b workspace.Node) bool { return a.Name == b.Name }) {
		d := domains[node.Name]
		if d.Metadata == nil || d.Metadata.Workspace != r.Workspace {
			d = engine.Domain{} // somebody else's
		}
		lines = append(lines, node.Name+": "+facts.Left(node, d.State))
	}
	return lines
}
