package command

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"coreos-libvirt/internal/cluster/blueprint"
	"coreos-libvirt/internal/config"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/kubevirt/objects"
	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/image/base"
	"coreos-libvirt/internal/image/stream"
	"coreos-libvirt/internal/lab/guestimage"
	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/table"
)

// smallestDisk is the size in GiB of a node's first disk if nobody says one: Fedora CoreOS' images have 10 GiB, Flatcar's less.
const smallestDisk = 10

// CheckManifests refuses, before anything is made, what no object of Kubernetes can be made of.
func CheckManifests(_ context.Context, r *Run) error {
	if r.Engine != settings.KubeVirt {
		return hint.Errorf("`"+asCalled(r.Settings, "manifests", "engine=kubevirt")+"`", "manifests are of Kubernetes, and engine=%s is not", r.Engine)
	}
	if len(r.Hosts) > 0 {
		return hint.Errorf("leave hosts= out: Kubernetes spreads the nodes over its own hosts", "hosts= and engine=kubevirt: these hosts run libvirt")
	}
	for _, p := range partsOf(r) {
		if err := suitsKubeVirt(p.Settings); err != nil {
			return err
		}
		for _, node := range p.nodes {
			n := objects.Node{Place: kubernetesOf(p.Settings), Name: node.Name, Cluster: r.Prefix, Further: engine.DisksOf(furtherDisks(p.Settings))}
			if err := objects.CheckNames(n); err != nil {
				return err
			}
		}
	}
	return checkServed(r)
}

// suitsKubeVirt refuses settings of nodes that no object can have.
func suitsKubeVirt(s *settings.Settings) error {
	switch {
	case len(s.Networks) > 0:
		return hint.Errorf("networks=none", "networks=: engine=kubevirt gives each node one network card, on nad= or the network of pods")
	case s.SHA256 != "":
		return hint.Errorf("leave sha256= out, or image=fcos-stable, which is named by its digest", "sha256=: nothing in Kubernetes checks it")
	case s.Arch == "aarch64" && s.Firmware == engine.BIOS:
		return hint.Errorf("firmware=auto", "firmware=bios: arch=aarch64 has only UEFI")
	}
	return nil
}

// checkServed refuses a way of discovery that a run of this project serves while nodes boot: nobody does when others apply the objects.
func checkServed(r *Run) error {
	source, err := sourceOf(r)
	if err != nil {
		return err
	}
	used, err := source.Uses(discovery.Words...)
	if err != nil || !used || !discovery.IsEmbedded(r.Settings.Discovery) {
		return err
	}
	return hint.Errorf("discovery=https://discovery.etcd.io, discovery=https://disc1:2379,https://disc2:2379, discovery=static addresses=10.0.0.11,…, or discovery=srv:example.org",
		"discovery=%s: this host serves it only while it waits for nodes of libvirt", r.Settings.Discovery)
}

// Manifests prints the nodes as objects of Kubernetes.
func Manifests(ctx context.Context, r *Run) error {
	all, err := renderedObjects(ctx, r)
	if err != nil {
		return err
	}
	if r.Format == "json" {
		return table.JSON(r.out, objects.Object{"apiVersion": "v1", "kind": "List", "items": all})
	}
	text, err := objects.YAML(all)
	if err == nil {
		_, err = r.out.Write(text)
	}
	return err
}

// renderedObjects are the objects of the nodes as this run renders them.
func renderedObjects(ctx context.Context, r *Run) ([]objects.Object, error) {
	documents, err := documentsOf(ctx, r)
	if err != nil {
		return nil, err
	}
	images, err := kubeVirtImages(ctx, r)
	if err != nil {
		return nil, err
	}
	return objectsOf(r, images, documents)
}

// objectsOf are those of the documents' nodes, and of the cluster.
func objectsOf(r *Run, images map[string]stream.KubeVirt, documents []config.Document) (all []objects.Object, err error) {
	source, err := sourceOf(r)
	if err != nil {
		return nil, err
	}
	members, err := source.Using(discovery.Words...)
	if err != nil {
		return nil, err
	}
	if r.NAD == "" {
		all = append(all, objects.Service(kubernetesOf(r.Settings), r.Prefix, objects.Mark{ID: workspaceID(r), Workspace: r.Workspace}))
	}
	document := map[string]config.Document{}
	for _, d := range documents {
		document[d.Name] = d
	}
	for _, p := range partsOf(r) {
		for _, node := range p.nodes {
			d, is := document[node.Name]
			if !is {
				continue
			}
			n := kubeVirtNode(r, p.Settings, d, images[node.Name])
			if len(members) > 0 && !slices.Contains(members, node) {
				n.Mark.Etcd = engine.NoEtcd
			}
			of, err := objects.Of(n)
			if err != nil {
				return nil, err
			}
			all = append(all, of...)
		}
	}
	return all, nil
}

// kubernetesOf is where in Kubernetes nodes of the settings are.
func kubernetesOf(s *settings.Settings) objects.Place {
	return objects.Place{Namespace: s.Namespace, StorageClass: s.StorageClass, NAD: s.NAD}
}

// kubeVirtImages are the images that nodes are made on, by node, each looked up once. Ignition on each takes the config's version.
func kubeVirtImages(ctx context.Context, r *Run) (map[string]stream.KubeVirt, error) {
	source, err := sourceOf(r)
	if err != nil {
		return nil, err
	}
	images := map[string]stream.KubeVirt{}
	for _, p := range alike(partsOf(r), byImage) {
		image, err := kubeVirtImage(ctx, r, p.Settings)
		if err != nil {
			return nil, err
		}
		for _, node := range p.nodes {
			of, _ := source.Of(node.Name)
			if err := of.CheckVersions(image.Accepts); err != nil {
				return nil, err
			}
			images[node.Name] = image
		}
	}
	return images, nil
}

// labForKubeVirt is where the lab's image for KubeVirt would be: a name that no server has (RFC 2606). In the lab nothing imports it; what stands in
// for KubeVirt there has it, as internal/testkit/kubernetes says.
const labForKubeVirt = "https://lab.invalid/lab-kubevirt.qcow2"

// kubeVirtImage is the image that nodes of the settings are made on.
func kubeVirtImage(ctx context.Context, r *Run, s *settings.Settings) (stream.KubeVirt, error) {
	if r.InLab && s.Image == guestimage.Lab {
		image := labImage(s.Image)
		image.URL = labForKubeVirt
		return stream.KubeVirt{Image: image}, nil
	}
	return base.KubeVirt(ctx, imageOptionsOf(r, s, true))
}

// kubeVirtNode is what the document's node is made of.
func kubeVirtNode(r *Run, s *settings.Settings, d config.Document, on stream.KubeVirt) objects.Node {
	machine := blueprint.Machine{Arch: s.Arch, Firmware: s.Firmware}
	return objects.Node{
		Place: kubernetesOf(s), Name: d.Name, Cluster: r.Prefix, UUID: d.UUID, MAC: d.MAC, Arch: s.Arch,
		UEFI: machine.FirmwareOn(on.OS, everyHostHasUEFI) == engine.UEFI,
		MiB:  s.RAM, VCPUs: s.VCPU, GiB: cmp.Or(s.Disk, smallestDisk), Further: engine.DisksOf(furtherDisks(s)), Document: d.JSON,
		Image: objects.Image{Name: strings.TrimSpace(on.Name + " " + on.Version), Registry: on.Registry, URL: on.File(), SHA512: on.SHA512},
		Mark:  objects.Mark{ID: workspaceID(r), Workspace: r.Workspace, Group: d.Group, Number: d.Number, Ignition: d.Digest},
	}
}

// everyHostHasUEFI is so of those that run KubeVirt: its own programs bring it.
func everyHostHasUEFI(string) bool { return true }
