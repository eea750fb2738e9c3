package settings

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// FurtherDisk is a disk beside the one that a node boots from.
type FurtherDisk struct {
	Name string // its serial number: /dev/disk/by-id/virtio-<name> in the node
	GiB  int
}

// FurtherNetwork is what a network card beside the first is plugged into.
type FurtherNetwork struct {
	Kind string // bridge, network or direct
	Name string
}

// none is the value of disks= and networks= that says that there are no further ones.
const none = "none"

const (
	mostFurther = 20    // disks, and cards: a q35 has no bus for many more
	longestName = 20    // bytes of the serial number of a virtio disk (virtio 1.2, 5.2.6.1)
	mostGiB     = 65536 // as disk=
)

var (
	diskName      = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._-]{0,19}$`)
	partitionName = regexp.MustCompile(`-part[0-9]+$`)
	networkName   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]*$`)
)

// FurtherDisks reads a list of disks, each a size in GiB or name:size. One without a name is disk1, disk2 … by its place.
func FurtherDisks(list []string) (disks []FurtherDisk, err error) {
	for i, text := range list {
		name, size, named := strings.Cut(strings.TrimSpace(text), ":")
		if !named {
			name, size = "disk"+strconv.Itoa(i+1), name
		}
		disk := FurtherDisk{Name: name}
		if disk.GiB, err = strconv.Atoi(size); err != nil || disk.GiB < 1 || disk.GiB > mostGiB {
			return nil, fmt.Errorf("%q: a size from 1 to %d GiB is allowed, with a name as in data:50, and commas between them", text, mostGiB)
		}
		if err := checkDiskName(name); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(disks, func(d FurtherDisk) bool { return d.Name == name }) {
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

// FurtherNetworks reads a list of networks: bridge:br1, network:default or direct:eth1; a name alone is a bridge.
func FurtherNetworks(list []string) (networks []FurtherNetwork, err error) {
	for _, text := range list {
		kind, name, has := strings.Cut(strings.TrimSpace(text), ":")
		if !has {
			kind, name = "bridge", kind
		}
		n := FurtherNetwork{Kind: kind, Name: name}
		switch {
		case !slices.Contains([]string{"bridge", "network", "direct"}, kind):
			return nil, fmt.Errorf("%q: bridge:<bridge>, network:<libvirt network> or direct:<card> is allowed", text)
		case kind != "network" && !isLink(name):
			return nil, fmt.Errorf("%q: %w", text, errNoInterface)
		case kind == "network" && !networkName.MatchString(name):
			return nil, fmt.Errorf("%q: is no network's name: letters, digits and . _ + - are allowed", text)
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

func disks(s *Settings, value string) (err error) {
	if s.Disks, err = FurtherDisks(listOf(value)); value != "" && s.Disks == nil {
		s.Disks = []FurtherDisk{}
	}
	return err
}

func networks(s *Settings, value string) (err error) {
	if s.Networks, err = FurtherNetworks(listOf(value)); value != "" && s.Networks == nil {
		s.Networks = []FurtherNetwork{}
	}
	return err
}
