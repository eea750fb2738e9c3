package command

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/cluster/versions"
	"coreos-libvirt/internal/engine/kubevirt"
	"coreos-libvirt/internal/engine/kubevirt/machines"
	"coreos-libvirt/internal/engine/kubevirt/objects"
	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/image/stream"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/table"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/session"
)

// kubePlan is what is done with the objects of a cluster on Kubernetes, and what that is for its nodes and their members of etcd.
type kubePlan struct {
	planned
	on      kubevirt.Cluster
	onto    map[string]stream.KubeVirt // the images that nodes are made on, by node
	objects []kubevirt.Step
}

// CheckKubernetesUp refuses, before anything is made, what cannot be made on Kubernetes, or is not carried out there.
func CheckKubernetesUp(ctx context.Context, r *Run) error {
	if err := errors.Join(CheckManifests(ctx, r), notOnLibvirt(r)); err != nil || r.Recreate == "" || r.Recreate != "all" && r.NAD != "" {
		return err
	}
	source, err := sourceOf(r)
	if err != nil {
		return err
	}
	members, err := source.Uses(discovery.Words...)
	if err == nil && members {
		err = noNewGeneration(r, "recreate="+r.Recreate)
	}
	return err
}

// notOnLibvirt refuses nodes whose folders are of nodes on libvirt.
func notOnLibvirt(r *Run) error {
	for _, node := range r.members() {
		if workspace.Exists(node.XML()) {
			return hint.Errorf("another prefix=; `"+asCalled(r.Settings, "down", "prefix="+r.Prefix, "engine=libvirt")+"` removes the cluster on libvirt",
				"%s: there is such a node on libvirt, or was; it is left alone", node.Name)
		}
	}
	return nil
}

// noNewGeneration is the error of what needs another token for all members of etcd, or an etcd that this host reaches.
func noNewGeneration(r *Run, what string) error {
	down, up := asCalled(r.Settings, "down", "prefix="+r.Prefix), asCalled(r.Settings, "up", "prefix="+r.Prefix)
	if r.NAD == "" {
		return hint.Errorf("nad= names a network on which this host reaches the nodes; `"+down+"` and then `"+up+"` make all nodes again, without data",
			"%s: the config makes the nodes members of an etcd, which this host does not reach in the network of pods: no member is taken out of it, nor added", what)
	}
	return hint.Errorf("`"+down+"` and then `"+up+"` make all nodes again, without data; `"+asCalled(r.Settings, "up", "recreate=changed")+"` replaces members one after the other and keeps the data",
		"%s: with engine=kubevirt there is no new etcd in place of one that there is", what)
}

// planOnKubernetes works out what has to be done to have what was rendered, and refuses what no run of this project does. The caller closes its
// cluster, unless there is an error.
func planOnKubernetes(ctx context.Context, r *Run, all rendered) (p kubePlan, err error) {
	p.rendered = all
	if p.onto, err = kubeVirtImages(ctx, r); err != nil {
		return p, err
	}
	wanted, err := objectsOf(r, p.onto, all.documents)
	if err != nil {
		return p, err
	}
	if p.on, err = kubernetes(ctx, r); err != nil {
		return p, err
	}
	if err = decideOnKubernetes(ctx, r, &p, wanted); err != nil {
		p.on.Close()
	}
	return p, err
}

// decideOnKubernetes is planOnKubernetes with the objects that are wanted.
func decideOnKubernetes(ctx context.Context, r *Run, p *kubePlan, wanted []objects.Object) (err error) {
	if p.objects, err = p.on.Plan(ctx, wanted); err != nil {
		return err
	}
	if p.domains, err = r.domains(); err != nil {
		return err
	}
	if p.want, err = blueprintsOf(p.rendered, wanted); err != nil {
		return err
	}
	options, e := planOptions(r.Settings), plan.EtcdOf(cmp.Or(p.generation.Token, p.generation.Coming))
	have := foundOnKubernetes(r, *p, options)
	if r.NAD == "" {
		e = plan.Etcd{} // nobody can ask its members
	}
	if plan.AsksMembers(p.want, have, options, e) {
		e.Status, e.Asked, err = askAll(r, r.log).members(ctx, viewOf(r, p.rendered, p.domains), e.NeverFormed(have))
		if err != nil {
			return err
		}
	}
	p.etcd = e
	if p.plan, err = plan.Make(p.want, have, options, e); err != nil {
		return err
	}
	note, err := versions.Check(p.plan, p.want, e.Status, options.Command)
	if note != "" {
		p.plan.Notes = append(p.plan.Notes, note)
	}
	if err := errors.Join(err, keepsProtected(r, p.plan), carriesOut(r, *p)); err != nil {
		return err
	}
	p.objects = kubevirt.Again(p.objects, wanted, stepNames(plan.Taking(p.plan.Steps, plan.Recreate)))
	going, err := p.on.Leaving(ctx, stepNames(plan.Taking(p.plan.Surplus, plan.Remove)))
	p.objects = append(p.objects, going...)
	return err
}

// carriesOut refuses the ways of a plan that are not gone on Kubernetes.
func carriesOut(r *Run, p kubePlan) error {
	if p.plan.Way == plan.NewGeneration {
		return noNewGeneration(r, "all members of etcd would be made again at once")
	}
	token := cmp.Or(p.generation.Token, p.generation.Coming)
	leave := slices.ContainsFunc(p.plan.Surplus, func(s plan.Step) bool { return s.Action == plan.Remove && s.Want.IsMember() })
	if r.NAD == "" && token != nil && leave {
		return noNewGeneration(r, "fewer nodes")
	}
	return nil
}

func stepNames(steps []plan.Step) (names []string) {
	for _, s := range steps {
		names = append(names, s.Node.Name)
	}
	return names
}

// blueprintsOf are what the nodes are made of: their marks are those of their machines that are wanted.
func blueprintsOf(all rendered, wanted []objects.Object) (want []plan.Blueprint, err error) {
	marks := map[string]kubevirt.Machine{}
	for _, o := range wanted {
		if o["kind"] == "VirtualMachine" {
			m := kubevirt.MachineOf(o)
			marks[m.Name] = m
		}
	}
	for _, d := range all.documents {
		b := plan.Blueprint{Doc: d, Mark: machines.MarkOf(marks[d.Name])}
		if b.Joins, err = all.source.NodeUses(d.Name, discovery.WordFlags); err != nil {
			return nil, err
		}
		want = append(want, b)
	}
	return want, nil
}

// foundOnKubernetes is what there is of all nodes of the cluster, by name. Disks without a machine have the data of a node that somebody has deleted.
func foundOnKubernetes(r *Run, p kubePlan, o plan.Options) map[string]plan.Found {
	have, at := map[string]plan.Found{}, r.reach()
	history := func(node workspace.Node) plan.History {
		return plan.History{Fresh: workspace.Exists(node.Fresh()), LastAddress: at.LastAddress(node.Name)}
	}
	for _, d := range r.ws().Members(p.domains, r.Prefix) {
		node := r.ws().NodeOf(d.Metadata)
		have[d.Name] = plan.Found{Node: node, Domain: d, Defined: true, History: history(node)}
	}
	chosen := kubevirt.Chosen(p.objects, r.Recreate)
	for _, b := range p.want {
		found := have[b.Doc.Name]
		found.Node, found.History = b.Doc.Node, history(b.Doc.Node)
		found.Wishes = o.For(b.Doc.Name, false)
		found.Force = slices.Contains(chosen, b.Doc.Name)
		found.Disk.Exists = slices.ContainsFunc(p.objects, func(s kubevirt.Step) bool {
			return s.Kind == "DataVolume" && s.Node == b.Doc.Name && s.Action != kubevirt.Create
		})
		have[b.Doc.Name] = found
	}
	return have
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
	p, err := planOnKubernetes(ctx, r, would)
	if err != nil {
		return err
	}
	defer p.on.Close()
	err = printSteps(r, p.objects)
	if r.Format != "json" {
		sayNodes(r, p)
	}
	if err == nil && slices.ContainsFunc(p.objects, func(s kubevirt.Step) bool { return s.Action != kubevirt.Keep }) {
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

// sayNodes says of which nodes the members of etcd come and go, and which nodes are left that are not wanted.
func sayNodes(r *Run, p kubePlan) {
	for _, note := range p.plan.Notes {
		r.log.Say("%s", note)
	}
	answers := p.etcd.Status.Answers()
	for _, s := range p.plan.All() {
		member := answers && s.Want.IsMember()
		switch {
		case s.Action == plan.Create && member:
			r.log.Say("%s: %s, it will join etcd", s.Node.Name, s.Why)
		case s.Action == plan.Recreate && member:
			r.log.Say("%s: will be recreated, and its member of etcd replaced: %s", s.Node.Name, s.Why)
		case s.Action == plan.Remove && member:
			r.log.Say("%s: will leave etcd, and is removed: %s", s.Node.Name, s.Why)
		case s.Action == plan.Recreate:
			r.log.Say("%s: will be recreated: %s", s.Node.Name, s.Why)
		case s.Action == plan.Remove, s.Surplus:
			r.log.Say("%s: %s", s.Node.Name, s.Why)
		}
	}
}
