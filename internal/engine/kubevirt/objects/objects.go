// Package objects is what a node is in a Kubernetes cluster with KubeVirt: a Secret with its Ignition document, a DataVolume for
// each of its disks, and a VirtualMachine. Values in, objects out: no cluster is asked.
package objects

import (
	"encoding/base64"
	"strconv"

	"coreos-libvirt/internal/engine"
)

// Object is a Kubernetes object, as its JSON has it.
type Object = map[string]any

// Place is where in a Kubernetes cluster a cluster's nodes are, and how they are connected.
type Place struct {
	Namespace    string // empty: that of whoever applies the objects
	StorageClass string // empty: the cluster's default
	NAD          string // Multus' NetworkAttachmentDefinition: a name, or namespace/name. Empty: the pods' network, by masquerade
}

// Node is what one node is made of.
type Node struct {
	Place
	Image
	Name     string
	Cluster  string // the prefix
	UUID     string
	MAC      string
	Arch     string // x86_64 or aarch64
	UEFI     bool
	MiB      int
	VCPUs    int
	GiB      int // of the first disk
	Further  []engine.FurtherDisk
	Document []byte // Ignition's, JSON
	Mark     Mark
}

// Image is what the first disk is filled with: one of both.
type Image struct {
	Name     string // that the user reads: fcos-stable 43.20260101.3.0
	Registry string // repository@sha256:digest
	URL      string // of a qcow2 file
	SHA512   string // of the file, which nobody in the cluster checks: it is noted
}

// Mark is what the project notes in a node's objects: whose they are, and what they were made from.
type Mark struct {
	ID        string // of the workspace
	Workspace string // its path
	Group     string // or empty
	Number    int    // in the group
	Ignition  string // sha256 of the document without the words of discovery, in hex
	Etcd      string // engine.NoEtcd if the node has no member of the cluster's etcd; or empty
}

// Manager is the name under which this project owns fields of objects (server-side apply).
const Manager = "coreos-libvirt"

// The labels by which objects are found, and the annotations that say more. Kubernetes has the part before the slash name whose
// they are.
const (
	ManagedBy       = "app.kubernetes.io/managed-by"
	LabelCluster    = Manager + "/cluster"
	LabelNode       = Manager + "/node"
	LabelWorkspace  = Manager + "/workspace"
	NoteWorkspace   = Manager + "/workspace-path"
	NoteGroup       = Manager + "/group"
	NoteNumber      = Manager + "/number"
	NoteIgnition    = Manager + "/ignition"
	NoteImage       = Manager + "/image"
	NoteImageSHA512 = Manager + "/image-sha512"
	NoteDefinition  = Manager + "/definition"
	NoteEtcd        = Manager + "/etcd"
)

// Of are the node's objects: what the VirtualMachine needs stands before it.
func Of(n Node) ([]Object, error) {
	if err := n.check(); err != nil {
		return nil, err
	}
	all := []Object{n.secret(), n.volume(n.Name, n.GiB, n.source())}
	for _, disk := range n.Further {
		all = append(all, n.volume(n.furtherName(disk.Name), disk.GiB, Object{"blank": Object{}}))
	}
	return append(all, n.machine()), nil
}

// SecretName is the name of the Secret with the node's Ignition document.
func SecretName(node string) string { return node + "-ignition" }

func (n Node) furtherName(disk string) string { return n.Name + "-" + disk }

// metadata is what all objects of the node have.
func (n Node) metadata(name string, notes map[string]any) Object {
	all := Object{NoteWorkspace: n.Mark.Workspace}
	for key, value := range notes {
		if value != "" {
			all[key] = value
		}
	}
	return n.Place.metadata(name, n.labels(), all)
}

func (p Place) metadata(name string, labels, notes Object) Object {
	m := Object{"name": name, "labels": labels, "annotations": notes}
	if p.Namespace != "" {
		m["namespace"] = p.Namespace
	}
	return m
}

func (n Node) labels() Object {
	return Object{ManagedBy: Manager, LabelCluster: n.Cluster, LabelNode: n.Name, LabelWorkspace: n.Mark.ID}
}

// secret has the Ignition document, as KubeVirt puts it on a config drive: its key is userData.
func (n Node) secret() Object {
	return Object{
		"apiVersion": "v1", "kind": "Secret", "type": "Opaque",
		"metadata": n.metadata(SecretName(n.Name), Object{NoteIgnition: n.Mark.Ignition}),
		"data":     Object{"userData": base64.StdEncoding.EncodeToString(n.Document)},
	}
}

// source is where CDI gets the first disk's content from.
func (n Node) source() Object {
	if n.Registry != "" {
		return Object{"registry": Object{"url": "docker://" + n.Registry}}
	}
	return Object{"http": Object{"url": n.URL}}
}

// volume is a disk. Access and mode are those of the storage class' profile (CDI's StorageProfile).
func (n Node) volume(name string, gib int, source Object) Object {
	storage := Object{"resources": Object{"requests": Object{"storage": strconv.Itoa(gib) + "Gi"}}}
	if n.StorageClass != "" {
		storage["storageClassName"] = n.StorageClass
	}
	notes := Object{}
	if name == n.Name {
		notes = Object{NoteImage: n.Image.Name, NoteImageSHA512: n.SHA512}
	}
	return Object{
		"apiVersion": "cdi.kubevirt.io/v1beta1", "kind": "DataVolume",
		"metadata": n.metadata(name, notes),
		"spec":     Object{"source": source, "storage": storage},
	}
}

// Title names the object: VirtualMachine core01.
func Title(o Object) string {
	kind, _ := o["kind"].(string)
	meta, _ := o["metadata"].(Object)
	name, _ := meta["name"].(string)
	return kind + " " + name
}
