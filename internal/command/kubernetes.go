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
	"strings"

	"coreos-libvirt/internal/engine/kubevirt"
	"coreos-libvirt/internal/engine/kubevirt/objects"
	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/question"
	"coreos-libvirt/internal/terminal/table"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/session"
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

// CheckKubernetesUp refuses, before anything is made, what cannot be made on Kubernetes, or is not carried out there.
func CheckKubernetesUp(ctx context.Context, r *Run) error {
	if err := CheckManifests(ctx, r); err != nil || r.Recreate == "" {
		return err
	}
	source, err := sourceOf(r)
	if err != nil {
		return err
	}
	members, err := source.Uses(discovery.Words...)
	if err == nil && members {
		err = hint.Errorf("`"+asCalled(r.Settings, "down", "prefix="+r.Prefix)+"` and then `"+asCalled(r.Settings, "up", "prefix="+r.Prefix)+"` make all nodes again, without data; docs/kubevirt.md says how one is recreated by hand",
			"recreate=%s: the config makes the nodes members of an etcd, and with engine=kubevirt none is taken out of it, nor added", r.Recreate)
	}
	return err
}

// kubernetesPlan is what has to be done to have the objects, and refuses what no run of this project does. The caller closes the cluster,
// unless there is an error.
func kubernetesPlan(ctx context.Context, r *Run, want []objects.Object) (c kubevirt.Cluster, steps []kubevirt.Step, err error) {
	if c, err = kubernetes(ctx, r); err != nil {
		return c, nil, err
	}
	if steps, err = stepsTo(ctx, r, c, want); err != nil {
		c.Close()
	}
	return c, steps, err
}

// stepsTo are those that have to be taken to have the objects.
func stepsTo(ctx context.Context, r *Run, c kubevirt.Cluster, want []objects.Object) ([]kubevirt.Step, error) {
	surplus, err := c.Surplus(ctx, want)
	if err == nil && len(surplus) > 0 {
		err = hint.Errorf("`kubectl delete` of its VirtualMachine, DataVolumes and Secret, once its member has left etcd; or a larger nodes=",
			"%s: there is such a machine, and the settings want none: with engine=kubevirt nodes are not removed one by one", strings.Join(surplus, ", "))
	}
	if err != nil {
		return nil, err
	}
	steps, err := c.Plan(ctx, want)
	return kubevirt.Again(steps, want, kubevirt.Chosen(steps, r.Recreate)), err
}

// KubernetesPlan prints what KubernetesUp would do, by a dry run of the server. Its exit status is 2 if that is something.
func KubernetesPlan(ctx context.Context, r *Run) error {
	would, err := wouldRender(ctx, r, true)
	for _, warning := range would.source.Warnings() {
		warn("%s", warning)
	}
	if err != nil {
		return err
	}
	want, err := objectsOf(ctx, r, would.documents)
	if err != nil {
		return err
	}
	c, steps, err := kubernetesPlan(ctx, r, want)
	if err != nil {
		return err
	}
	defer c.Close()
	err = printSteps(r, steps)
	if err == nil && slices.ContainsFunc(steps, func(s kubevirt.Step) bool { return s.Action != kubevirt.Keep }) {
		err = session.ExitStatus(somethingToDo)
	}
	return err
}

func printSteps(r *Run, steps []kubevirt.Step) error {
	if r.Format == "json" {
		return table.JSON(r.out, steps)
	}
	all := table.New("ACTION", "KIND", "NAME")
	for _, s := range steps {
		all.Row(s.Action, s.Kind, s.Name)
	}
	if err := all.Print(r.log.Writer()); err != nil {
		return err
	}
	for _, s := range steps {
		for _, line := range s.Diff {
			r.log.Say("%s %s: %s", s.Kind, s.Name, line)
		}
	}
	return nil
}

// KubernetesUp makes the cluster's objects in Kubernetes, and waits until every node says that it can be reached.
func KubernetesUp(ctx context.Context, r *Run) error {
	want, err := renderedObjects(ctx, r)
	if err != nil {
		return err
	}
	c, steps, err := kubernetesPlan(ctx, r, want)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := takeSteps(ctx, r, c, steps); err != nil || !r.Ready {
		return err
	}
	ready, err := awaitMachines(ctx, r, c)
	return errors.Join(printMachines(ctx, r, c, ready), err)
}

// takeSteps makes and changes what the plan says: first what is made anew or changes in place, then the nodes that are made again, each when the
// one before is ready.
func takeSteps(ctx context.Context, r *Run, c kubevirt.Cluster, steps []kubevirt.Step) error {
	done := 0
	did := func(s kubevirt.Step) {
		done++
		r.log.Say("%s %s: %sd", s.Kind, s.Name, s.Action)
	}
	for _, s := range steps {
		if s.Action == kubevirt.Stays {
			r.log.Say("%s: %s %s is another one since it was made; it goes on as it is (hint: recreate=changed makes it again)", s.Node, s.Kind, s.Name)
		}
	}
	if err := c.Do(ctx, steps, did); err != nil {
		return err
	}
	if err := recreateMachines(ctx, r, c, steps, did); err != nil {
		return err
	}
	if done == 0 {
		r.log.Say("%s: all objects are there already", r.Prefix)
	}
	return nil
}

// recreateMachines makes the nodes again that the plan says.
func recreateMachines(ctx context.Context, r *Run, c kubevirt.Cluster, steps []kubevirt.Step, did func(kubevirt.Step)) error {
	for _, node := range r.members() {
		if !slices.ContainsFunc(steps, func(s kubevirt.Step) bool { return s.Node == node.Name && s.Action == kubevirt.Recreate }) {
			continue
		}
		r.log.Say("%s: recreated, its disks are lost", node.Name)
		err := c.Recreate(ctx, node.Name, steps, did)
		if err == nil && r.Ready && !r.Parallel {
			err = awaitOne(ctx, r, c, node)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", node.Name, err)
		}
	}
	return nil
}

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
