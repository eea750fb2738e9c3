package network

import (
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strings"

	"coreos-libvirt/internal/config/verify/document"
	"coreos-libvirt/internal/config/verify/place"
	"coreos-libvirt/internal/config/verify/sandbox"
	"coreos-libvirt/internal/terminal/shellword"
)

// profile are the faults of a profile of NetworkManager (nm-settings-keyfile(5)): it does not read one that others may.
func profile(f document.File) []document.Fault {
	faults := malformed(f)
	if mode := f.Mode; mode == 0 && !f.HasMode || mode&0o077 != 0 {
		faults = append(faults, document.Fault{
			Error: true, Path: f.Path, Text: path.Base(f.Path) + ": NetworkManager does not read a profile that others may read", Hint: "mode: 0600",
		})
	}
	if len(faults) == 0 && !slices.ContainsFunc(entries(f), func(e entry) bool { return e.section == "connection" || slices.Contains(types, e.section) }) {
		faults = append(faults, one(f, 1, "there is no section [connection]"))
	}
	return append(append(faults, names(f, keyfile, "NetworkManager")...), addresses(f)...)
}

var (
	dotted   = regexp.MustCompile(`[0-9]+(?:\.[0-9]+)+(?:/[0-9]+)?`)
	isDotted = regexp.MustCompile(`^(?:address|addresses|route|routes|gateway|dns)[0-9]*$`)
)

// addresses are the faults of IPv4 addresses that cannot be: NetworkManager leaves them out.
func addresses(f document.File) (faults []document.Fault) {
	for _, e := range entries(f) {
		if e.section != "ipv4" || !isDotted.MatchString(e.key) {
			continue
		}
		for _, text := range dotted.FindAllString(e.value, -1) {
			if !possible(text) {
				fault := one(f, e.line, "'"+text+"' is not an address: NetworkManager leaves it out")
				fault.Needle = text
				faults = append(faults, fault)
			}
		}
	}
	return faults
}

func possible(text string) bool {
	if strings.Contains(text, "/") {
		_, err := netip.ParsePrefix(text)
		return err == nil
	}
	_, err := netip.ParseAddr(text)
	return err == nil
}

// nmcliCommand lets nmcli read the profile and write it again, without NetworkManager (nmcli(1), --offline).
func nmcliCommand(at string) string {
	return "nmcli --offline connection modify connection.autoconnect-priority 0 <" + shellword.Of(sandbox.Node+at) + " 2>&1 >/dev/null"
}

var (
	ofProperty = regexp.MustCompile(`^Error: Error writing connection: ([a-z0-9-]+)\.([a-z0-9-]+): (.*)$`)
	ofType     = regexp.MustCompile(`^Error: invalid connection type; (\S+?)\.?$`)
)

// nmcliSaid is the fault that nmcli told of: it is no more than one, and may follow from what was seen before.
func nmcliSaid(f document.File, said string) (faults []document.Fault) {
	if len(profile(f)) > 0 {
		return nil
	}
	for _, line := range strings.Split(said, "\n") {
		if m := ofType.FindStringSubmatch(line); m != nil {
			faults = append(faults, typeFault(f, m[1]))
		} else if m := ofProperty.FindStringSubmatch(line); m != nil && m[1]+m[2] != "connectionid" { // the file's name is the id then
			fault := one(f, 1, m[1]+"."+m[2]+": "+m[3])
			fault.Line, fault.Needle = lineOf(f, m[1], m[2])
			faults = append(faults, fault)
		}
	}
	return faults
}

// types are those of connections that are in use (nm-settings-nmcli(5)).
var types = []string{
	"ethernet", "802-3-ethernet", "wifi", "802-11-wireless", "bond", "bridge", "vlan", "vxlan", "vrf", "team", "tun", "veth", "dummy", "macvlan",
	"infiniband", "ip-tunnel", "wireguard", "loopback", "gsm", "pppoe", "vpn", "macsec", "ovs-bridge", "ovs-port", "ovs-interface", "hsr", "ipvlan", "geneve", "generic",
}

func typeFault(f document.File, given string) document.Fault {
	fault := one(f, 1, "unknown type of connection '"+given+"'")
	fault.Line, fault.Needle = lineOf(f, "connection", "type")
	if slices.Contains(types, given) {
		fault.Error, fault.Hint = false, "nmcli of this host does not know it; NetworkManager of the image may be newer"
	} else if near := document.Nearest(given, types); near != "" {
		fault.Text += "; did you mean " + near + "?"
	}
	return fault
}

// lineOf is the line of the property, else of its section, else the first, and what to point at there.
func lineOf(f document.File, setting, property string) (line int, needle string) {
	line = 1
	for _, e := range entries(f) {
		if alias(e.section) != alias(setting) {
			continue
		}
		if e.key == "" {
			line = e.line
		} else if stem(keyfile, e) == property {
			return e.line, place.Value + e.value
		}
	}
	return line, ""
}

// alias is the longer name of a setting that has two.
func alias(setting string) string {
	switch setting {
	case "ethernet":
		return "802-3-ethernet"
	case "wifi", "wifi-security":
		return strings.Replace(setting, "wifi", "802-11-wireless", 1)
	}
	return setting
}
