package objects

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
)

// The names of a machine's parts, as its template has them.
const (
	root     = "root"
	document = "ignition"
	network  = "nodes"
)

// architectures are Go's words for processors, which Kubernetes uses.
var architectures = map[string]string{"x86_64": "amd64", "aarch64": "arm64"}

// machine is the node's VirtualMachine. Its mark has a digest of what it is.
func (n Node) machine() Object {
	spec := Object{
		"runStrategy": "Always",
		"template":    Object{"metadata": Object{"labels": n.labels()}, "spec": n.template()},
	}
	return Object{
		"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine",
		"metadata": n.metadata(n.Name, Object{
			NoteGroup: n.Mark.Group, NoteNumber: strconv.Itoa(n.Mark.Number), NoteIgnition: n.Mark.Ignition,
			NoteImage: n.Image.Name, NoteDefinition: digest(spec), NoteEtcd: n.Mark.Etcd,
		}),
		"spec": spec,
	}
}

// digest is the sha256 of the object's JSON, whose keys are sorted, in hex.
func digest(o Object) string {
	text, _ := json.Marshal(o) // maps of strings, numbers and such maps: it cannot fail
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

func (n Node) template() Object {
	spec := Object{
		"architecture": architectures[n.Arch],
		"hostname":     n.Name,
		"domain": Object{
			"cpu":      Object{"cores": n.VCPUs},
			"memory":   Object{"guest": strconv.Itoa(n.MiB) + "Mi"},
			"firmware": n.firmware(),
			"devices":  n.devices(),
		},
		"networks": []any{n.network()},
		"volumes":  n.volumes(),
		// members of one etcd on one host fail together: spread if there is room, boot if there is none
		"topologySpreadConstraints": []any{Object{
			"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway",
			"labelSelector": Object{"matchLabels": Object{LabelCluster: n.Cluster}},
		}},
	}
	if n.NAD == "" {
		spec["subdomain"] = n.Cluster
	}
	return spec
}

// firmware has the UUID, by which the guest's machine-id, and so its DHCP lease, stays the same.
func (n Node) firmware() Object {
	firmware := Object{"uuid": n.UUID}
	if n.UEFI {
		firmware["bootloader"] = Object{"efi": Object{"secureBoot": false}}
	}
	return firmware
}

// devices are the machine's. logSerialConsole has a container of the pod print what the guest writes on its serial console.
// KubeVirt adds the channel of the guest agent by itself.
func (n Node) devices() Object {
	disks := []any{Object{"name": root, "bootOrder": 1, "disk": Object{"bus": "virtio"}}}
	for _, disk := range n.Further {
		disks = append(disks, Object{"name": partOf(disk.Name), "serial": disk.Name, "disk": Object{"bus": "virtio"}})
	}
	card := Object{"name": network, "model": "virtio", "macAddress": n.MAC, "bridge": Object{}}
	if n.NAD == "" {
		delete(card, "bridge")
		card["masquerade"] = Object{}
	}
	return Object{
		"disks":                   append(disks, Object{"name": document, "disk": Object{"bus": "virtio"}}),
		"interfaces":              []any{card},
		"rng":                     Object{},
		"autoattachSerialConsole": true,
		"logSerialConsole":        true,
	}
}

func (n Node) network() Object {
	if n.NAD == "" {
		return Object{"name": network, "pod": Object{}}
	}
	return Object{"name": network, "multus": Object{"networkName": n.NAD}}
}

// volumes are what the disks have. The document is on a drive with the label config-2, where Ignition looks on the platform
// kubevirt: KubeVirt takes documents above 2,048 bytes only from a Secret.
func (n Node) volumes() []any {
	volumes := []any{Object{"name": root, "dataVolume": Object{"name": n.Name}}}
	for _, disk := range n.Further {
		volumes = append(volumes, Object{"name": partOf(disk.Name), "dataVolume": Object{"name": n.furtherName(disk.Name)}})
	}
	return append(volumes, Object{"name": document, "cloudInitConfigDrive": Object{"secretRef": Object{"name": SecretName(n.Name)}}})
}

// partOf is the name of a further disk among the machine's parts: none has that of a part of the project's.
func partOf(disk string) string { return "disk-" + disk }

// Service is what gives the nodes of a cluster names that stay, where they are in the pods' network: core01.core. It has no
// address, and no list of ports: a name leads to the node, and masquerade lets every port in.
func Service(p Place, cluster string, mark Mark) Object {
	labels := Object{ManagedBy: Manager, LabelCluster: cluster, LabelWorkspace: mark.ID}
	return Object{
		"apiVersion": "v1", "kind": "Service",
		"metadata": p.metadata(cluster, labels, Object{NoteWorkspace: mark.Workspace}),
		"spec":     Object{"clusterIP": "None", "publishNotReadyAddresses": true, "selector": Object{LabelCluster: cluster}},
	}
}
