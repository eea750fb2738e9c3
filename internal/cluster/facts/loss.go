package facts

import (
	"context"
	"os"
	"slices"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/workspace"
)

// Loss is what is lost with a node that goes.
type Loss struct {
	Leaving
	Data bool // whether a guest may have written to its disk
}

// Lost is what is lost with the nodes. A disk that cannot be looked at may have data.
func Lost(ctx context.Context, disks engine.Disks, going []Leaving) []Loss {
	lost := make([]Loss, len(going))
	for i, l := range going {
		disk, err := disks.Look(ctx, l.Node.Files(), l.Domain)
		lost[i] = Loss{l, err != nil || disk.HasData()}
	}
	return lost
}

// Clusters are those that have a node here, a domain or a folder, sorted. own is the cluster of this run.
func (p Place) Clusters(own string, domains map[string]engine.Domain) (found []string) {
	for _, d := range p.Members(domains, "") {
		found = append(found, d.Metadata.Cluster)
	}
	entries, _ := os.ReadDir(p.VM())
	prefixes := p.Prefixes(own, domains)
	for _, entry := range entries {
		if node, is := p.Folder(entry, "", prefixes); is && !p.IsForeign(domains[entry.Name()]) {
			found = append(found, node.Cluster())
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// ClustersInLab are the clusters that have a node in the lab, as the nodes' folders say.
func (p Place) ClustersInLab() (clusters []string) {
	entries, _ := os.ReadDir(p.VM())
	for _, entry := range entries {
		if m := p.Made(workspace.Node{Name: entry.Name(), Dir: p.VM(entry.Name())}); m != nil && m.InLab() {
			clusters = append(clusters, m.Cluster)
		}
	}
	slices.Sort(clusters)
	return slices.Compact(clusters)
}
