package reach

import (
	"fmt"
	"strings"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/terminal/hint"
)

// CheckFurther finds out before QEMU does that there is no such bridge, network or card for a further network card. The host
// reaches the nodes by the first one only: what else there is is the user's affair.
func CheckFurther(n Nodes, links []engine.Link) error {
	for _, link := range links {
		n.Link = link
		word := "networks=" + engine.LinksText([]engine.Link{link})
		if link.Bridge != "" && !n.Where.IsRemote() && !isBridge(link.Bridge) {
			advice := "sudo ip link add " + link.Bridge + " type bridge && sudo ip link set " + link.Bridge + " up   # one that leads nowhere, until this host boots"
			if there := bridges(); len(there) > 0 {
				advice = "this host has: networks=bridge:" + strings.Join(there, ", networks=bridge:") + "; or " + advice
			}
			return hint.Errorf(advice, "%s: there is no such bridge on this host", word)
		}
		if link.Bridge == "" || n.Where.IsRemote() {
			if err := n.CheckLink(); err != nil {
				return fmt.Errorf("%s: %w", word, err)
			}
		}
	}
	return nil
}
