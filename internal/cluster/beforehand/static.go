package beforehand

import (
	"encoding/json"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strings"

	"coreos-libvirt/internal/config/verify/document"
)

// Where systems read addresses: nm-settings-keyfile(5), systemd.network(5), dracut.cmdline(7).
const (
	profiles = "/etc/NetworkManager/system-connections"
	networkd = "/etc/systemd/network"
)

var (
	ofProfile  = regexp.MustCompile(`(?m)^\s*address(?:es|[0-9]+)?\s*=\s*([0-9A-Fa-f:.]+)`)
	manual     = regexp.MustCompile(`(?m)^\s*method\s*=\s*manual\s*$`)
	ofNetworkd = regexp.MustCompile(`(?m)^\s*Address\s*=\s*([0-9A-Fa-f:.]+)`)
)

// Static is the address that an Ignition document gives a node's card; the zero one if it gives none, or if it cannot be known which of
// several it is. Only addresses count that a node can have: a card for another network has one of another.
func Static(doc []byte, possible func(netip.Addr) bool) netip.Addr {
	d, err := document.Parse(doc)
	if err != nil {
		return netip.Addr{}
	}
	texts := fromArguments(doc)
	for _, f := range d.Files {
		switch dir, kind := path.Split(f.Path); {
		case !f.Known:
		case path.Clean(dir) == profiles && path.Ext(kind) == ".nmconnection" && manual.Match(f.Data):
			texts = append(texts, matches(ofProfile, f.Data)...)
		case path.Clean(dir) == networkd && path.Ext(kind) == ".network":
			texts = append(texts, matches(ofNetworkd, f.Data)...)
		}
	}
	return only(texts, possible)
}

func matches(form *regexp.Regexp, text []byte) (found []string) {
	for _, m := range form.FindAllSubmatch(text, -1) {
		found = append(found, string(m[1]))
	}
	return found
}

// fromArguments are the addresses in ip= arguments of the kernel: ip=10.0.0.11::10.0.0.1:255.255.255.0:core01:eth0:none.
func fromArguments(doc []byte) (found []string) {
	var of struct {
		KernelArguments struct {
			ShouldExist []string `json:"shouldExist"`
		} `json:"kernelArguments"`
	}
	_ = json.Unmarshal(doc, &of)
	for _, words := range of.KernelArguments.ShouldExist {
		for _, word := range strings.Fields(words) {
			if value, is := strings.CutPrefix(word, "ip="); is {
				address, _, _ := strings.Cut(value, ":")
				found = append(found, address)
			}
		}
	}
	return found
}

// only is the one address that a node can have: of IPv4, or else of IPv6.
func only(texts []string, possible func(netip.Addr) bool) netip.Addr {
	v4, v6 := []netip.Addr{}, []netip.Addr{}
	for _, text := range texts {
		address, err := netip.ParseAddr(text)
		switch {
		case err != nil || !possible(address) || slices.Contains(v4, address) || slices.Contains(v6, address):
		case address.Is4():
			v4 = append(v4, address)
		default:
			v6 = append(v6, address)
		}
	}
	if len(v4) > 0 {
		v6 = v4
	}
	if len(v6) != 1 {
		return netip.Addr{}
	}
	return v6[0]
}
