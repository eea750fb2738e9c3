package command

import (
	"context"

	"coreos-libvirt/internal/etcd/generation"
)

// Discovery makes sure of a token for the cluster's etcd, if the config asks for one.
func (r *Run) Discovery(ctx context.Context) error {
	_, err := generationOf(ctx, r)
	return err
}

// generationOptions say how the members of the cluster's etcd find each other.
func (r *Run) generationOptions() generation.Options {
	return generation.Options{
		Dir: r.ws().VM(), Prefix: r.Prefix, Nodes: r.members(),
		Way: r.Settings.Discovery, Listen: r.DiscoveryListen, Bridge: r.reach().HostLink, Addresses: r.Addresses,
		Access:   generation.Access{CA: r.DiscoveryCA, Cert: r.DiscoveryCert, Key: r.DiscoveryKey, User: r.DiscoveryUser},
		HasNodes: hasNodes(r), All: r.Recreate == "all", Renew: r.Renew,
		Helper: r.etcd, Say: r.log.Say,
	}
}
