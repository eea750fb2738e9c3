package settings

import (
	"strings"
	"testing"

	"coreos-libvirt/internal/settings/further"
)

// TestDisks has each kind of disks= read, or refused with what is allowed.
func TestDisks(t *testing.T) {
	for value, want := range map[string][]further.Disk{
		"":                       nil,
		"none":                   {},
		"20":                     {{Name: "disk1", GiB: 20}},
		"20,50":                  {{Name: "disk1", GiB: 20}, {Name: "disk2", GiB: 50}},
		"data:50,log:20":         {{Name: "data", GiB: 50}, {Name: "log", GiB: 20}},
		"data:50, 20":            {{Name: "data", GiB: 50}, {Name: "disk2", GiB: 20}},
		"a2345678901234567890:1": {{Name: "a2345678901234567890", GiB: 1}},
	} {
		got, err := Load([]string{"disks=" + value}, environment(nil))
		if err != nil || !equal(got.Disks, want) || (got.Disks == nil) != (want == nil) {
			t.Errorf("disks=%s: got %v, %v", value, got, err)
		}
	}
	for value, want := range map[string]string{
		"0":                       "from 1 to 65536 GiB",
		"70000":                   "from 1 to 65536 GiB",
		"data":                    "from 1 to 65536 GiB",
		"20,":                     "from 1 to 65536 GiB",
		"data:50:2":               "from 1 to 65536 GiB",
		"a23456789012345678901:1": "has 21 bytes: the serial number of a virtio disk, by which the node finds it, has at most 20",
		"1a:20":                   "the first a letter",
		"../x:20":                 "the first a letter",
		"<a>:20":                  "the first a letter",
		"data-part1:20":           "is that of a partition of another disk",
		"a:1,a:2":                 "two disks have the name a",
		"disk2:1,2":               "two disks have the name disk2",
		"1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1": "21 disks: at most 20",
	} {
		_, err := Load([]string{"disks=" + value}, environment(nil))
		if err == nil || !strings.HasPrefix(err.Error(), "disks="+value+" (command line): ") || !strings.Contains(err.Error(), want) {
			t.Errorf("disks=%s: got %v", value, err)
		}
	}
}

func equal[T comparable](a, b []T) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// TestNetworks has each kind of networks= read, or refused.
func TestNetworks(t *testing.T) {
	for value, want := range map[string][]further.Network{
		"":                                      nil,
		"none":                                  {},
		"bridge:br1":                            {{Kind: "bridge", Name: "br1"}},
		"bridge:br1,network:my-net,direct:eth1": {{Kind: "bridge", Name: "br1"}, {Kind: "network", Name: "my-net"}, {Kind: "direct", Name: "eth1"}},
	} {
		got, err := Load([]string{"networks=" + value}, environment(nil))
		if err != nil || !equal(got.Networks, want) || (got.Networks == nil) != (want == nil) {
			t.Errorf("networks=%s: got %v, %v", value, got, err)
		}
	}
	for value, want := range map[string]string{
		"+": "is not an interface name", "bridge:": "is not an interface name", "direct:../x": "is not an interface name",
		"network:": "is not the name of a network", "network:a<b": "is not the name of a network", "vlan:7": "is allowed", "bridge:br1,": "is not an interface name",
	} {
		_, err := Load([]string{"networks=" + value}, environment(nil))
		if err == nil || !strings.HasPrefix(err.Error(), "networks="+value+" (command line): ") || !strings.Contains(err.Error(), want) {
			t.Errorf("networks=%s: got %v", value, err)
		}
	}
}
