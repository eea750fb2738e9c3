package reach

import (
	"net"
	"os"
	"path/filepath"
	"strings"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/terminal/hint"
)

// HostLink is the link by which this host reaches the nodes: their bridge, the bridge of the libvirt network, or the host's
// own link beside theirs on the card that they share. If libvirt is on another host, it is the link by which that is reached.
func (n Nodes) HostLink() (string, error) {
	if name, remote := n.Where.Host(); remote {
		if link, err := linkTo(name); err != nil || link != loopback {
			return link, err
		} // a libvirt of this very host
	}
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

// loopback is the link by which this host reaches itself.
const loopback = "lo"

// linkTo is the link by which this host reaches a hypervisor: ssh's configuration may have another name for it.
func linkTo(name string) (string, error) {
	link, err := host.LinkTo(guest.HostName(name))
	if err != nil {
		err = hint.Errorf("discovery_listen= names the address of this host by which nodes reach it", "by which link this host reaches the nodes of %s is not known: %w", name, err)
	}
	return link, err
}

// CheckLink finds out before QEMU does that there is no such bridge, network or card. If libvirt is on another host, it is asked for
// a bridge.
func (n Nodes) CheckLink() error {
	if n.Where.IsRemote() {
		return checkThere(n)
	}
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

// checkThere asks libvirt for the network, or for the bridge or card on its host. If it has no answer, QEMU finds out.
func checkThere(n Nodes) error {
	opened, err := n.Engine()
	if err != nil {
		return err
	}
	if networks, can := engine.As[engine.Networks](opened); n.Network != "" && can {
		_, err := networks.NetworkBridge(n.Network)
		return err
	}
	links, can := engine.As[engine.HostLinks](opened)
	if !can {
		return nil
	}
	if there, known := links.HasLink(n.String()); known && !there {
		where, _ := n.Where.Host()
		word := "bridge"
		if n.Direct != "" {
			word = "direct"
		}
		return hint.Errorf("run `mage host:setup` on "+where+", or network=default does without", "%s=%s: the host %s has no such link", word, n.Link, where)
	}
	return nil
}
