package command

import (
	"context"
	"strings"

	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/lab"
)

// reserveInLab makes the nodes of the run inside known to the lab's network, if their etcd finds the others by DNS: an address is kept for
// each, and its name is there. What is wrong with its settings that run says.
func reserveInLab(ctx context.Context, r *Run, world *lab.World) error {
	inside, err := insideOf(r)
	if err != nil {
		return nil //nolint:nilerr // see above
	}
	domain, isSRV := strings.CutPrefix(inside.Settings.Discovery, "srv:")
	if !isSRV && (inside.Settings.Discovery != discovery.KindStatic || inside.Addresses != "") {
		return nil
	}
	if !isSRV {
		domain = ""
	} else if discovery.CheckDomain(domain) != nil {
		return nil
	}
	nodes := []lab.NodeName{}
	for _, node := range inside.members() {
		nodes = append(nodes, lab.NodeName{Name: node.Name, MAC: node.MAC})
	}
	return world.Reserve(ctx, nodes, domain, r.log.Say)
}
