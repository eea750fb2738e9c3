package command

import (
	"fmt"
	"slices"
	"strings"

	"coreos-libvirt/internal/terminal/hint"
)

// namesOne is an error if the workspace has several clusters, and the user neither says which one the target is about nor that it
// is all of them.
func namesOne(r *Run, target string, clusters []string) error {
	if r.All || chosen(r).prefix != "" || len(clusters) < 2 {
		return nil
	}
	return hint.Errorf(advice(r, target, clusters), "this workspace has %d clusters, %s: %s is about one of them", len(clusters), strings.Join(clusters, ", "), target)
}

// namesNodes is the same for targets about nodes that have a domain, of which node= names one.
func namesNodes(r *Run, target string) error {
	domains, err := r.domains()
	if err != nil || r.Node != "" {
		return err
	}
	clusters := []string{}
	for _, d := range r.ws().Members(domains, "") {
		clusters = append(clusters, d.Metadata.Cluster)
	}
	slices.Sort(clusters)
	return namesOne(r, target, slices.Compact(clusters))
}

// advice is how the target is asked for one of the clusters, or for all, with more words for those.
func advice(r *Run, target string, clusters []string, more ...string) string {
	one := asCalled(r.Settings, target, "prefix="+strings.Join(clusters[:min(1, len(clusters))], ""))
	all := asCalled(r.Settings, target, append([]string{"all=true"}, more...)...)
	if len(clusters) < 2 {
		all = asCalled(r.Settings, target, more...)
	}
	return fmt.Sprintf("`%s`, or `%s`", one, all)
}

// count is a number of things: 1 node, 2 nodes.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
