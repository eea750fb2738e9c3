// Package guest is the inside of a node as the host sees it: what it reports when it can be reached,
// what its console says, and ssh to it.
package guest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"golang.org/x/crypto/ssh"

	"coreos-libvirt/internal/printable"
)

// ReadyChannel is the virtio channel on which a guest reports itself.
const ReadyChannel = "org.coreos.ready"

// Report is the JSON line by which a guest says that its network and sshd are up
// (templates/ready.sh writes it).
type Report struct {
	HostName   string      `json:"hostname"`
	BootID     string      `json:"boot_id"`   // of /proc/sys/kernel/random/boot_id
	Uptime     float64     `json:"uptime"`    // seconds, of /proc/uptime
	Network    float64     `json:"network"`   // uptime when it had an address; 0 where it does not tell
	SSHD       float64     `json:"sshd"`      // uptime when sshd answered
	HostKeys   []string    `json:"host_keys"` // sshd's public keys: type and base64
	Interfaces []Interface `json:"interfaces"`
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

// ReadReport waits for the next whole report on the channel. Lines that are none are passed over:
// the first may be what is left of an earlier one.
func ReadReport(channel io.Reader) (Report, error) {
	lines := bufio.NewScanner(channel)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r Report
		if json.Unmarshal(lines.Bytes(), &r) == nil && r.BootID != "" {
			r.HostName = printable.Line(r.HostName) // a guest may say anything
			return r, nil
		}
	}
	if err := lines.Err(); err != nil {
		return Report{}, err
	}
	return Report{}, io.EOF
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

// Keys are the reported host keys, parsed. A guest is not trusted to send none that is malformed.
func (r Report) Keys() ([]ssh.PublicKey, error) {
	keys := []ssh.PublicKey{}
	for _, line := range r.HostKeys {
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
		if err != nil {
			return nil, fmt.Errorf("%s reported no valid host key: %q: %w", r.HostName, line, err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}
