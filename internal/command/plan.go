package command

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"coreos-libvirt/internal/cluster/blueprint"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/cluster/reach"
	"coreos-libvirt/internal/cluster/versions"
	"coreos-libvirt/internal/config"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/image/base"
	"coreos-libvirt/internal/launch"
	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/workspace/session"
)

// somethingToDo is the exit status of `mage plan` if `mage up` would do something.
const somethingToDo = 2

// Plan prints what `mage up` would do, and changes nothing. Its exit status is 0 if that is nothing, 2 if it is something.
func (r *Run) Plan(ctx context.Context) error {
	dry := dry(r)
	p, err := wouldPlan(ctx, dry, askAll(dry, r.log)) // which says that etcd's helper is built: that takes a minute
	if err != nil {
		return err
	}
	if err := verifiedBeside(ctx, r, p.source); err != nil {
		return err
	}
	if err := printPlan(r, p); err != nil {
		return err
	}
	if _, refused := carriedOut(r.Settings, p.plan.Steps); refused != nil {
		return errors.Join(refused...)
	}
	if slices.ContainsFunc(p.plan.All(), func(s plan.Step) bool { return s.Changes() || s.Old() }) {
		return session.ExitStatus(somethingToDo)
	}
	return nil
}

// wouldPlan is what a run like the dry one would do.
func wouldPlan(ctx context.Context, dry *Run, ask asking) (planned, error) {
	m, err := wouldMake(ctx, dry, true)
	if err != nil {
		return planned{}, err
	}
	return makePlan(ctx, dry, m, true, ask)
}

// wouldMake is what nodes would be made of by a run like the dry one. try also finds what would go wrong with a discovery token
// that is still to be made.
func wouldMake(ctx context.Context, dry *Run, try bool) (m made, err error) {
	if m.images, err = wouldFetch(ctx, dry); err == nil {
		m.rendered, err = wouldRender(ctx, dry, try)
	}
	return m, err
}

// wouldFetch are the base images that a run like the dry one would get.
func wouldFetch(ctx context.Context, dry *Run) (baseImages, error) {
	held, err := fetchImages(ctx, dry, true)
	held.release() // a look holds nothing
	return held.baseImages, err
}

// dry is a run like this one that says nothing and changes nothing.
func dry(r *Run) *Run {
	dry := &Run{
		Settings: r.Settings, Workspace: r.Workspace, origin: r.origin, log: progress.New(io.Discard), locks: r.locks, leases: r.leases, etcd: r.etcd,
		connection: connection{daemon: r.daemon, fleet: r.fleet, until: r.until}, pass: r.pass,
	}
	dry.onlyLook()
	return dry
}

// makePlan looks at what there is, and works out what is done to come from there to nodes of what was made, complete with all that
// carries it out. looks tells that the run only looks.
func makePlan(ctx context.Context, r *Run, m made, looks bool, ask asking) (planned, error) {
	p, have, err := decide(ctx, r, m, looks, ask)
	if err != nil {
		return p, err
	}
	if err := errors.Join(p.draft.Complete(ctx, &p.plan, p.want, have), keepsProtected(r, p.plan), sayUnfinished(r, r.Prefix, p.domains), notRestored(r, r.Prefix)); err != nil {
		return p, err
	}
	going, err := goingSnapshots(r, leaving(p.plan.All(), p.domains))
	p.plan.Notes = append(p.plan.Notes, going...)
	return p, err
}

// leaving are the domains of the nodes that the steps make anew or remove.
func leaving(steps []plan.Step, domains map[string]engine.Domain) (going []engine.Domain) {
	for _, s := range steps {
		if d, defined := domains[s.Node.Name]; defined && (s.Makes() || s.Action == plan.Remove) {
			going = append(going, d)
		}
	}
	return going
}

// decide is makePlan without what carries the plan out. With an error of the plan's own it gives the steps so far. have is what
// there is of all nodes of the cluster, by name.
func decide(ctx context.Context, r *Run, m made, looks bool, ask asking) (p planned, have map[string]plan.Found, err error) {
	p.made = m
	if p.domains, err = r.values.domains.get(r.domains); err != nil {
		return p, nil, err
	}
	err = errors.Join(r.at().InTheWay(r.members(), p.domains, r.Prefix), checkLinks(r), checkVersions(m))
	if err != nil {
		return p, nil, err
	}
	unknown := unknownNodes(r, r.members(), p.domains)
	where, err := placeNodes(ctx, r, m, p.domains, unknown)
	if err != nil {
		return p, nil, err
	}
	p.hosts = where.hosts
	if !looks {
		if err := bringAfar(ctx, r, m.images, p.hosts); err != nil {
			return p, nil, err
		}
	}
	if p.draft, err = drafter(r, m, looks, p.hosts); err != nil {
		return p, nil, err
	}
	p.draft.Unknown = unknown
	options, e := planOptions(r.Settings), plan.EtcdOf(cmp.Or(m.generation.Token, m.generation.Coming))
	options.Only = r.pass.only
	p.want, have, err = p.draft.Situation(ctx, blueprint.Wanted{Documents: m.documents, Options: options, Etcd: e, Ask: ask.nodes}, p.domains)
	if err != nil {
		return p, nil, err
	}
	if plan.AsksMembers(p.want, have, options, e) {
		e.Status, e.Asked, err = ask.members(ctx, viewOf(r, m.rendered, p.domains), e.NeverFormed(have))
		if err := errors.Join(err, canAllJoin(p.want, m.source)); err != nil {
			return p, nil, err
		}
	}
	p.etcd = e
	if p.plan, err = plan.Make(p.want, have, options, e); err == nil {
		var note string
		if note, err = versions.Check(p.plan, p.want, e.Status, options.Command); note != "" {
			p.plan.Notes = append(p.plan.Notes, note)
		}
	}
	p.plan.Notes = append(p.plan.Notes, where.notes...)
	sayMoves(r, p.plan.Steps, p.hosts)
	return p, have, err
}

// planOptions are what the user wants of a run.
func planOptions(s *settings.Settings) plan.Options {
	return plan.Options{
		Nodes: s.Nodes, Groups: groupsOf(s), Arch: s.Arch, FewerGoes: s.Demanded("nodes"), All: s.Recreate == "all", Changed: s.Recreate == "changed", Names: strings.Split(s.Recreate, ","),
		Redefine: s.Redefine, Parallel: s.Parallel, Force: s.Force, Ready: s.Ready,
		Command: func(target string, words ...string) string { return asCalled(s, target, words...) },
	}
}

// canAllJoin notes which nodes' configs have the word by which a member joins.
func canAllJoin(want []plan.Blueprint, source config.Set) (err error) {
	for i := range want {
		if want[i].Joins, err = source.NodeUses(want[i].Doc.Name, discovery.WordFlags); err != nil {
			return err
		}
	}
	return nil
}

// drafter works out what nodes are made of, on the libvirt that was opened to look at them.
func drafter(r *Run, m made, looks bool, hosts map[string]string) (blueprint.Drafter, error) {
	tmpl, err := os.ReadFile(r.ws().DomainTemplate())
	if err != nil {
		return blueprint.Drafter{}, hint.Errorf("git checkout templates/domain.xml.tmpl", "no domain template: %w", err)
	}
	recipes, err := recipesOf(r, m, looks, hosts)
	return blueprint.Drafter{
		Engine: r.conn, Place: r.at(), Reach: r.reach(), Cluster: r.Prefix, Template: string(tmpl), Recipes: recipes,
		BaseAt:    func(path string) base.Image { return base.At(imageOptions(r, looks), path) },
		Says:      blueprint.Says{Settings: r.Remembered(), At: time.Now().UTC().Format(time.RFC3339), Version: launch.Release(r.Workspace)},
		Unfetched: looks, Filled: r.counts.filled,
	}, err
}

// recipesOf are what each node is made of, by name. looks tells that the run only looks.
func recipesOf(r *Run, m made, looks bool, hosts map[string]string) (map[string]blueprint.Recipe, error) {
	members, err := m.source.Using(discovery.Words...)
	if err != nil {
		return nil, err
	}
	recipes := map[string]blueprint.Recipe{}
	for _, p := range partsOf(r) {
		machine := machineOf(r, p.Settings, looks)
		for _, node := range p.nodes {
			source, _ := m.source.Of(node.Name)
			recipe := blueprint.Recipe{Machine: machine, Base: m.images[node.Name], System: source.System(), Host: hosts[node.Name]}
			recipe.Machine.Link.Bridge = cmp.Or(bridgeOf(r, recipe.Host), recipe.Machine.Link.Bridge)
			if !slices.Contains(members, node) {
				recipe.Etcd = engine.NoEtcd
			}
			recipes[node.Name] = recipe
		}
	}
	return recipes, nil
}

// machineOf is what the settings say of a node's machine, as this host can run it. looks tells that the run only looks.
func machineOf(r *Run, s *settings.Settings, looks bool) blueprint.Machine {
	return blueprint.Machine{Arch: s.Arch, Accel: accelOf(r, looks), Firmware: s.Firmware, RAM: s.RAM, VCPU: s.VCPU, Disk: s.Disk, Link: link(s), Disks: furtherDisks(s), Networks: furtherNetworks(s)}
}

// checkVersions makes sure that each node's image takes the Ignition version of its config.
func checkVersions(m made) error {
	checked := map[string]bool{}
	for _, d := range m.documents {
		source, _ := m.source.Of(d.Name)
		image := m.images[d.Name]
		if key := source.Path + " " + image.Path; !checked[key] {
			checked[key] = true
			if err := source.CheckVersions(image.Accepts); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkLink looks for what the nodes are plugged into. libvirt's drivers other than QEMU's have networks of their own.
func checkLink(s *settings.Settings, nodes reach.Nodes) error {
	if !strings.HasPrefix(s.URI, "qemu") {
		return nil
	}
	return errors.Join(nodes.CheckLink(), reach.CheckFurther(nodes, furtherLinks(s)))
}
