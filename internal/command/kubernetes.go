package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"coreos-libvirt/internal/engine/kubevirt"
	"coreos-libvirt/internal/engine/kubevirt/objects"
	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/question"
	"coreos-libvirt/internal/terminal/table"
	"coreos-libvirt/internal/workspace"
)

// OnKubernetes reports whether the run's nodes are on Kubernetes: then a target does as the one of its name in this file.
func OnKubernetes(r *Run) bool { return r.Engine == settings.KubeVirt }

// kubernetes is the run's cluster in Kubernetes. The caller closes it.
func kubernetes(ctx context.Context, r *Run) (c kubevirt.Cluster, err error) {
	client, err := kubeClient(ctx, r)
	return kubevirt.Cluster{Client: client, ID: workspaceID(r), Prefix: r.Prefix}, err
}

func kubeClient(ctx context.Context, r *Run) (*kubevirt.Client, error) {
	return kubevirt.Open(ctx, kubeProgram(r), r.Context, r.Namespace)
}

func kubeProgram(r *Run) kubevirt.Program {
	return kubevirt.Program{Module: r.Workspace, Bin: filepath.Join(r.Cache, "bin"), Say: r.log.Say}
}

// workspaceID is the workspace's. One that has made nothing yet has none: no object has what stands for it.
func workspaceID(r *Run) string { return cmp.Or(r.ws().ID, "none") }

// KubernetesStatus prints how each node is.
func KubernetesStatus(ctx context.Context, r *Run) error {
	c, err := kubernetes(ctx, r)
	if err != nil {
		return err
	}
	defer c.Close()
	return printMachines(ctx, r, c, nil)
}

// KubernetesDown removes the cluster's objects from Kubernetes, after it has shown what goes and asked.
func KubernetesDown(ctx context.Context, r *Run) error {
	if r.All {
		return hint.Errorf("`"+asCalled(r.Settings, "down", "prefix="+r.Prefix)+"`", "all=true: with engine=kubevirt down removes one cluster")
	}
	c, err := kubernetes(ctx, r)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := errors.Join(unprotected(r, "down", []string{r.Prefix}), r.lock(ctx, r.Prefix)); err != nil {
		return err
	}
	going, err := c.Going(ctx)
	if err != nil {
		return err
	}
	for _, o := range going {
		r.log.Say("goes: %s", objects.Title(o))
	}
	if r.PlanOnly {
		r.log.Say("down would remove %d objects; nothing was removed (plan=true)", len(going))
		return nil
	}
	if err := agreedToRemove(r, len(going), question.OnTerminal()); err != nil {
		return err
	}
	if err := c.Remove(ctx, going, func(kind, name string) { r.log.Say("%s %s: removed", kind, name) }); err != nil {
		return err
	}
	return clearKubernetes(r, going)
}

// agreedToRemove is an error if the user does not want the objects to go, or cannot be asked and has not said so.
func agreedToRemove(r *Run, n int, ask question.Asker) error {
	switch {
	case n == 0 || r.Yes || ask == nil && r.Said("prefix"):
		return nil
	case ask == nil:
		return hint.Errorf("`"+asCalled(r.Settings, "down", "yes=true")+"`", "down would remove %d objects, and there is no terminal to ask on; nothing was removed", n)
	}
	yes, err := ask(fmt.Sprintf("down removes %d objects of the cluster %s, and all data on its disks\nGo on?", n, r.Prefix))
	if err == nil && !yes {
		err = hint.Errorf("yes=true does not ask", "nothing was removed")
	}
	return err
}

// clearKubernetes removes what there is of the cluster on this host.
func clearKubernetes(r *Run, removed []objects.Object) error {
	names := append(kubevirt.Nodes(removed), workspace.Names(r.members())...)
	entries, _ := os.ReadDir(r.ws().VM()) // runs that failed have left folders, too
	for _, entry := range entries {
		if name := entry.Name(); workspace.NumberOf(r.Prefix, name) > 0 || slices.Contains(names, name) {
			if err := removeRendered(workspace.Node{Name: name, Dir: r.ws().VM(name)}); err != nil {
				return err
			}
		}
	}
	cleared, err := r.ws().Clear(r.Prefix)
	if err == nil && len(removed)+cleared == 0 {
		r.log.Say("down: there is nothing")
	}
	return err
}

// printMachines prints how each machine is. ready are the reports that are known.
func printMachines(ctx context.Context, r *Run, c kubevirt.Cluster, ready kubernetesReports) error {
	machines, err := c.Machines(ctx)
	if err != nil {
		return err
	}
	rows := []machineRow{}
	for _, name := range slices.Sorted(maps.Keys(machines)) {
		row := machineRow{Node: name, State: machines[name].State, Host: machines[name].Host, Why: machines[name].Why}
		report, known := ready[name]
		if !known {
			report, known = lastReport(ctx, c, machines[name])
		}
		if mac := macOf(r, name); known && report.Missing(mac) == "" {
			row.Ready, row.Address = true, report.Address(mac)
		} else if known {
			row.Why = report.Missing(mac)
		}
		rows = append(rows, row)
	}
	if r.Format == "json" {
		return table.JSON(r.out, rows)
	}
	all := table.New("NODE", "STATE", "READY", "ADDRESS", "HOST", "WHY")
	for _, row := range rows {
		all.Row(row.Node, row.State, map[bool]string{true: "yes", false: "no"}[row.Ready], table.Dash(row.Address), table.Dash(row.Host), table.Dash(row.Why))
	}
	return all.Print(r.log.Writer())
}

// machineRow is a node as `mage status` prints it.
type machineRow struct {
	Node    string `json:"node"`
	State   string `json:"state"`
	Ready   bool   `json:"ready"`
	Address string `json:"address,omitempty"`
	Host    string `json:"host,omitempty"`
	Why     string `json:"why,omitempty"`
}
