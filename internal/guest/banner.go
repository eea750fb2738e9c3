package guest

import (
	"net/netip"
	"regexp"
	"strings"

	"coreos-libvirt/internal/terminal/printable"
)

// banner is a line above a login prompt: "eth0: 10.0.0.11 fe80::1". Fedora CoreOS and Flatcar print one for
// each interface.
var banner = regexp.MustCompile(`^(?:en|eth)[a-z0-9]+: +(.+)$`)

// BannerAddress is the address that the console's last login banner shows, IPv4 before IPv6; not valid if
// there is none.
func BannerAddress(log Log) (found netip.Addr) {
	text, err := readFrom(log, -mostRead)
	if err != nil {
		return found
	}
	for line := range strings.Lines(string(text)) {
		match := banner.FindStringSubmatch(printable.Line(line))
		if match == nil {
			continue
		}
		for _, word := range strings.Fields(match[1]) {
			address, err := netip.ParseAddr(word)
			if err == nil && address.IsGlobalUnicast() && (address.Is4() || !found.Is4()) {
				found = address
			}
		}
	}
	return found
}
