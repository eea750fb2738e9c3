package command

import (
	"strings"

	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/workspace"
)

// bootFailure is what of the node's boot failed, and the first line of its console that tells of it; empty if none does, or
// if it came up after that.
func bootFailure(node workspace.Node) string {
	console := guest.NewConsole(node.Console())
	told, err := console.Failure()
	prompted, _, errLogin := guest.Login(node.Console())
	if err != nil || errLogin != nil || len(told) == 0 || prompted {
		return ""
	}
	if strings.Contains(strings.ToLower(strings.Join(told, " ")), "ignition") {
		return "Ignition: " + told[0]
	}
	return "the boot: " + told[0]
}
