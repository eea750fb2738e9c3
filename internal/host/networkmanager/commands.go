package networkmanager

import (
	"fmt"
	"strings"

	"github.com/godbus/dbus/v5"

	"coreos-libvirt/internal/host/step"
)

// Commands would do what Make does, but for the checkpoint.
func (b Bridge) Commands() []string {
	name, nic := step.Quoted(b.Name), step.Quoted(b.NIC)
	bridge, port := step.Quoted("coreos-libvirt "+b.Name), step.Quoted("coreos-libvirt "+b.Name+" port "+b.NIC)
	return []string{
		fmt.Sprintf("nmcli connection add type bridge ifname %s con-name %s bridge.stp no bridge.mac-address $(cat /sys/class/net/%s/address) connection.autoconnect-priority %d%s", name, bridge, nic, first, b.words()),
		fmt.Sprintf("nmcli connection add type ethernet ifname %s con-name %s master %s connection.autoconnect-priority %d", nic, port, name, first),
		"nmcli connection up " + port,
	}
}

// words are nmcli's for the IP settings of the former profile, where they are not DHCP's alone.
func (b Bridge) words() string {
	d, err := b.Settings.document()
	if err != nil {
		return ""
	}
	words := ""
	for _, family := range []string{"ipv4", "ipv6"} {
		add := func(key, value string) {
			if value != "" {
				words += " " + family + "." + key + " " + value
			}
		}
		method, _ := d[family]["method"].Value().(string)
		if method != "auto" {
			add("method", method)
		}
		gateway, _ := d[family]["gateway"].Value().(string)
		add("addresses", addresses(d[family]["address-data"], "address", "prefix"))
		add("gateway", gateway)
		add("routes", addresses(d[family]["route-data"], "dest", "prefix", "next-hop", "metric"))
		servers, _ := d[family]["dns-data"].Value().([]string)
		add("dns", strings.Join(servers, ","))
		search, _ := d[family]["dns-search"].Value().([]string)
		add("dns-search", strings.Join(search, ","))
	}
	return words
}

// addresses are a list of NetworkManager's in nmcli's words: each an address, its prefix, and what more there is.
func addresses(list dbus.Variant, keys ...string) string {
	all, _ := list.Value().([]map[string]dbus.Variant)
	words := []string{}
	for _, entry := range all {
		one := fmt.Sprintf("%v/%v", entry[keys[0]].Value(), entry[keys[1]].Value())
		for _, key := range keys[2:] {
			if value, ok := entry[key]; ok {
				one += fmt.Sprintf(" %v", value.Value())
			}
		}
		words = append(words, one)
	}
	if text := strings.Join(words, ","); strings.Contains(text, " ") {
		return "'" + text + "'"
	}
	return strings.Join(words, ",")
}
