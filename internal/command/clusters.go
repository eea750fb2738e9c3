package command

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"coreos-libvirt/internal/cluster/reach"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/settings/clusterfile"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/table"
	"coreos-libvirt/internal/workspace"
)

// clusterStatus is a cluster as `mage clusters format=json` prints it.
type clusterStatus struct {
	Prefix    string     `json:"prefix"`
	Nodes     int        `json:"nodes"`
	Running   int        `json:"running"`
	Ready     int        `json:"ready"`           // that say within a second that they are
	Images    []string   `json:"images"`          // that its nodes were made on
	Workspace string     `json:"workspace"`       // where it was made
	Here      bool       `json:"here"`            // whether that is this workspace
	Since     *time.Time `json:"since,omitempty"` // when its oldest node was made; absent if that is not known
	Versions  []string   `json:"versions"`        // of the programs that made its nodes, as far as they are known

	domains []engine.Domain
}

// Clusters lists every cluster of libvirt that this project made, of whatever workspace, and changes nothing.
func Clusters(ctx context.Context, r *Run) error {
	r.onlyLook()
	domains, err := r.domains()
	if err != nil {
		return err
	}
	all := clustersOf(r.ws(), domains)
	ctx, cancel := context.WithTimeout(ctx, r.glance)
	defer cancel()
	for _, c := range all { // each asks all its nodes at once; what has no answer in time is not ready
		c.Ready = ready(statusOf(ctx, reachIn(r, c.Workspace), c.domains))
	}
	switch {
	case r.Format == "json":
		return table.JSON(r.out, all)
	case len(all) == 0:
		r.log.Say("clusters: there are none at uri=%s", r.URI)
		return nil
	}
	return clustersTable(all, time.Now()).Print(r.log.Writer())
}

// reachIn is how the nodes of a workspace are reached, this one or another. What is noted there of them may not be readable: then they
// are asked.
func reachIn(r *Run, root string) reach.Nodes {
	nodes := r.reach()
	if there, err := workspace.At(root); err == nil && root != r.Workspace {
		nodes.Workspace = there
	}
	nodes.Ready = true
	return nodes
}

// clustersOf are the clusters that the domains' marks name, sorted by prefix and workspace.
func clustersOf(here workspace.Workspace, domains map[string]engine.Domain) []*clusterStatus {
	found := map[string]*clusterStatus{}
	for _, name := range slices.Sorted(maps.Keys(domains)) {
		d := domains[name]
		m := d.Metadata
		if m == nil || here.NodeOf(m).Name != name { // not ours, or a copy with another name
			continue
		}
		key := m.Cluster + "\x00" + cmp.Or(m.ID, m.Workspace)
		if found[key] == nil {
			found[key] = &clusterStatus{Prefix: m.Cluster, Images: []string{}, Versions: []string{}}
		}
		found[key].add(d, here)
	}
	all := slices.Collect(maps.Values(found))
	slices.SortFunc(all, func(a, b *clusterStatus) int {
		return cmp.Or(strings.Compare(a.Prefix, b.Prefix), strings.Compare(a.Workspace, b.Workspace))
	})
	return append([]*clusterStatus{}, all...)
}

// add counts a node.
func (c *clusterStatus) add(d engine.Domain, here workspace.Workspace) {
	m := d.Metadata
	c.Nodes++
	if d.State == engine.Running {
		c.Running++
	}
	if image := strings.TrimSuffix(filepath.Base(m.Base), ".qcow2"); !slices.Contains(c.Images, image) {
		c.Images = append(c.Images, image)
	}
	if m.Version != "" && !slices.Contains(c.Versions, m.Version) {
		c.Versions = append(c.Versions, m.Version)
	}
	if since, err := time.Parse(time.RFC3339, m.Since); err == nil && (c.Since == nil || since.Before(*c.Since)) {
		c.Since = &since
	}
	c.Workspace, c.domains = m.Workspace, append(c.domains, d)
	if here.Owns(d) {
		c.Workspace, c.Here = here.Root, true
	}
}

// ready counts the nodes that are.
func ready(all []nodeStatus) (count int) {
	for _, s := range all {
		if s.Ready {
			count++
		}
	}
	return count
}

// clustersTable has a line a cluster.
func clustersTable(all []*clusterStatus, now time.Time) *table.Table {
	rows := table.New("PREFIX", "NODES", "READY", "IMAGE", "WORKSPACE", "AGE")
	for _, c := range all {
		age := "-"
		if c.Since != nil {
			age = ageOf(now.Sub(*c.Since))
		}
		nodes := fmt.Sprint(c.Nodes)
		if c.Running < c.Nodes {
			nodes += fmt.Sprintf(", %d running", c.Running)
		}
		rows.Row(c.Prefix, nodes, fmt.Sprint(c.Ready), strings.Join(c.Images, ", "), c.Workspace, age)
	}
	return rows
}

// ageOf is a time in its two largest units: 3d4h, 5h12m, 40s.
func ageOf(d time.Duration) string {
	d = max(d, 0)
	days := d / (24 * time.Hour)
	switch {
	case days > 0:
		return fmt.Sprintf("%dd%dh", days, d%(24*time.Hour)/time.Hour)
	case d >= time.Hour:
		return fmt.Sprintf("%dh%dm", d/time.Hour, d%time.Hour/time.Minute)
	case d >= time.Minute:
		return fmt.Sprintf("%dm%ds", d/time.Minute, d%time.Minute/time.Second)
	}
	return fmt.Sprintf("%ds", d/time.Second)
}

// ClustersInit writes the file of the cluster, unless there is one: of the settings that are given, or that it was made with.
func ClustersInit(_ context.Context, r *Run) error {
	path := clusterfile.Path(r.Prefix)
	text, err := r.FileText(settings.System())
	if err != nil {
		return err
	}
	if _, err := clusterfile.Parse(path, text, settings.FileTable(settings.System())); err != nil {
		return fmt.Errorf("what would be written is not a cluster file: this is a mistake in this program: %w", err)
	}
	if err := writeNew(path, text); err != nil {
		return err
	}
	r.log.Say("clusters:init: wrote %s (hint: `%s` shows what changes with it)", path, asCalled(r.Settings, "plan", "prefix="+r.Prefix))
	return nil
}

// writeNew writes a file that is not there yet.
func writeNew(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if os.IsExist(err) {
		return hint.Errorf("edit it, or remove it: rm "+quoted(path), "%s is there already, and was left as it is", path)
	}
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err := cmp.Or(err, file.Close()); err != nil {
		_ = os.Remove(path) // a part of it would be taken for the whole
		return err
	}
	return nil
}
