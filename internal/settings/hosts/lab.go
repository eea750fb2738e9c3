package hosts

import (
	"fmt"
	"strconv"

	"coreos-libvirt/internal/terminal/hint"
)

// ofLab are the hosts that a bare number stands for: so many hypervisors of the lab, hv1, hv2, …
func ofLab(value string) (hosts []Host, is bool) {
	number, err := strconv.Atoi(value)
	if err != nil || number < 1 || number > Most {
		return nil, false
	}
	for i := range number {
		name := fmt.Sprintf("hv%d", i+1)
		hosts = append(hosts, Host{Name: name, URI: "qemu+ssh://root@" + name + "/system", Lab: true})
	}
	return hosts, true
}

// CheckLab refuses hosts of the lab outside it.
func CheckLab(hosts []Host, inLab bool) error {
	if len(hosts) == 0 || !hosts[0].Lab || inLab {
		return nil
	}
	return hint.Errorf(fmt.Sprintf("`mage lab up hosts=%d` makes a lab with them; else hosts=qemu+ssh://root@hv1/system,qemu+ssh://root@hv2/system", len(hosts)),
		"hosts=%d: a bare number of hosts is for the lab", len(hosts))
}
