package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace/artifact"
)

// Reserved addresses are above those that the DHCP server gives to whoever asks.
const (
	firstReserved = 201
	mostReserved  = 50
)

// NodeName is a node that the network outside knows: the DHCP server keeps an address for its card, and the name server has its name.
type NodeName struct{ Name, MAC string }

// names is the folder of what the network outside knows of nodes: files of dnsmasq's formats.
type names string

func namesIn(dir string) names { return names(filepath.Join(dir, "names")) }

// of are the files of a kind: hosts, cards or records.
func (n names) of(kind string) string { return filepath.Join(string(n), kind) }

// startDNS makes the name server of the network outside. It has the DHCP server's network, and no other server to ask: it knows what
// it knows, and that there is nothing else.
func (w *World) startDNS(ctx context.Context) error {
	if err := namesIn(w.dir).make(); err != nil {
		return err
	}
	server, _, _ := strings.Cut(serverCIDR, "/")
	cmd := netOnly(context.Background(), w.dhcp, "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--conf-dir="+namesIn(w.dir).of("records"), "--user=root", "--port=53",
		"--listen-address="+server, "--bind-interfaces", "--no-resolv", "--no-hosts", "--local=/#/", "--hostsdir="+namesIn(w.dir).of("hosts"), "--pid-file=", "--log-facility=-")
	if err := w.dns.start(cmd); err != nil {
		return err
	}
	return w.await(ctx, w.dns, func() error {
		if netOf(w.dns.pid()) != netOf(w.dhcp.pid()) {
			return errors.New("it is not on the network outside yet")
		}
		return listensForNames(w.dns.pid())
	})
}

// listensForNames is nil if a socket of UDP has the port of DNS in the network of the process (/proc/net/udp, in hexadecimal).
func listensForNames(pid int) error {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/udp", pid))
	if err == nil && !bytes.Contains(text, []byte(":0035 ")) {
		err = errors.New("nobody listens at the port of DNS")
	}
	return err
}

func (n names) make() error {
	for _, dir := range []string{n.of("hosts"), n.of("cards"), n.of("records")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	return nil
}

// Reserve makes the nodes known to the network outside: each gets an address, which it keeps as long as the lab is there, and its name
// there. If a domain is given, it gets SRV records of the nodes, by which etcd's members find each other.
func (w *World) Reserve(ctx context.Context, nodes []NodeName, domain string, say func(format string, args ...any)) error {
	unlock, err := artifact.Lock(ctx, w.lock, func() { say("lab: waiting for another run to make it") })
	if err != nil {
		return err
	}
	defer unlock()
	for _, node := range nodes {
		made, err := namesIn(w.dir).reserve(node, domain)
		if err != nil {
			return err
		}
		if made != "" {
			say("lab %s: %s is kept for %s", w.id, made, node.Name)
		}
	}
	if domain == "" {
		return nil
	}
	changed, err := artifact.WriteIfChanged(filepath.Join(namesIn(w.dir).of("records"), domain), []byte(recordsOf(nodes, domain)), 0o644)
	if err != nil || !changed {
		return err
	}
	say("lab %s: SRV records of %s, for %d nodes", w.id, domain, len(nodes))
	w.endDNS() // records are read when it starts
	return w.startDNS(ctx)
}

// recordsOf are dnsmasq's lines for the records (https://etcd.io/docs/v3.6/op-guide/clustering/#dns-discovery).
func recordsOf(nodes []NodeName, domain string) string {
	lines := ""
	for _, node := range nodes {
		lines += fmt.Sprintf("srv-host=_etcd-server._tcp.%s,%s.%[1]s,2380\nsrv-host=_etcd-client._tcp.%[1]s,%[2]s.%[1]s,2379\n", domain, node.Name)
	}
	return lines
}

// reserve keeps an address for the node, unless it has one. made is the address if it is new.
func (n names) reserve(node NodeName, domain string) (made string, err error) {
	address, err := n.addressFor(node.MAC)
	if err != nil {
		return "", err
	}
	names := []string{address, node.Name}
	if domain != "" {
		names = append(names, node.Name+"."+domain)
	}
	_, err = artifact.WriteIfChanged(filepath.Join(n.of("hosts"), node.Name), []byte(strings.Join(names, " ")+"\n"), 0o644)
	if err != nil {
		return "", err
	}
	wrote, err := artifact.WriteIfChanged(filepath.Join(n.of("cards"), node.Name), []byte(node.MAC+","+address+","+node.Name+"\n"), 0o644)
	if !wrote {
		address = ""
	}
	return address, err
}

// addressFor is the address that is kept for the card, or one that is free.
func (n names) addressFor(mac string) (string, error) {
	taken := []string{}
	kept, _ := artifact.Matching(n.of("cards"), "*")
	for _, path := range kept {
		text, _ := os.ReadFile(path)
		if parts := strings.Split(strings.TrimSpace(string(text)), ","); len(parts) == 3 {
			if parts[0] == mac {
				return parts[1], nil
			}
			taken = append(taken, parts[1])
		}
	}
	for i := range mostReserved {
		if address := fmt.Sprintf("10.77.0.%d", firstReserved+i); !slices.Contains(taken, address) {
			return address, nil
		}
	}
	return "", hint.Errorf("`mage labdown` takes the lab apart, and its addresses are free again", "lab: addresses are kept for %d nodes already", mostReserved)
}

// endDNS ends the name server, if it runs.
func (w *World) endDNS() {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		pid := w.dns.pid()
		if pid == 0 {
			return
		}
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// writeResolver makes the lab's name server that of the lab's host. The script of the host mounts the file there.
func writeResolver(dir string) error {
	server, _, _ := strings.Cut(serverCIDR, "/")
	return os.WriteFile(filepath.Join(dir, "resolv.conf"), []byte("nameserver "+server+"\n"), 0o644)
}
