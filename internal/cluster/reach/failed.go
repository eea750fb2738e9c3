package reach

import (
	"strings"

	"coreos-libvirt/internal/guest"
)

// BootFailure is what of a node's boot failed, and the first line of its console that shows it; empty if none does, or
// if it came up after that.
func BootFailure(log guest.Log) string {
	console := guest.NewConsole(log)
	told, err := console.Failure()
	prompted, _, errLogin := guest.Login(log)
	if err != nil || errLogin != nil || len(told) == 0 || prompted {
		return ""
	}
	if strings.Contains(strings.ToLower(strings.Join(told, " ")), "ignition") {
		return "Ignition: " + told[0]
	}
	return "the boot: " + told[0]
}
