// Package command is what the targets do: a file a target. Each chooses values of the run, what the stages before it have made
// among them, and gives them to the rooms below.
package command

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"coreos-libvirt/internal/cluster/apply"
	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/facts"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/cluster/reach"
	"coreos-libvirt/internal/cluster/timeline"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/libvirt"
	"coreos-libvirt/internal/engine/libvirt/volumes"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/launch"
	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/settings/hosts"
	"coreos-libvirt/internal/settings/secret"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/session"
)

// Run is one run of targets on a workspace: its settings, and the values that its stages make.
type Run struct {
	*settings.Settings
	Workspace string // absolute path of the clone, without symbolic links
	origin    string // where it was when its nodes were made
	made      string // what the cluster was made with, as the settings were told

	log   *progress.Log
	out   io.Writer // standard output: log says the rest elsewhere if that is for a program to read
	locks *session.Locks
	etcd  etcd.Helper // carries etcd's modules; its process serves the whole run
	connection
	values pipeline
	pass   pass
	leases *leases // on hosts, as locks are on this one

	glance time.Duration   // how long a look waits for what it asks
	times  timeline.Record // takes down what nodes reached when, for `mage timeline`
	counts counts
}

// pass is what of a plan a run carries out, and how much it says of it. The zero value is `mage up`.
type pass struct {
	only  string // the node that is recreated if it changed; empty: each
	brief bool   // nothing is said of nodes that stay as they are

	moves map[string][]string // the hosts that nodes are made anew on one of, by the nodes' names
}

// counts are called by tests' runs for each time that a node's document is rendered, and its domain template filled.
type counts struct{ rendered, filled func(node string) }

// New is a run in the current folder, about a cluster, with the settings that words, the environment, the cluster's file and what
// the cluster was made with give. It prints to out.
func New(words []string, out io.Writer) (*Run, error) {
	return NewAbout(words, About{Cluster: true, Libvirt: true}, out)
}

// NewAbout is New for a command line that is about something else.
func NewAbout(words []string, about About, out io.Writer) (*Run, error) {
	folder, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("cannot find the workspace: %w", err)
	}
	if launch.Whole && about.Cluster { // Mage runs nowhere else
		if err := workspace.IsClone(folder); err != nil {
			return nil, err
		}
	}
	here, err := workspace.At(folder)
	if err != nil {
		return nil, err
	}
	r, err := load(words, about, here)
	if err == nil {
		err = cmp.Or(namesCluster(r.Settings, about.One), hasEngine(r.Settings, about))
	}
	if err != nil {
		return nil, err
	}
	said := out
	if r.Format != "table" || about.Data {
		said = os.Stderr
	}
	r.log, r.out = progress.New(said).Typed(Typed(r.Words)), out
	return r, nil
}

// hasEngine refuses targets that do not work with the engine of the cluster.
func hasEngine(s *settings.Settings, about About) error {
	if !about.Cluster || about.Engines || s.Engine == settings.Libvirt {
		return nil
	}
	return hint.Errorf("docs/kubevirt.md says which commands do, and what Kubernetes has in place of the others", "engine=%s has nothing for this: it is about domains of libvirt, and their disks", s.Engine)
}

// newRun is a run with the settings, which says nothing yet.
func newRun(s *settings.Settings, here workspace.Workspace) *Run {
	if s == nil {
		return nil
	}
	root := here.Root
	return &Run{
		Settings: s, Workspace: root, origin: facts.Origin(here, libvirt.Definitions{}), log: progress.New(io.Discard),
		glance: atAGlance, leases: &leases{lost: make(chan error, 1)},
		locks: &session.Locks{Workspace: workspace.Workspace{Root: root}}, etcd: helperOf(root, s.Cache).As(func() (string, string, error) { return secret.User(s.EtcdUser) }),
	}
}

// helperOf is the etcd helper: a part of the program that needs no Go, else built of the module's sources.
func helperOf(module, cache string) etcd.Helper {
	if launch.Whole {
		return etcd.Within()
	}
	return etcd.NewHelper(module, filepath.Join(cache, "bin"))
}

// members are the nodes that the settings ask for.
func (r *Run) members() []workspace.Node { return nodesOf(r) }

// access is the way into the cluster's nodes.
func (r *Run) access(prefix string) guest.Access { return r.reach().Access(prefix) }

// libvirt is the run's one connection.
func (r *Run) libvirt() (*libvirt.Conn, error) {
	name, _ := where(r.Settings).Host()
	return r.open(r.URI, adviceFor(r.URI), volumesOf(r, hosts.Host{Name: cmp.Or(name, r.URI), URI: r.URI}))
}

// volumesOf is where nodes' files are if libvirt is on another host.
func volumesOf(r *Run, h hosts.Host) volumes.Options {
	o := volumes.Options{Pool: r.Pool, Locks: r.Store, Log: func() *progress.Log { return r.log }}
	if fetcher := fetcherOn(r, h); fetcher != nil {
		o.Fetch = fetcher
	}
	return o
}

// opened is what the nodes run on.
func opened(r *Run) (engine.Engine, error) {
	if OnKubernetes(r) {
		return openMachines(r)
	}
	if len(r.Hosts) > 0 {
		return openFleet(r), nil
	}
	if _, err := r.libvirt(); err != nil {
		return nil, err
	}
	return r.conn, nil
}

// domains are all of the host's, by name.
func (r *Run) domains() (map[string]engine.Domain, error) {
	opened, err := opened(r)
	if err != nil {
		return nil, err
	}
	return opened.Domains()
}

// lock keeps other runs off the cluster until this process ends, however it ends.
func (r *Run) lock(ctx context.Context, prefix string) error {
	held := slices.Contains(r.locks.Held(), prefix)
	if err := r.locks.Take(ctx, prefix, r.Wait, r.log.Say); err != nil {
		return err
	}
	if err := r.ws().KeepID(ctx); err != nil || held {
		return err
	}
	return r.leases.take(ctx, r, prefix)
}

// ws is the run's workspace. It has its ID from when the run first locks a cluster.
func (r *Run) ws() workspace.Workspace {
	here, err := workspace.At(r.Workspace)
	if err != nil { // it was well when the run began; without its ID nothing with one is its own
		here = workspace.Workspace{Root: r.Workspace}
	}
	here.Origin = cmp.Or(here.Origin, r.origin)
	return here
}

// where is the libvirt of this run.
func where(s *settings.Settings) engine.Where {
	w := engine.Where{URI: s.URI, InLab: s.InLab}
	for _, h := range s.Hosts {
		if w.Hosts == nil {
			w.Hosts = map[string]string{}
		}
		w.Hosts[h.Name] = h.URI
	}
	return w
}

// at is where the run looks for what there is.
func (r *Run) at() facts.Place {
	p := facts.Place{Workspace: r.ws(), Where: where(r.Settings), Definitions: libvirt.Definitions{}}
	p.Unknown = func(node string) error { return unknownNode(r, p, node) }
	return p
}

// link is what the nodes are plugged into, as far as this host has a part in it.
func link(s *settings.Settings) engine.Link {
	if s.Engine == settings.KubeVirt {
		return engine.Link{}
	}
	return engine.Link{Bridge: s.Bridge, Network: s.Network, Direct: s.Direct}
}

// reach is how the nodes are reached.
func (r *Run) reach() reach.Nodes {
	return reach.Nodes{Workspace: r.ws(), Where: where(r.Settings), Link: link(r.Settings), Engine: func() (engine.Engine, error) { return opened(r) }, Ready: r.Ready}
}

// applier carries out steps, on the libvirt that was opened to plan them. before are all domains as they were before this run.
func (r *Run) applier(before map[string]engine.Domain) apply.Applier {
	return apply.Applier{
		Engine: r.conn, Workspace: r.ws(), Before: before, Begun: &apply.Begun{}, Plugs: r.Ready,
		Say: r.log.Say, Reached: r.times.Reach, Forget: r.access(r.Prefix).Forget,
	}
}

// booter boots nodes. libvirt is connected by then: the nodes were found there, or defined. images are the base images by node,
// undo takes back what this run has made for a node.
func (r *Run) booter(images baseImages, undo func(context.Context, plan.Step) error) boot.Booter {
	return boot.Booter{
		Engine: r.conn, Nodes: r.reach(), Log: r.log, Record: &r.times,
		KVM:     silenceOf(r, "").DomainType == "kvm",
		Silence: func(node string) timeline.Silence { return silenceOf(r, images[node].Path) },
		Ready:   r.Ready, Timeout: r.Timeout, KeepGoing: r.KeepGoing, Undo: undo,
	}
}

// nothingMade is what there is to take back in a run that boots what other runs have made.
func nothingMade(context.Context, plan.Step) error { return nil }

// silenceOf is how long consoles of nodes on the image are silent.
func silenceOf(r *Run, image string) timeline.Silence {
	return timeline.Silence{File: filepath.Join(r.Store, "silences.json"), Image: image, DomainType: machineOf(r, r.Settings, true).DomainType(r.conn)}
}
