//go:build mage

// Clusters of CoreOS virtual machines on libvirt, from one Ignition config. Settings are words behind
// the target: mage up prefix=core nodes=3
package main

import (
	"context"
	"errors"
	"os"
	"sync"

	"github.com/magefile/mage/mg"

	"coreos-libvirt/internal/command"
	"coreos-libvirt/internal/workspace/session"
)

// Default is what a bare `mage` does.
var Default = Up

// run is shared by all targets of this process. Settings are checked before the first does anything.
var run = sync.OnceValues(func() (*command.Run, error) { return command.NewAbout(words, about, output) })

// do is one stage of the run, after the targets it needs.
func do(ctx context.Context, one func(*command.Run, context.Context) error, needs ...any) error {
	r, err := run()
	if err != nil {
		return command.Shown(err, words)
	}
	end := command.Begin(r)
	defer end() // Mage panics with what a target that is needed fails of
	mg.CtxDeps(ctx, needs...)
	return status(r, command.Interruptible(ctx, r, func(ctx context.Context) error { return one(r, ctx) }))
}

// call is a target that no other one needs, after the targets that it needs.
func call(ctx context.Context, target func(context.Context, *command.Run) error, needs ...any) error {
	return do(ctx, func(r *command.Run, ctx context.Context) error { return target(ctx, r) }, needs...)
}

// onKubernetes is the target of a cluster whose nodes are on Kubernetes, if they are, after a check and the targets that it needs.
func onKubernetes(ctx context.Context, target, check func(context.Context, *command.Run) error, needs ...any) (is bool, err error) {
	r, err := run()
	if err != nil || !command.OnKubernetes(r) {
		return false, nil // the target says what is wrong
	}
	if check != nil {
		if err := call(ctx, check); err != nil {
			return true, err
		}
	}
	return true, call(ctx, target, needs...)
}

// status keeps the exit status of a program that ran in the user's place. Mage prints the error.
func status(r *command.Run, err error) error {
	var exit session.ExitStatus
	switch {
	case errors.As(err, &exit):
		command.GiveBack(r)
		os.Exit(int(exit))
	case session.IsUnread(err):
		command.GiveBack(r)
		os.Exit(session.EndedByPipe)
	}
	return command.Shown(err, words)
}

// Fetch gets the image that nodes boot, unless it is in the store.
func Fetch(ctx context.Context) error { return call(ctx, command.Fetched) }

// fetch is Fetch for targets that go on with the image.
func fetch(ctx context.Context) error { return do(ctx, (*command.Run).Fetch) }

// Transpile makes ignition/ignition.yml into vm/ignition-template.json.
func Transpile(ctx context.Context) error {
	return do(ctx, (*command.Run).Transpile)
}

// Verify judges each node's Ignition document: units, Quadlets and files, by the programs that will read them; strict=, format=json.
func Verify(ctx context.Context) error {
	return call(ctx, command.Verify)
}

// Check runs your own tests, in ignition/tests, on the nodes, as kola does external ones; test=, tags=, node=, format=.
func Check(ctx context.Context) error {
	return call(ctx, command.Check)
}

// Ci is verify, up, check and down in one, for servers that test each change; test=, tags=, keep=, archive=, format=.
func Ci(ctx context.Context) error {
	return call(ctx, command.CI)
}

// Discovery makes sure of a token by which the nodes' etcd find each other, if the config asks for one.
func Discovery(ctx context.Context) error {
	return do(ctx, (*command.Run).Discovery, Transpile)
}

// Render makes each node's vm/<node>/ignition.json of the template.
func Render(ctx context.Context) error {
	return do(ctx, (*command.Run).Render, Discovery) // which needs Transpile: Mage tells an error once for each way to it
}

// Manifests prints the cluster's nodes as objects of Kubernetes with KubeVirt, engine=kubevirt, for kubectl or GitOps; format=json.
func Manifests(ctx context.Context) error {
	if err := call(ctx, command.CheckManifests); err != nil {
		return err
	}
	return call(ctx, command.Manifests, Render)
}

// Define makes each node's disk and libvirt domain.
func Define(ctx context.Context) error {
	return do(ctx, (*command.Run).Defined, define)
}

// define is Define without its end: Up goes on with the nodes that could be defined.
func define(ctx context.Context) error {
	if err := do(ctx, (*command.Run).Claim); err != nil {
		return err
	}
	return do(ctx, (*command.Run).Define, fetch, Render)
}

// Plan prints what up would do, node by node; exit status 2 if that is something, or a node is outdated; diff=, format=json.
func Plan(ctx context.Context) error {
	if is, err := onKubernetes(ctx, command.KubernetesPlan, command.CheckKubernetesUp); is {
		return err
	}
	return do(ctx, (*command.Run).Plan)
}

// Up boots the cluster and waits until every node is ready and etcd is healthy.
func Up(ctx context.Context) error {
	if is, err := onKubernetes(ctx, command.KubernetesUp, command.CheckKubernetesUp, Render); is {
		return err
	}
	if err := do(ctx, (*command.Run).Preflight); err != nil {
		return err
	}
	return do(ctx, (*command.Run).Up, define)
}

// Down removes the cluster prefix=, or all with all=true, after it has shown what goes and asked. Base images stay.
func Down(ctx context.Context) error {
	if is, err := onKubernetes(ctx, command.KubernetesDown, nil); is {
		return err
	}
	return call(ctx, command.Down)
}

// SSH logs in to node=core02, or runs cmd='uname -r' there; on all nodes of a cluster with prefix=, on all there are with all=true.
func SSH(ctx context.Context) error {
	return call(ctx, command.SSH)
}

// Cp copies a file or folder from= to=, one of which is node:path.
func Cp(ctx context.Context) error {
	return call(ctx, command.Copy)
}

// Forward makes port=8080:80, which is 80 of node=core01, port 8080 of this host's 127.0.0.1, until Ctrl-C.
func Forward(ctx context.Context) error {
	return call(ctx, command.Forward)
}

// Shell is a shell inside the lab, mage lab shell, or runs cmd='virsh list' there.
func Shell(ctx context.Context) error {
	return call(ctx, command.Shell)
}

// Status prints how each node is, without waiting for any; format=json, follow=true goes on.
func Status(ctx context.Context) error {
	if is, err := onKubernetes(ctx, command.KubernetesStatus, nil); is {
		return err
	}
	return call(ctx, command.Status)
}

// Etcd prints the members of the cluster's etcd: ids, leader, health, version, database size. remove= takes one out that is not a node's, defrag=true defragments, recover=true makes a cluster of one that is left.
func Etcd(ctx context.Context) error {
	return call(ctx, command.Etcd)
}

// TLS are targets about the certificates of the cluster's etcd.
type TLS mg.Namespace

// Rotate has the cluster's etcd trust a new certificate authority, and no other: in steps, while it is used.
func (TLS) Rotate(ctx context.Context) error {
	return call(ctx, command.RotateAuthority)
}

// Backup writes a snapshot of the cluster's etcd to file=core.db, and opens it; keep=7 removes older ones.
func Backup(ctx context.Context) error {
	return call(ctx, command.Backup)
}

// Restore gives the cluster's etcd all that the snapshot file=core.db has; if no node runs, up comes first.
func Restore(ctx context.Context) error {
	r, err := run()
	if err != nil {
		return err
	}
	runs, err := command.Restorable(r)
	if err != nil {
		return err
	}
	if runs {
		return call(ctx, command.Restore)
	}
	return call(ctx, command.Restore, Up)
}

// Snapshot keeps the whole cluster as it is at this moment, disks and memory, under name=.
func Snapshot(ctx context.Context) error {
	return call(ctx, command.Snapshot)
}

// Rollback takes the whole cluster back to the snapshot name=: what came later is lost.
func Rollback(ctx context.Context) error {
	return call(ctx, command.Rollback)
}

// Snapshots lists the snapshots of the clusters; name= with remove=true removes one; format=json.
func Snapshots(ctx context.Context) error {
	return call(ctx, command.Snapshots)
}

// Console is the serial console of node=core01; Ctrl-] leaves it.
func Console(ctx context.Context) error {
	return call(ctx, command.Console)
}

// Screen writes what node=core01 shows on its screen to vm/core01/screen.png.
func Screen(ctx context.Context) error {
	return call(ctx, command.Screen)
}

// Logs prints what node=core01, or all nodes, wrote on their consoles; follow=true goes on.
func Logs(ctx context.Context) error {
	return call(ctx, command.Logs)
}

// Units prints how the systemd units are that the config brings to node=core01, or all nodes, and which others have failed; format=json.
func Units(ctx context.Context) error {
	return call(ctx, command.Units)
}

// Journal prints the journal of this boot of node=core01, or of all nodes, of unit= or all; follow=true goes on.
func Journal(ctx context.Context) error {
	return call(ctx, command.Journal)
}

// Stop shuts node=core01, or all nodes of a cluster, down: by ACPI, and after grace= by force.
func Stop(ctx context.Context) error {
	if is, err := onKubernetes(ctx, command.KubernetesStop, nil); is {
		return err
	}
	return call(ctx, command.Stop)
}

// Start boots node=core01, or all nodes of a cluster, that are there and do not run.
func Start(ctx context.Context) error {
	if is, err := onKubernetes(ctx, command.KubernetesStart, nil); is {
		return err
	}
	return call(ctx, command.Start)
}

// Restart stops node=core01, or all nodes of a cluster, and boots them again.
func Restart(ctx context.Context) error {
	if is, err := onKubernetes(ctx, command.KubernetesRestart, nil); is {
		return err
	}
	return call(ctx, command.Restart)
}

// Env prints what lets docker on this host talk to node=core01: eval "$(mage env node=core01)".
func Env(ctx context.Context) error {
	return call(ctx, command.Env)
}

// SSHConfig prints the lines for ~/.ssh/config by which ssh reaches all nodes by name.
func SSHConfig(ctx context.Context) error {
	return call(ctx, command.SSHConfig)
}

// Timeline draws the last up of the cluster: what each node was at, and for how long; format=svg, text or json, file=, open=true.
func Timeline(ctx context.Context) error {
	return call(ctx, command.Timeline)
}

// Host are targets about the machine that libvirt runs on.
type Host mg.Namespace

// Check looks whether this machine can run the nodes, and says the remedy of what is missing; format=json.
func (Host) Check(ctx context.Context) error {
	return call(ctx, command.HostCheck)
}

// Setup prints what is missing on this machine to run the nodes, packages, rights, bridge, and makes it with apply=true.
func (Host) Setup(ctx context.Context) error {
	return call(ctx, command.HostSetup)
}

// Undo takes back what host:setup did to this machine, all of it and nothing else.
func (Host) Undo(ctx context.Context) error {
	return call(ctx, command.HostUndo)
}

// Help lists the targets, or says what is known of those behind it and of their settings: mage help up.
func Help() {} // init prints it

// Build makes the program coreos-libvirt, which runs all targets in any clone without Go; arch=aarch64 for another machine.
func Build(ctx context.Context) error {
	return call(ctx, command.Build)
}

// Version prints what this program was made of, commit and Go, and the libvirt of this host; format=json.
func Version(ctx context.Context) error {
	return call(ctx, command.Version)
}

// Bench measures this project beside virt-install, virsh, vagrant-libvirt, butane and a fetch by hand on this machine, and writes the figures into docs/performance.md; full=true up to 100 nodes.
func Bench(ctx context.Context) error {
	return call(ctx, command.Bench)
}

// Release makes the archives of a release, version=v0.1.0, for x86_64 and aarch64, with checksums and what they are made of.
func Release(ctx context.Context) error {
	return call(ctx, command.Release)
}

// Doctor prints what a report of a fault needs, versions, checks, settings, nodes and their last errors, with secrets left out; format=json.
func Doctor(ctx context.Context) error {
	return call(ctx, command.Doctor)
}

// Completion prints what shell= has to read to complete the lines of this project, or writes it where the shells look, with install=true.
func Completion(ctx context.Context) error {
	return call(ctx, command.Completion)
}

// Clusters are targets about the clusters that there are.
type Clusters mg.Namespace

// Aliases are targets whose name is that of a namespace.
var Aliases = map[string]any{"clusters": Clusters.List}

// List lists every cluster of this host's libvirt that this project made: nodes, ready, image, workspace, age; format=json.
func (Clusters) List(ctx context.Context) error {
	return call(ctx, command.Clusters)
}

// Init writes clusters/<prefix>.yml, of the settings that are given, or of a cluster that there is; it overwrites nothing.
func (Clusters) Init(ctx context.Context) error {
	return call(ctx, command.ClustersInit)
}

// Settings prints each setting with its value, its source, its default and its meaning.
func Settings(ctx context.Context) error {
	return call(ctx, command.Settings)
}

// Hosts prints each host that nodes are spread over: whether it answers, what it has, which nodes are on it; format=json.
func Hosts(ctx context.Context) error {
	return call(ctx, command.Hosts)
}

// Move recreates node=core02 on host=hv2: a member of etcd is replaced, and the cluster's data stay.
func Move(ctx context.Context) error {
	return call(ctx, command.Move)
}

// Evacuate moves all nodes of a cluster that are on host=hv1 to the other hosts, one after the other.
func Evacuate(ctx context.Context) error {
	return call(ctx, command.Evacuate)
}

// Lab runs the targets behind it in a private world of bridge, DHCP server and libvirt: mage lab up.
func Lab(ctx context.Context) error {
	return call(ctx, func(ctx context.Context, r *command.Run) error { return command.Lab(ctx, r, behind) })
}

// Labdown takes the lab apart.
func Labdown(ctx context.Context) error {
	return call(ctx, command.Labdown)
}

// Test checks this project itself: builds, unit tests, linters, and real guests in a lab; full=true all of them.
func Test(ctx context.Context) error {
	return call(ctx, command.Test)
}

// Selftest boots one node of image= on this host and checks in it what this project relies on; it leaves a report.
func Selftest(ctx context.Context) error {
	return call(ctx, command.Selftest)
}

// Images lists the base images in the store: versions, sizes, who uses them, what is newer.
func Images(ctx context.Context) error {
	return call(ctx, command.Images)
}

// Prune removes the base images that nothing stands on, of any workspace.
func Prune(ctx context.Context) error {
	return call(ctx, command.Prune)
}

// Show prints the Ignition document of node=core01 as people read it: contents decoded.
func Show(ctx context.Context) error {
	return call(ctx, command.Show)
}

// Watch transpiles and renders on every save and prints what changed in the nodes' Ignition documents.
func Watch(ctx context.Context) error {
	return call(ctx, command.Watch)
}

// Try recreates nodes whose documents changed, on every save of the config, until it is ended; node= is the only one.
func Try(ctx context.Context) error {
	return call(ctx, command.Try)
}

// Migrate writes a Container Linux Config as Butane, beside it.
func Migrate(ctx context.Context) error {
	return call(ctx, command.Migrate)
}

// Password prints the line for password_hash of a password that is typed twice, or piped in.
func Password(ctx context.Context) error {
	return call(ctx, command.Password)
}
