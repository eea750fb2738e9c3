// Package guest is the inside of a node as the host sees it: what it reports when it can be reached,
// what its console says, and ssh to it.
package guest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"coreos-libvirt/internal/terminal/printable"
)

// ReadyChannel is the virtio channel on which a guest reports itself.
const ReadyChannel = "org.coreos.ready"

// Report is the JSON line by which a guest says how far it is on its way to be reached
// (templates/ready.sh writes it).
type Report struct {
	HostName   string      `json:"hostname"`
	BootID     string      `json:"boot_id"`   // of /proc/sys/kernel/random/boot_id
	Uptime     float64     `json:"uptime"`    // seconds, of /proc/uptime
	Network    Moment      `json:"network"`   // when it had an address
	SSHD       Moment      `json:"sshd"`      // when sshd had shown its host keys
	HostKeys   []string    `json:"host_keys"` // sshd's public keys: type and base64
	Interfaces []Interface `json:"interfaces"`
	Units      *Units      `json:"units,omitempty"` // once it can be reached; nil if it does not say
}

// Units is what systemd says of a node, in short.
type Units struct {
	State  string   `json:"state"`  // of the whole system: running, degraded, starting (systemctl(1), is-system-running)
	Failed []string `json:"failed"` // units that have failed, or wait to be restarted
}

// mostFailed is how many names of units are kept.
const mostFailed = 100

// cleaned is what may be printed of it: a guest may say anything.
func (u *Units) cleaned() *Units {
	if u == nil {
		return nil
	}
	clean := &Units{State: printable.Line(u.State[:min(len(u.State), longestReason)])}
	for _, name := range u.Failed[:min(len(u.Failed), mostFailed)] {
		clean.Failed = append(clean.Failed, printable.Line(name[:min(len(name), longestReason)]))
	}
	return clean
}

// Moment is when something was there or, before that, why it is not.
type Moment struct {
	At      float64 // seconds of uptime; 0 if that is not known
	Missing string  // the reason, one line; empty when it is there
}

// longestReason is what is kept of a guest's reason, in bytes.
const longestReason = 200

// UnmarshalJSON reads a number of seconds, or a reason.
func (m *Moment) UnmarshalJSON(text []byte) error {
	*m = Moment{}
	if json.Unmarshal(text, &m.At) == nil {
		return nil
	}
	if err := json.Unmarshal(text, &m.Missing); err != nil {
		return err
	}
	m.Missing = printable.Line(m.Missing[:min(len(m.Missing), longestReason)]) // a guest may say anything
	return nil
}

// MarshalJSON is the reverse of UnmarshalJSON.
func (m Moment) MarshalJSON() ([]byte, error) {
	if m.Missing != "" {
		return json.Marshal(m.Missing)
	}
	return json.Marshal(m.At)
}

// Interface is one network interface, as `ip -j address` prints it (ip-address(8)).
type Interface struct {
	Name      string    `json:"ifname"`
	MAC       string    `json:"address"`
	Addresses []Address `json:"addr_info"`
}

// Address is one address of an interface.
type Address struct {
	Family string `json:"family"` // inet or inet6
	Local  string `json:"local"`
	Scope  string `json:"scope"` // global, link, host
}

// serialMark is before a report on a serial console, where other programs write, too.
const serialMark = "coreos-libvirt-ready: "

// SerialReport is the report that a line of a serial console is. Lines that are none, or of which another program has written a part,
// are not: each report comes again.
func SerialReport(line string) (r Report, is bool) {
	text, is := OnSerial(line)
	if !is || json.Unmarshal([]byte(text), &r) != nil || r.BootID == "" {
		return Report{}, false
	}
	return r.cleaned(), true
}

// OnSerial is what a line of a serial console has that would be a line of the channel ReadyChannel.
func OnSerial(line string) (text string, is bool) {
	_, text, is = strings.Cut(line, serialMark)
	return strings.TrimSpace(text), is
}

// cleaned is the report without what may not be printed: a guest may say anything.
func (r Report) cleaned() Report {
	r.HostName = printable.Line(r.HostName[:min(len(r.HostName), longestReason)])
	r.Units = r.Units.cleaned()
	return r
}

// ReadReport waits until the node with the hardware address mac reports on the channel that it can be reached; why it
// cannot be yet goes to waits, in one line. Lines that are not a report are passed over: the first may be what is left of an
// earlier one.
func ReadReport(channel io.Reader, mac string, waits func(reason string)) (Report, error) {
	lines := bufio.NewScanner(channel)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r Report
		if json.Unmarshal(lines.Bytes(), &r) != nil || r.BootID == "" {
			continue
		}
		r = r.cleaned()
		reason := r.Missing(mac)
		if reason == "" {
			return r, nil
		}
		waits(reason)
	}
	if err := lines.Err(); err != nil {
		return Report{}, err
	}
	return Report{}, io.EOF
}

// Missing is why the node with the hardware address mac cannot be reached yet; empty if it can be.
func (r Report) Missing(mac string) string {
	switch {
	case r.Network.Missing != "":
		return r.Network.Missing
	case r.Address(mac) == "":
		return "no address on its own network card yet"
	}
	return r.SSHD.Missing
}

// Address is where the node can be reached: the first global address, IPv4 before IPv6, of the
// interface with the hardware address mac; empty if there is none.
func (r Report) Address(mac string) string {
	for _, family := range []string{"inet", "inet6"} {
		for _, i := range r.Interfaces {
			for _, a := range i.Addresses {
				address, err := netip.ParseAddr(a.Local)
				if err == nil && strings.EqualFold(i.MAC, mac) && a.Family == family && a.Scope == "global" {
					return address.WithZone("").String()
				}
			}
		}
	}
	return ""
}

// Only is the report with only those global addresses that are possible.
func (r Report) Only(possible func(netip.Addr) bool) Report {
	r.Interfaces = slices.Clone(r.Interfaces)
	for i := range r.Interfaces {
		r.Interfaces[i].Addresses = slices.DeleteFunc(slices.Clone(r.Interfaces[i].Addresses), func(a Address) bool {
			address, err := netip.ParseAddr(a.Local)
			return a.Scope == "global" && (err != nil || !possible(address.WithZone("")))
		})
	}
	return r
}

// Keys are the reported host keys, parsed. A guest is not trusted to send none that is malformed.
func (r Report) Keys() ([]ssh.PublicKey, error) {
	keys := []ssh.PublicKey{}
	for _, line := range r.HostKeys {
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
		if err != nil {
			return nil, fmt.Errorf("%s reported no valid host key: %.200q: %w", r.HostName, line, err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}
