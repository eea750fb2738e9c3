package engine

import "sort"

// Members are the domains that carry this workspace's metadata, sorted by name: those of the cluster, or with an empty
// cluster those of all its clusters.
func Members(domains map[string]Domain, workspace, cluster string) []Domain {
	var ours []Domain
	for _, d := range domains {
		if m := d.Metadata; m != nil && m.Workspace == workspace && (cluster == "" || m.Cluster == cluster) {
			ours = append(ours, d)
		}
	}
	sort.Slice(ours, func(i, j int) bool { return ours[i].Name < ours[j].Name })
	return ours
}
