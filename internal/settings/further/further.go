// Package further reads what nodes have beside their first disk and network card.
package further

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"coreos-libvirt/internal/settings/link"
)

// Disk is a disk beside the one that a node boots from.
type Disk struct {
	Name string // its serial number: /dev/disk/by-id/virtio-<name> in the node
	GiB  int
}

// Network is what a network card beside the first is plugged into.
type Network struct {
	Kind string // bridge, network or direct
	Name string
}

// none is the value of disks= and networks= that says that there are no further ones.
const none = "none"

// DiskName is what a disk may be called.
const DiskName = `^[A-Za-z][A-Za-z0-9._-]{0,19}$`

const (
	mostFurther = 20    // disks, and cards: a q35 has no bus for many more
	longestName = 20    // bytes of the serial number of a virtio disk (virtio 1.2, 5.2.6.1)
	mostGiB     = 65536 // as disk=
)

var (
	diskName      = regexp.MustCompile(DiskName)
	partitionName = regexp.MustCompile(`-part[0-9]+$`)
	networkName   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]*$`)
)

// Disks reads disks with commas, each a size in GiB or name:size. One without a name is disk1, disk2 … by its place. The result is
// nil if the value says nothing, and not if it is none.
func Disks(value string) (disks []Disk, err error) {
	list := listOf(value)
	if list != nil {
		disks = []Disk{}
	}
	for i, text := range list {
		name, size, named := strings.Cut(strings.TrimSpace(text), ":")
		if !named {
			name, size = "disk"+strconv.Itoa(i+1), name
		}
		disk := Disk{Name: name}
		if disk.GiB, err = strconv.Atoi(size); err != nil || disk.GiB < 1 || disk.GiB > mostGiB {
			return nil, fmt.Errorf("%q: a size from 1 to %d GiB is allowed, with a name as in data:50, and commas between them", text, mostGiB)
		}
		if err := checkDiskName(name); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(disks, func(d Disk) bool { return d.Name == name }) {
			return nil, fmt.Errorf("two disks have the name %s", name)
		}
		disks = append(disks, disk)
	}
	if len(disks) > mostFurther {
		return nil, fmt.Errorf("%d disks: at most %d are allowed", len(disks), mostFurther)
	}
	return disks, nil
}

// checkDiskName refuses what is no serial number, or makes no path of its own of it.
func checkDiskName(name string) error {
	switch {
	case len(name) > longestName:
		return fmt.Errorf("the name %s has %d bytes: the serial number of a virtio disk, by which the node finds it, has at most %d", name, len(name), longestName)
	case !diskName.MatchString(name):
		return fmt.Errorf("the name %q of a disk: letters, digits and . _ - are allowed, the first a letter", name)
	case partitionName.MatchString(name):
		return fmt.Errorf("the name %s is that of a partition of another disk, in /dev/disk/by-id", name)
	}
	return nil
}

// Networks reads networks with commas: bridge:br1, network:default or direct:eth1; a name alone is a bridge.
func Networks(value string) (networks []Network, err error) {
	list := listOf(value)
	if list != nil {
		networks = []Network{}
	}
	for _, text := range list {
		kind, name, has := strings.Cut(strings.TrimSpace(text), ":")
		if !has {
			kind, name = "bridge", kind
		}
		n := Network{Kind: kind, Name: name}
		switch {
		case !slices.Contains([]string{"bridge", "network", "direct"}, kind):
			return nil, fmt.Errorf("%q: bridge:<bridge>, network:<libvirt network> or direct:<card> is allowed", text)
		case kind != "network" && !link.IsName(name):
			return nil, fmt.Errorf("%q: %w", text, link.ErrNoName)
		case kind == "network" && !networkName.MatchString(name):
			return nil, fmt.Errorf("%q: is not the name of a network: letters, digits and . _ + - are allowed", text)
		}
		networks = append(networks, n)
	}
	if len(networks) > mostFurther {
		return nil, fmt.Errorf("%d networks: at most %d are allowed", len(networks), mostFurther)
	}
	return networks, nil
}

// listOf are the parts of a setting's value; nil if it says nothing. It is not nil if the value says that there are none.
func listOf(value string) []string {
	switch value {
	case "":
		return nil
	case none:
		return []string{}
	}
	return strings.Split(value, ",")
}
