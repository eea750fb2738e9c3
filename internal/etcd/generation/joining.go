package generation

import (
	"os"
	"slices"
	"strings"

	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/workspace"
)

// JoinsAt is the address at which the node was made to join etcd; empty if it was not.
func JoinsAt(node workspace.Node) string {
	for _, part := range joined(node) {
		if name, url, _ := strings.Cut(part, "="); name == node.Name {
			return etcd.HostOf(url)
		}
	}
	return ""
}

// FitsAmong reports whether the node was made to join exactly these members, and is none of them.
func FitsAmong(peers etcd.Peers, node workspace.Node) bool {
	address := JoinsAt(node)
	url, err := peers.URLAt(address)
	if _, taken := peers.Of(node.Name, address); err != nil || address == "" || taken {
		return false
	}
	initial, err := peers.InitialCluster(node.Name, url)
	return err == nil && slices.Equal(inOrder(strings.Split(initial, ",")), inOrder(joined(node)))
}

// joined are the members, name=URL each, that the node was made to join, with its own.
func joined(node workspace.Node) []string {
	flags, err := os.ReadFile(node.EtcdFlags())
	if err != nil {
		return nil
	}
	return strings.Split(discovery.Joined(string(flags)), ",")
}

func inOrder(parts []string) []string {
	slices.Sort(parts)
	return parts
}
