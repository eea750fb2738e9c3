package stage

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"time"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
)

const (
	// letEnd is how long a stage may take to end by itself when the user interrupts it.
	letEnd = time.Second
	// letTell is how long libvirt may take after that to tell what is left.
	letTell = 400 * time.Millisecond
)

// Interruptible is one stage. Where the user interrupts it while it changes a cluster, it ends within two seconds,
// whatever it waits for, and tells what is left: the process ends then, and a next run goes on from there.
func (r *Run) Interruptible(ctx context.Context, one func(*Run, context.Context) error) error {
	if ctx.Err() != nil {
		return r.interrupted(ctx.Err())
	}
	r.endsWith(ctx)
	done := make(chan error, 1)
	go func() { done <- one(r, ctx) }()
	select {
	case err := <-done:
		return r.asInterrupted(ctx, err)
	case <-ctx.Done():
	}
	patience := time.After(letEnd)
	if !r.holds() {
		patience = nil // it changes no cluster: it knows how to end
	}
	select {
	case err := <-done:
		return r.asInterrupted(ctx, err)
	case <-patience:
		return r.interrupted(ctx.Err())
	}
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

// asInterrupted is the stage's error, or where the user ended it what that has left.
func (r *Run) asInterrupted(ctx context.Context, err error) error {
	if ctx.Err() == nil || err == nil {
		return err
	}
	return r.interrupted(err)
}

// interrupted tells once what is left of the clusters that this run is at. Errors that are no more than the
// interruption's consequences are not told.
func (r *Run) interrupted(err error) error {
	stop := hint.Errorf("`mage up` goes on from here, `mage down` removes it", "interrupted")
	if !r.holds() {
		stop = errors.New("interrupted")
	}
	r.told.Do(func() {
		for _, line := range r.left() {
			r.log.Say("%s", line)
		}
	})
	return errors.Join(append(notOfTheEnd(err), stop)...)
}

// notOfTheEnd are the errors in err that came of something else than a context's end.
func notOfTheEnd(err error) (others []error) {
	several, joined := err.(interface{ Unwrap() []error }) // of this one only: what wraps it has words of its own
	switch {
	case err == nil:
	case joined:
		for _, one := range several.Unwrap() {
			others = append(others, notOfTheEnd(one)...)
		}
	case errors.Is(err, context.Canceled), strings.Contains(err.Error(), context.Canceled.Error()), strings.Contains(err.Error(), "signal: "):
	default:
		others = append(others, err)
	}
	return others
}

// holds tells whether this run is at a cluster that it may change.
func (r *Run) holds() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.held) > 0
}

// left is a line for each node of the clusters that this run is at.
func (r *Run) left() []string {
	if !r.holds() {
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
	r.mu.Lock()
	for prefix := range r.held {
		for _, d := range engine.Members(domains, r.Workspace, prefix) {
			nodes = append(nodes, workspace.NodeAt(r.vm(), prefix, d.Metadata.Number))
		}
	}
	r.mu.Unlock()
	slices.SortFunc(nodes, func(a, b workspace.Node) int { return strings.Compare(a.Name, b.Name) })
	for _, node := range slices.CompactFunc(nodes, func(a, b workspace.Node) bool { return a.Name == b.Name }) {
		d := domains[node.Name]
		if d.Metadata == nil || d.Metadata.Workspace != r.Workspace {
			d = engine.Domain{} // somebody else's
		}
		lines = append(lines, node.Name+": "+r.leftOfNode(node, d.State))
	}
	return lines
}

func (r *Run) leftOfNode(node workspace.Node, state engine.State) string {
	_, unready := os.Stat(r.reportFile(node.Name))
	_, files := os.Stat(node.Dir)
	switch {
	case state == engine.Running && unready == nil:
		return "left running, it was ready"
	case state == engine.Running:
		return "left running, it has not said that it is ready"
	case state != "":
		return "left defined, " + string(state)
	case files == nil:
		return "no domain, its files are left"
	}
	return "nothing is left of it"
}
