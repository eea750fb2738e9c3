package command

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"coreos-libvirt/internal/cluster/facts"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/terminal/question"
	"coreos-libvirt/internal/terminal/table"
)

// Down is `mage down`: it removes what the user means, after it has shown what goes and asked.
func Down(ctx context.Context, r *Run) error { return downAsking(ctx, r, question.OnTerminal()) }

// downAsking removes clusters. ask is nil if there is nobody who could answer.
func downAsking(ctx context.Context, r *Run, ask question.Asker) error {
	if r.PlanOnly {
		return planDown(ctx, r)
	}
	domains, err := r.domains()
	if err != nil {
		return err
	}
	if err := namesOne(r, "down", r.at().Clusters(r.Prefix, domains)); err != nil {
		return err
	}
	if err := lockChosen(ctx, r); err != nil {
		return err
	}
	would, err := wouldRemove(ctx, r)
	if err == nil {
		err = unprotected(r, "down", would.clusters)
	}
	if err == nil {
		err = agreed(ctx, r, would, ask)
	}
	if err != nil {
		return err
	}
	return r.Down(ctx)
}

// removal is what `mage down` would do.
type removal struct {
	clusters []string
	nodes    []facts.Loss
	staying  []error // what stays, and why
}

// wouldRemove is what the run would remove, by what there is now.
func wouldRemove(ctx context.Context, r *Run) (removal, error) {
	domains, err := r.domains()
	if err != nil {
		return removal{}, err
	}
	prefix := chosen(r).prefix
	going, staying := r.at().Leaving(ctx, r.conn.Disks(), domains, prefix, r.ws().Prefixes(r.Prefix, domains))
	would := removal{nodes: facts.Lost(ctx, r.conn.Disks(), going), staying: staying, clusters: r.at().Clusters(r.Prefix, domains)}
	if prefix != "" {
		would.clusters = []string{prefix}
	}
	return would, nil
}

// planDown prints what would go, and changes nothing.
func planDown(ctx context.Context, r *Run) error {
	r.onlyLook()
	domains, err := r.domains()
	if err != nil {
		return err
	}
	for _, line := range leftAlone(r, chosen(r).prefix, domains) {
		r.log.Say("%s", line)
	}
	would, err := wouldRemove(ctx, r)
	if err != nil {
		return err
	}
	if r.Format == "json" {
		return table.JSON(r.out, would.described())
	}
	if len(would.nodes)+len(would.staying) == 0 {
		r.log.Say("down: there are no nodes that would go")
		return nil
	}
	if err := would.table().Print(r.log.Writer()); err != nil {
		return err
	}
	for _, err := range would.staying {
		r.log.Say("stays: %v", err)
	}
	for _, prefix := range would.clusters {
		if isProtected(r, prefix) {
			r.log.Say("the cluster %s is protected (protect=true): down refuses it", prefix)
		}
	}
	r.log.Say("down would remove %s; nothing was removed (plan=true)", would)
	return nil
}

// agreed is an error if the user does not want all that to go, or cannot be asked and has not said so.
func agreed(ctx context.Context, r *Run, would removal, ask question.Asker) error {
	switch {
	case r.Yes || would.harmless():
		return nil
	case ask != nil:
		return answered(ctx, r, would, ask)
	case !r.Given("prefix") || r.All:
		if would.data() == 0 {
			return nil
		}
		return hint.Errorf(advice(r, "down", would.clusters, "yes=true"), "down would remove %s, and there is no terminal to ask on; nothing was removed", would)
	}
	return nil
}

// answered shows what goes, and asks. Meanwhile there may have come more, which nobody has seen.
func answered(ctx context.Context, r *Run, would removal, ask question.Asker) error {
	shown := &strings.Builder{}
	if err := would.table().Print(shown); err != nil {
		return err
	}
	for _, err := range would.staying {
		fmt.Fprintf(shown, "stays: %s\n", hint.FirstLine(err))
	}
	yes, err := ask(fmt.Sprintf("%sdown removes %s\nGo on?", shown, would))
	if err != nil {
		return err
	}
	if !yes {
		return hint.Errorf("yes=true does not ask", "nothing was removed")
	}
	now, err := wouldRemove(ctx, r)
	if err == nil && !slices.Equal(would.names(), now.names()) {
		err = hint.Errorf("`"+asCalled(r.Settings, "down", "plan=true")+"` shows what there is now", "there are other nodes than a moment ago; nothing was removed")
	}
	return err
}

// names are the nodes' names.
func (d removal) names() (all []string) {
	for _, node := range d.nodes {
		all = append(all, node.Node.Name)
	}
	return all
}

// data counts the nodes whose disks have data.
func (d removal) data() (count int) {
	for _, node := range d.nodes {
		if node.Data {
			count++
		}
	}
	return count
}

// running counts the nodes that run.
func (d removal) running() (count int) {
	for _, node := range d.nodes {
		if node.Domain.InUse() {
			count++
		}
	}
	return count
}

// harmless reports whether nothing is lost that `mage up` does not make again.
func (d removal) harmless() bool { return d.data()+d.running() == 0 }

// String is what goes, in short.
func (d removal) String() string {
	size := int64(0)
	for _, node := range d.nodes {
		size += node.Bytes
	}
	what := "the cluster " + strings.Join(d.clusters, "")
	if len(d.clusters) != 1 {
		what = fmt.Sprintf("%d clusters (%s)", len(d.clusters), strings.Join(d.clusters, ", "))
	}
	return fmt.Sprintf("%s: %s (%d running, %d with data, disks of %s)", what, count(len(d.nodes), "node"), d.running(), d.data(), progress.Bytes(size))
}

// goingNode is a node as `mage down plan=true format=json` prints it.
type goingNode struct {
	Node    string `json:"node"`
	Cluster string `json:"cluster"`
	State   string `json:"state,omitempty"` // libvirt's word; empty without a domain
	Disk    int64  `json:"disk"`            // bytes where they are
	Data    bool   `json:"data"`            // whether they are more than what `mage up` makes
}

func (d removal) described() (all []goingNode) {
	for _, n := range d.nodes {
		all = append(all, goingNode{n.Node.Name, n.Node.Cluster(), string(n.Domain.State), n.Bytes, n.Data})
	}
	return all
}

// table has a line a node.
func (d removal) table() *table.Table {
	rows := table.New("NODE", "CLUSTER", "STATE", "DISK")
	for _, node := range d.nodes {
		state, disk := string(node.Domain.State), "-"
		if node.Disks > 0 && node.Data {
			disk = progress.Bytes(node.Bytes) + ", has data"
		} else if node.Disks > 0 {
			disk = progress.Bytes(node.Bytes) + ", no data"
		}
		rows.Row(node.Node.Name, node.Node.Cluster(), table.Dash(state), disk)
	}
	return rows
}
