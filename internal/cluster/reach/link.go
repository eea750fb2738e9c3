package reach

import (
	"net"
	"os"
	"path/filepath"
	"strings"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/terminal/hint"
)

// HostLink is the link by which the host reaches the nodes: their bridge, the bridge of the libvirt network, or the host's
// own link beside theirs on the card that they share.
func (n Nodes) HostLink() (string, error) {
	if n.Direct != "" {
		return host.Root("/").HostLink(n.Direct)
	}
	if n.Network == "" {
		return n.Bridge, nil
	}
	opened, err := n.Engine()
	if err != nil {
		return "", err
	}
	networks, ok := engine.As[engine.Networks](opened)
	if !ok {
		return "", hint.Errorf("bridge= or direct= names what the nodes are plugged into", "network=%s: this engine has no networks of its own", n.Network)
	}
	return networks.NetworkBridge(n.Network)
}

// CheckLink finds out before QEMU does that there is no such bridge, network or card.
func (n Nodes) CheckLink() error {
	if n.Network != "" {
		_, err := n.HostLink()
		return err
	}
	if n.Direct != "" {
		_, err := host.Root("/").Card(n.Direct)
		if host.IsWarning(err) {
			return nil
		}
		return err
	}
	if isBridge(n.Bridge) {
		return nil
	}
	advice := host.Sudo("mage host:setup bridge="+n.Bridge+" apply=true") + " makes one; network=default does without"
	if bridges := bridges(); len(bridges) > 0 {
		advice = "this host has: bridge=" + strings.Join(bridges, ", bridge=")
	}
	return hint.Errorf(advice, "bridge=%s: there is no such bridge on this host", n.Bridge)
}

func isBridge(link string) bool {
	_, err := os.Stat(filepath.Join("/sys/class/net", link, "bridge"))
	return err == nil
}

// bridges are those of this host.
func bridges() []string {
	found := []string{}
	links, _ := net.Interfaces()
	for _, link := range links {
		if isBridge(link.Name) {
			found = append(found, link.Name)
		}
	}
	return found
}
