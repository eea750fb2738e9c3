package objects

import (
	"regexp"

	"coreos-libvirt/internal/terminal/hint"
)

// mostDocument is how many bytes a Secret takes (MaxSecretSize in Kubernetes' pkg/apis/core).
const mostDocument = 1 << 20

// label is a name that Kubernetes takes for all objects of a node: RFC 1123, in small letters.
var label = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// service is a name that Kubernetes takes for a Service: RFC 1035, in small letters.
var service = regexp.MustCompile(`^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)

func (n Node) check() error {
	switch {
	case len(n.Document) > mostDocument:
		return hint.Errorf("put large files on a server, and name them with source: and verification: in the config",
			"%s: its Ignition document has %d bytes, and a Kubernetes Secret takes at most %d", n.Name, len(n.Document), mostDocument)
	case (n.Registry == "") == (n.URL == ""):
		return hint.Errorf("image=fcos-stable", "%s: it has no image for KubeVirt", n.Name)
	}
	return CheckNames(n)
}

// CheckNames refuses names of the node, of its cluster and of its disks that are none of Kubernetes'.
func CheckNames(n Node) error {
	switch {
	case !label.MatchString(n.Cluster) || !label.MatchString(n.Name):
		return hint.Errorf("prefix= takes small letters, digits and -, neither first nor last a -, and groups the same", "%s: Kubernetes takes no such name for the cluster %s or its nodes", n.Name, n.Cluster)
	case n.NAD == "" && !service.MatchString(n.Cluster):
		return hint.Errorf("prefix= that begins with a letter; or nad= names a network, which needs no Service", "%s: Kubernetes takes no such name for the Service of the cluster", n.Cluster)
	}
	return n.checkDisks()
}

// checkDisks refuses disks whose names are none of Kubernetes'.
func (n Node) checkDisks() error {
	for _, disk := range n.Further {
		if !label.MatchString(disk.Name) || !label.MatchString(n.furtherName(disk.Name)) || !label.MatchString(partOf(disk.Name)) {
			return hint.Errorf("disks=data:20: small letters, digits and -", "%s: Kubernetes takes no DataVolume of the name %s", n.Name, n.furtherName(disk.Name))
		}
	}
	return nil
}
