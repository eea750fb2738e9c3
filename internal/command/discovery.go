package command

import (
	"context"
	"os"

	"coreos-libvirt/internal/cluster/facts"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/generation"
	"coreos-libvirt/internal/workspace"
)

// Discovery makes sure of a token for the cluster's etcd, if the config asks for one.
func (r *Run) Discovery(ctx context.Context) (err error) {
	if err := r.lock(ctx, r.Prefix); err != nil {
		return err
	}
	r.generation, err = generation.Make(ctx, r.generationOptions(), r.source)
	return err
}

// generationOptions say how the members of the cluster's etcd shall find each other.
func (r *Run) generationOptions() generation.Options {
	return generation.Options{
		Dir: r.vm(), Prefix: r.Prefix, Nodes: r.members(),
		Way: r.Settings.Discovery, Listen: r.DiscoveryListen, Bridge: r.reach().HostLink, Addresses: r.Addresses,
		Access:   generation.Access{CA: r.DiscoveryCA, Cert: r.DiscoveryCert, Key: r.DiscoveryKey, User: r.DiscoveryUser},
		HasNodes: r.anyOverlay(), All: r.Recreate == "all", Renew: r.Renew,
		Helper: r.etcd, Say: r.log.Say,
	}
}

// anyOverlay tells whether a node of the cluster has been made.
func (r *Run) anyOverlay() bool {
	entries, _ := os.ReadDir(r.vm())
	for _, entry := range entries {
		n := workspace.NumberOf(r.Prefix, entry.Name())
		if n == 0 {
			continue
		}
		node := r.ws().Node(r.Prefix, n)
		if m := facts.Made(node); workspace.Exists(node.Overlay()) && (m == nil || m.Cluster == r.Prefix) {
			return true
		}
	}
	return false
}

// membersHelper is the helper, with what the cluster's members want to see.
func (r *Run) membersHelper() etcd.Helper { return r.current().Members(r.etcd) }

// current is the generation of this run, or of the files if the run has none: targets that only ask the members make none.
func (r *Run) current() generation.Generation {
	if r.generation.Token != nil {
		return r.generation
	}
	return generation.Read(r.vm(), r.Prefix)
}
