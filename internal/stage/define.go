package stage

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"coreos-libvirt/internal/artifact"
	"coreos-libvirt/internal/cluster"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/hint"
	"coreos-libvirt/internal/hypervisor"
	"coreos-libvirt/internal/image"
	"coreos-libvirt/internal/render"
)

// Ignition reads exactly one of these fw_cfg keys (its docs, "supported platforms": qemu).
const (
	coreosKey  = "opt/com.coreos/config"
	flatcarKey = "opt/org.flatcar-linux/config"
)

// Define makes each node's overlay and libvirt domain.
func (r *Run) Define(ctx context.Context) error {
	conn, err := r.libvirt()
	if err != nil {
		return err
	}
	domains, err := conn.Domains()
	if err != nil {
		return err
	}
	if err := errors.Join(cluster.Foreign(r.members(), domains, r.Workspace, r.Prefix), r.checkBridge(), r.checkSpec()); err != nil {
		return err
	}
	tmpl, err := os.ReadFile(filepath.Join(r.Workspace, "templates", "domain.xml.tmpl"))
	if err != nil {
		return hint.Errorf("git checkout templates/domain.xml.tmpl", "no domain template: %w", err)
	}
	if err := r.register(); err != nil {
		return err
	}
	r.steps = nil
	for _, node := range r.nodes {
		if err := r.define(ctx, conn, node, string(tmpl), domains); err != nil {
			return fmt.Errorf("%s: %w", node.Name, err)
		}
	}
	if r.release != nil { // the overlays show from now on that the image is used
		r.release()
	}
	return nil
}

// register tells the store that overlays of this workspace stand on its images.
func (r *Run) register() error {
	if filepath.Dir(r.base.Path) != r.Store {
		return nil
	}
	return r.images().Register(r.Workspace)
}

// define plans one node's step and takes it.
func (r *Run) define(ctx context.Context, conn *hypervisor.Conn, node rendered, tmpl string, domains map[string]cluster.Domain) error {
	want := cluster.Metadata{
		Workspace: r.Workspace, Cluster: r.Prefix, Number: node.Number, Ignition: node.digest, Base: r.base.Path,
	}
	hw := r.hardware(conn, node.Node)
	if _, err := cluster.Define(tmpl, hw, &want); err != nil {
		return err
	}
	domain, ok := domains[node.Name]
	disk, err := diskOf(ctx, node.Node, ok && domain.State == cluster.Running)
	if err != nil {
		return err
	}
	step := cluster.Plan(node.Node, want, domain, ok, disk)
	text, err := cluster.Define(tmpl, hw, &step.Want)
	if err != nil {
		return err
	}
	r.steps = append(r.steps, step)
	return r.take(ctx, conn, step, text)
}

func (r *Run) take(ctx context.Context, conn *hypervisor.Conn, step cluster.Step, xml string) error {
	r.sayStep(step)
	if step.Action == cluster.Create {
		if err := image.CreateOverlay(ctx, step.Node.Overlay(), r.base.Path, r.Disk); err != nil {
			return err
		}
	}
	if step.Action == cluster.Keep {
		return nil
	}
	if err := artifact.Write(step.Node.XML(), []byte(xml), 0o644); err != nil {
		return err
	}
	return conn.Define(xml)
}

func (r *Run) sayStep(step cluster.Step) {
	name := step.Node.Name
	if step.Drift != "" {
		r.log.Say("%s: %s since it was made; it goes on as it is (hint: `mage down prefix=%s` and `mage up` make it anew)",
			name, step.Drift, r.Prefix)
	}
	switch step.Action {
	case cluster.Create:
		r.log.Say("%s: defined, %s", name, step.Why)
	case cluster.Redefine:
		when := ""
		if step.Running {
			when = "; it takes effect when the node is started next"
		}
		r.log.Say("%s: redefined, %s%s", name, step.Why, when)
	case cluster.Keep:
		r.log.Say("%s: %s", name, step.Why)
	}
}

// diskOf looks at a node's overlay. A running node's is not pristine.
func diskOf(ctx context.Context, node cluster.Node, running bool) (cluster.Disk, error) {
	if _, err := os.Stat(node.Overlay()); err != nil {
		if os.IsNotExist(err) {
			err = nil
		}
		return cluster.Disk{}, err
	}
	info, err := image.Inspect(ctx, node.Overlay())
	if err != nil {
		return cluster.Disk{}, hint.Add(err, "`mage down` clears it away")
	}
	disk := cluster.Disk{Exists: true, Backing: info.Backing}
	if !running {
		disk.Pristine, err = image.Pristine(ctx, node.Overlay())
	}
	return disk, err
}

func (r *Run) hardware(conn *hypervisor.Conn, node cluster.Node) cluster.Hardware {
	return cluster.Hardware{
		Type: r.domainType(conn), Arch: r.Arch, Firmware: r.firmware(), Name: node.Name, UUID: node.UUID,
		RAM: r.RAM, VCPU: r.VCPU, MAC: node.MAC, Bridge: r.Bridge,
		IgnitionKey: r.ignitionKey(), Ignition: node.Ignition(),
		Overlay: node.Overlay(), Console: node.Console(), ReadyChannel: guest.ReadyChannel,
	}
}

// domainType is libvirt's word for the accelerator: its "qemu" is QEMU's TCG.
func (r *Run) domainType(conn *hypervisor.Conn) string {
	if r.Accel == "tcg" || r.Accel == "auto" && !conn.HasKVM(r.Arch) {
		return "qemu"
	}
	return "kvm"
}

// uefiFlatcar is the first of Flatcar's versions that is booted by UEFI: its images can be long since,
// and newer ones want it.
const uefiFlatcar = 4000

// firmware is libvirt's word for the firmware, which it then finds by itself; empty is BIOS.
func (r *Run) firmware() string {
	major, _, _ := strings.Cut(r.base.Version, ".")
	n, _ := strconv.Atoi(major)
	auto := r.Arch == "aarch64" || r.base.OS == "flatcar" && n >= uefiFlatcar
	if r.Firmware == "uefi" || r.Firmware == "auto" && auto {
		return "efi"
	}
	return ""
}

// checkSpec makes sure that the image's Ignition reads what the config makes.
func (r *Run) checkSpec() error {
	spec, err := render.Version(r.template.JSON)
	if err != nil {
		return err
	}
	return r.base.Accepts(spec)
}

// ignitionKey is of the image's system or, where that is not known, of the config's variant.
func (r *Run) ignitionKey() string {
	if r.base.OS == "flatcar" || r.base.OS == "" && r.template.Variant == "flatcar" {
		return flatcarKey
	}
	return coreosKey
}

// checkBridge finds a missing bridge before QEMU does. libvirt's other drivers have networks of their own.
func (r *Run) checkBridge() error {
	if !strings.HasPrefix(r.URI, "qemu") {
		return nil
	}
	if _, err := os.Stat(filepath.Join("/sys/class/net", r.Bridge, "bridge")); err == nil {
		return nil
	}
	bridges := []string{}
	links, _ := net.Interfaces()
	for _, link := range links {
		if _, err := os.Stat(filepath.Join("/sys/class/net", link.Name, "bridge")); err == nil {
			bridges = append(bridges, link.Name)
		}
	}
	advice := "make one over the physical interface, as README says; this host has none"
	if len(bridges) > 0 {
		advice = "this host has: bridge=" + strings.Join(bridges, ", bridge=")
	}
	return hint.Errorf(advice, "bridge=%s: there is no such bridge on this host", r.Bridge)
}
