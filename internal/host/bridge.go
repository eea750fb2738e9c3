package host

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"coreos-libvirt/internal/terminal/hint"
)

// forwards is the state of a bridge's port that lets frames through; states are the others (linux/if_bridge.h).
const forwards = 3

var states = map[int]string{0: "is off", 1: "listens only (STP: wait)", 2: "learns only (STP: wait)", 4: "is blocked (STP: there is a loop)"}

// Bridge makes sure that the bridge is there, is up, has a port on the physical network that forwards, and lets frames
// through before a guest's DHCP client gives up.
func (r Root) Bridge(name string) (string, error) {
	if absent(r.Path("sys/class/net", name, "bridge")) {
		return "", hint.Errorf(Sudo("mage host:setup bridge="+name+" apply=true")+"   # network=default does without", "there is no bridge %s", name)
	}
	if !r.up(name) {
		return "", hint.Errorf("sudo ip link set "+name+" up", "the bridge %s is down", name)
	}
	physical, err := r.physical(name)
	if err != nil {
		return "", err
	}
	stp := r.Read("sys/class/net", name, "bridge/stp_state")
	delay, _ := strconv.Atoi(r.Read("sys/class/net", name, "bridge/forward_delay")) // in hundredths of a second
	if stp != "0" && delay > 400 {
		return "", hint.Errorf("sudo ip link set "+name+" type bridge forward_delay 200", "the bridge %s lets a new port wait %d s (STP): DHCP may give up before", name, 2*delay/100)
	}
	faults := []error{}
	for _, port := range physical {
		if err := r.portForwards(name, port); err != nil {
			faults = append(faults, err)
		}
	}
	if len(faults) == len(physical) {
		return "", faults[0]
	}
	return fmt.Sprintf("%s, with %s", name, strings.Join(physical, ", ")), nil
}

func (r Root) up(link string) bool {
	flags, _ := strconv.ParseUint(r.Read("sys/class/net", link, "flags"), 0, 32)
	return flags&unix.IFF_UP != 0
}

// portForwards makes sure that the port is up, has a wire, and lets frames through.
func (r Root) portForwards(bridge, port string) error {
	state, err := strconv.Atoi(r.Read("sys/class/net", port, "brport/state"))
	switch {
	case !r.up(port):
		return hint.Errorf("sudo ip link set "+port+" up", "%s, the port of the bridge %s, is down", port, bridge)
	case r.Read("sys/class/net", port, "carrier") == "0":
		return hint.Errorf("ip link show "+port+"   # the cable, or the switch at its other end", "%s, the port of the bridge %s, has no carrier", port, bridge)
	case err != nil || state != forwards:
		return hint.Errorf("bridge -d link show dev "+port, "%s, the port of the bridge %s, %s: no frame gets through", port, bridge, states[state])
	}
	return nil
}

// physical are the bridge's ports on a network beyond this host: those that are no guest's and no container's.
// A container's is a veth, and so may be a way out, as in this project's own lab: its name must tell.
func (r Root) physical(bridge string) ([]string, error) {
	ports, _ := os.ReadDir(r.Path("sys/class/net", bridge, "brif"))
	found, containers := []string{}, []string{}
	for _, port := range ports {
		name := port.Name()
		is := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
		switch {
		case !absent(r.Path("sys/class/net", name, "device")):
			found = append(found, name)
		case is("vnet") || is("tap") || !absent(r.Path("sys/class/net", name, "tun_flags")):
		case is("veth") || is("vb-"): // Docker's and CNI's, systemd-nspawn's
			containers = append(containers, name)
		default:
			found = append(found, name)
		}
	}
	switch {
	case len(found) > 0:
		return found, nil
	case len(containers) > 0:
		return nil, Warn(hint.Errorf(r.portFor(bridge), "the bridge %s has only ports that look like containers' (%s): no DHCP server may be behind it", bridge, strings.Join(containers, ", ")))
	}
	return nil, hint.Errorf(r.portFor(bridge), "the bridge %s has no port on a physical network: no DHCP server is behind it", bridge)
}

// portFor is how the bridge gets a port: a card that nothing uses. One that carries the host's own network would
// cut the host off; that is for the set-up of another bridge, which takes itself back.
func (r Root) portFor(bridge string) string {
	links, _ := os.ReadDir(r.Path("sys/class/net"))
	for _, link := range links {
		if r.idle(link.Name()) {
			return "sudo ip link set " + link.Name() + " master " + bridge + " up"
		}
	}
	other := "br1"
	for i := 2; !absent(r.Path("sys/class/net", other)); i++ {
		other = fmt.Sprint("br", i)
	}
	return Sudo("mage host:setup bridge="+other+" apply=true") + "   # another bridge, over the card; then bridge=" + other
}

// idle reports whether the link is a wired card that no route leads over, and no bridge or bond has.
func (r Root) idle(link string) bool {
	folder := r.Path("sys/class/net", link)
	routed := func(route route) bool { return route.link == link && !route.gateway.IsLinkLocalUnicast() }
	return !absent(filepath.Join(folder, "device")) && absent(filepath.Join(folder, "wireless")) && absent(filepath.Join(folder, "master")) &&
		!slices.ContainsFunc(routes(r), routed) && len(globals(link)) == 0
}
