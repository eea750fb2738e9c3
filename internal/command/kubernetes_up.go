package command

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/members"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/config"
	"coreos-libvirt/internal/engine/kubevirt"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/wait"
)

// kubeUp is a plan that is carried out.
type kubeUp struct {
	kubePlan
	run  *Run
	done int // objects that were made, changed or removed
}

// KubernetesUp makes the cluster's objects in Kubernetes, waits until every node says that it can be reached, and until etcd is healthy. Members come
// and go as on libvirt.
func KubernetesUp(ctx context.Context, r *Run) error {
	all, err := renderedOf(ctx, r)
	if err != nil {
		return err
	}
	p, err := planOnKubernetes(ctx, r, all)
	if err != nil {
		return err
	}
	defer p.on.Close()
	up := &kubeUp{kubePlan: p, run: r}
	nodes, err := up.all(ctx)
	if err == nil {
		err = areUp(p.plan.Steps)
	}
	if err == nil && up.done == 0 {
		r.log.Say("%s: all objects are there already", r.Prefix)
	}
	if nodes == nil || !r.Ready || ctx.Err() != nil {
		return err
	}
	ready := kubernetesReports{}
	for _, n := range boot.Reachable(nodes) {
		ready[n.Step.Node.Name] = n.Report
	}
	return errors.Join(printMachines(ctx, r, p.on, ready), err)
}

// renderedOf is what this run has rendered.
func renderedOf(ctx context.Context, r *Run) (all rendered, err error) {
	if all.documents, err = documentsOf(ctx, r); err != nil {
		return all, err
	}
	if all.generation, err = generationOf(ctx, r); err != nil {
		return all, err
	}
	all.source, err = sourceOf(r)
	return all, err
}

// did says what was done with an object.
func (u *kubeUp) did(s kubevirt.Step) {
	u.done++
	u.run.log.Say("%s %s: %sd", s.Kind, s.Name, s.Action)
}

// all carries the plan out. It gives no nodes if it has not come as far as to wait for any.
func (u *kubeUp) all(ctx context.Context) ([]boot.Node, error) {
	u.sayAhead()
	cluster := u.cluster(ctx)
	steps := u.plan.Steps
	if err := expectNewcomers(ctx, u.run, u.planned, func() members.Cluster { return cluster }, steps); err != nil {
		return nil, err
	}
	if err := begin(plan.Taking(steps, plan.Create)); err != nil {
		return nil, err
	}
	admitted, err := cluster.Admit(ctx, steps)
	if err != nil {
		return nil, err
	}
	if err := u.on.Do(ctx, u.objects, u.did); err != nil {
		return nil, errors.Join(err, admitted.Came(nil))
	}
	if steps, err = u.together(ctx, steps); err != nil {
		return nil, err
	}
	nodes, failed := u.awaitAll(ctx, steps)
	broken := errors.Join(trust(u.run.access(u.run.Prefix), nodes), failed)
	if ctx.Err() != nil {
		return nil, broken
	}
	if broken = errors.Join(broken, admitted.Came(nodes)); broken != nil {
		return nodes, broken
	}
	if cluster.Generation.Token != nil && u.run.Ready && !u.etcd.Asked && !reachesAny(ctx, nodes) {
		u.run.log.Say("warning: this host reaches none of the nodes by ssh: whether their etcd is healthy is not known")
		cluster.Generation.Token = nil
	}
	done, err := cluster.Reconcile(ctx, nodes, u.plan.Surplus, nil)
	return done.Nodes, explainedOutcome(ctx, u.run, cluster, done, err)
}

// sayAhead says what there is to know before anything is done.
func (u *kubeUp) sayAhead() {
	for _, s := range u.objects {
		if s.Action == kubevirt.Stays {
			u.run.log.Say("%s: %s %s is another one since it was made; it goes on as it is (hint: `%s` recreates it)", s.Node, s.Kind, s.Name, asCalled(u.run.Settings, "up", "recreate=changed"))
		}
	}
	sayNodes(u.run, u.kubePlan)
}

// begin notes of nodes that they are made now.
func begin(steps []plan.Step) error {
	for _, s := range steps {
		if _, err := s.Node.Begin(); err != nil {
			return fmt.Errorf("%s: %w", s.Node.Name, err)
		}
	}
	return nil
}

// cluster is the etcd of the nodes. Without nad= nobody here can ask it.
func (u *kubeUp) cluster(ctx context.Context) members.Cluster {
	r := u.run
	view := viewOf(r, u.rendered, u.domains)
	if r.NAD == "" {
		view.Generation.Token = nil
	}
	return members.Cluster{
		View: view,
		Nodes: members.Nodes{
			Boot: u.await, Recreate: u.recreate, Remove: func(node workspace.Node) error { return u.remove(ctx, node) },
			Watch: func(ctx context.Context, _ []boot.Node, do func(context.Context) error) error { return do(ctx) },
		},
		Documents: members.Documents{
			Source: u.source, Write: u.write,
			Made: func() (config.Made, error) { return forDocuments(r, u.source, u.generation, false) },
		},
	}
}

// write writes a node's document, of which its objects are made from now on.
func (u *kubeUp) write(doc config.Document) error {
	if err := writeDocuments(u.run.ws(), u.generation, u.run.log.Say, doc); err != nil {
		return err
	}
	drawn, err := objectsOf(u.run, u.onto, []config.Document{doc})
	u.objects = kubevirt.Drawn(u.objects, drawn)
	return err
}

// recreate makes the node again: its disks are lost. The new one boots.
func (u *kubeUp) recreate(ctx context.Context, step plan.Step) (plan.Step, error) {
	u.run.log.Say("%s: recreated, its disks are lost", step.Node.Name)
	if _, err := step.Node.Begin(); err != nil {
		return step, err
	}
	if err := u.on.Recreate(ctx, step.Node.Name, u.objects, u.did); err != nil {
		return step, err
	}
	return plan.New(u.blueprint(step)), nil
}

// together recreates nodes at once, if the plan says so. It gives the steps that are left.
func (u *kubeUp) together(ctx context.Context, steps []plan.Step) ([]plan.Step, error) {
	if u.plan.Way == plan.InTurn {
		return steps, nil
	}
	steps = slices.Clone(steps)
	for i, s := range steps {
		if s.Action != plan.Recreate {
			continue
		}
		var err error
		if steps[i], err = u.recreate(ctx, s); err != nil {
			return steps, fmt.Errorf("%s: %w", s.Node.Name, err)
		}
	}
	return steps, nil
}

// remove removes the node for good.
func (u *kubeUp) remove(ctx context.Context, node workspace.Node) error {
	u.done++
	if err := u.on.RemoveNode(ctx, node.Name); err != nil {
		return err
	}
	return removeRendered(node)
}

// awaitAll waits for all nodes at once, but for those that are to be recreated.
func (u *kubeUp) awaitAll(ctx context.Context, steps []plan.Step) ([]boot.Node, error) {
	nodes := make([]boot.Node, len(steps))
	errs := wait.AtOnce(len(steps), func(i int) error {
		if nodes[i].Step = steps[i]; steps[i].Action != plan.Recreate {
			nodes[i] = u.await(ctx, steps[i])
		}
		return nodes[i].Err
	})
	return nodes, errors.Join(errs...)
}

// await waits until the node says that it can be reached.
func (u *kubeUp) await(ctx context.Context, step plan.Step) boot.Node {
	n := boot.Node{Step: step}
	if !u.run.Ready {
		return n
	}
	begin := time.Now()
	if n.Report, n.Err = awaitOne(ctx, u.run, u.on, step.Node); n.Err != nil {
		n.Err = fmt.Errorf("%s: %w", step.Node.Name, n.Err)
	}
	n.Took = time.Since(begin)
	return n
}

// sshPort is where nodes are logged in to.
const sshPort = 22

// reachWithin is how long a node may take to answer by ssh.
const reachWithin = 5 * time.Second

// reachesAny reports whether a node answers by ssh.
func reachesAny(ctx context.Context, nodes []boot.Node) bool {
	ctx, cancel := context.WithTimeout(ctx, reachWithin)
	defer cancel()
	errs := wait.AtOnce(len(nodes), func(i int) error {
		address, err := netip.ParseAddr(nodes[i].Address())
		if err == nil {
			err = guest.SSHAnswers(ctx, netip.AddrPortFrom(address, sshPort))
		}
		return err
	})
	return len(nodes) == 0 || slices.Contains(errs, nil)
}
