package workspace

import (
	"crypto/md5" //nolint:gosec // no secret: the addresses that DHCP reservations were made for
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"coreos-libvirt/internal/engine"
)

// Node is one member of a cluster.
type Node struct {
	Name   string // core01, or core-worker01 in the group worker
	Prefix string // of the cluster
	Group  string // or empty, in a cluster without groups
	Number int    // from 1, in the group
	MAC    string // 52:54:00:d2:b8:64
	UUID   string // of the domain, the same at every making of the node
	Dir    string // its folder, absolute
}

// Nodes are the count nodes of the cluster prefix, with folders below dir.
func Nodes(dir, prefix string, count int) []Node {
	nodes := make([]Node, count)
	for i := range nodes {
		nodes[i] = NodeAt(dir, prefix, i+1)
	}
	return nodes
}

// NodeAt is the nth node of the cluster prefix, from 1, if that has no groups.
func NodeAt(dir, prefix string, n int) Node { return nodeIn(dir, prefix, "", n) }

// nodeIn is the nth node of the cluster's group, from 1.
func nodeIn(dir, prefix, group string, n int) Node {
	name := NodeName(Stem(prefix, group), n)
	folder := filepath.Join(dir, name)
	return Node{Name: name, Prefix: prefix, Group: group, Number: n, MAC: MAC(name), UUID: domainUUID(folder), Dir: folder}
}

// NodeName is the name of the nth node, from 1, of a cluster, or with its Stem of a group: core01 … core99, core100.
func NodeName(stem string, n int) string { return fmt.Sprintf("%s%02d", stem, n) }

// Cluster is the prefix of the node's cluster.
func (n Node) Cluster() string { return n.Prefix }

// NumberOf is the number of the node of that name in the cluster, or with its Stem in the group; 0 where it can be none.
func NumberOf(stem, name string) int {
	digits, ok := strings.CutPrefix(name, stem)
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < 1 || NodeName(stem, n) != name {
		return 0
	}
	return n
}

// MAC is the node's hardware address, as the bash script made it, so that reservations made for it
// hold: QEMU's prefix 52:54:00, then bytes 1, 3 and 5 of the MD5 sum of the name and a newline.
func MAC(name string) string {
	sum := md5.Sum([]byte(name + "\n")) //nolint:gosec // see above
	return fmt.Sprintf("52:54:00:%02x:%02x:%02x", sum[0], sum[2], sum[4])
}

// CardMAC is the hardware address of the node's nth network card beside its first, from 1: by the rule of MAC, of the node's
// name, a slash and the card's number: core01/2 is the second card.
func CardMAC(name string, n int) string { return MAC(fmt.Sprintf("%s/%d", name, n+1)) }

// domainUUID is made from the node's folder, so that a recreated node keeps it. systemd takes the machine-id from it, and
// the DHCP lease goes with that.
func domainUUID(folder string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("file://"+folder)).String()
}

// Ignition is the path of the node's Ignition document.
func (n Node) Ignition() string { return filepath.Join(n.Dir, "ignition.json") }

// Overlay is the path of the node's disk.
func (n Node) Overlay() string { return filepath.Join(n.Dir, n.Name+".qcow2") }

// Disks are the paths of the node's further disks that there are, and at last that of its first.
func (n Node) Disks() (paths []string) {
	entries, _ := os.ReadDir(n.Dir)
	for _, entry := range entries {
		if path := filepath.Join(n.Dir, entry.Name()); n.Files().FurtherName(path) != "" {
			paths = append(paths, path)
		}
	}
	return append(paths, n.Overlay())
}

// IsDisk reports whether the path is that of a disk of the node's, whether or not there is one.
func (n Node) IsDisk(path string) bool {
	return path == n.Overlay() || n.Files().FurtherName(path) != ""
}

// XML is the path of the node's domain definition, for who wants to read it.
func (n Node) XML() string { return filepath.Join(n.Dir, "domain.xml") }

// Defined is the path of the definition as libvirt had it when it was made.
func (n Node) Defined() string { return filepath.Join(n.Dir, "defined.xml") }

// Fresh is the path of the mark that the node was made, and that no run that made or booted it has ended well since. While
// it is there, the node may be recreated without asking.
func (n Node) Fresh() string { return filepath.Join(n.Dir, "fresh") }

// Leaving is the path of the mark that a run has begun to remove the node, for good or to recreate it. While it is there, the
// disk may go, even if no domain is left that it belongs to.
func (n Node) Leaving() string { return filepath.Join(n.Dir, "leaving") }

// Autostart is the path of the mark that the engine starts the node by itself when its host boots, as a run saw last. It outlives
// the domain, so that the next one is started, too.
func (n Node) Autostart() string { return filepath.Join(n.Dir, "autostart") }

// Console is the path of the node's console log.
func (n Node) Console() string { return filepath.Join(n.Dir, "console.log") }

// Screen is the path of the latest picture of what the node shows.
func (n Node) Screen() string { return filepath.Join(n.Dir, "screen.png") }

// Report is the path of what the node reported when it was ready last.
func (n Node) Report() string { return filepath.Join(n.Dir, "report.json") }

// EarlierReport is the path of what the node reported when it was ready in a boot before. A node that is made has none.
func (n Node) EarlierReport() string { return filepath.Join(n.Dir, "report.earlier.json") }

// MadeOf is the path of the Ignition document that the node was made from: Ignition is the one that it would be made from now.
func (n Node) MadeOf() string { return filepath.Join(n.Dir, "made.json") }

// EtcdFlags is the path of the flags by which the node joined an etcd, so that its document is rendered the same again.
func (n Node) EtcdFlags() string { return filepath.Join(n.Dir, "etcd-flags") }

// Files are the paths of what the node is booted from, and of its console log.
func (n Node) Files() engine.Files {
	return engine.Files{Ignition: n.Ignition(), Overlay: n.Overlay(), Console: n.Console(), Owner: n.UUID}
}

// Certificate is the path of the certificate of the node's etcd, with its key.
func (n Node) Certificate() string { return filepath.Join(n.Dir, "etcd.pem") }
