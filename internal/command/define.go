package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/user"
	"path"
	"path/filepath"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/image/base"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
)

// Ignition reads exactly one of these fw_cfg keys (its docs, "supported platforms": qemu).
const (
	coreosKey  = "opt/com.coreos/config"
	flatcarKey = "opt/org.flatcar-linux/config"
)

// Define makes each node's overlay and libvirt domain. Nodes that are to be made anew are left to Up. One
// that fails is left as it was and counts no more; Defined tells of it.
func (r *Run) Define(ctx context.Context) error {
	p, err := r.makePlan(ctx, r.survey)
	if err != nil {
		return err
	}
	return r.definePlanned(ctx, p)
}

// definePlanned takes the plan's steps as far as domains' definitions.
func (r *Run) definePlanned(ctx context.Context, p plan.Plan) error {
	if err := r.register(); err != nil {
		return err
	}
	r.plan = p
	steps := p.Steps
	for _, note := range p.Notes {
		r.log.Say("%s", note)
	}
	for _, step := range steps {
		sayStep(step, r.recreatedBy, r.log.Say)
	}
	out := r.applier().Define(ctx, steps)
	r.steps, r.failed = out.Made, out.Failed
	if err := errors.Join(r.failed...); err != nil && (!r.KeepGoing || ctx.Err() != nil) {
		return err
	}
	return nil
}

// Defined is the end of a run that only defines: with an error for every node that failed.
func (r *Run) Defined(context.Context) error { return errors.Join(r.failed...) }

// register tells the store that overlays of this workspace stand on its images.
func (r *Run) register() error {
	if filepath.Dir(r.base.Path) != r.Store {
		return nil
	}
	err := images(r.Store).Register(r.Workspace, r.base.Path)
	if errors.Is(err, fs.ErrPermission) {
		err = hint.Add(err, "store= names a folder of your own: in somebody else's prune would not know of your nodes")
	}
	return err
}

func sayStep(step plan.Step, recreated func(plan.Step) string, say func(string, ...any)) {
	name := step.Node.Name
	if step.Drift != "" {
		say("%s: %s since it was made; it goes on as it is (hint: %s)", name, step.Drift, recreates(step, recreated(step)))
	}
	if step.Edited != "" {
		say("%s: somebody else changed its definition (hint: redefine=true overwrites that)\n%s", name, step.Edited)
	}
	switch step.Action {
	case plan.Create:
		say("%s: defined, %s", name, step.Why)
	case plan.Recreate:
		say("%s: to be made anew, %s", name, step.Why)
	case plan.Redefine:
		say("%s: redefined, %s%s", name, step.Why, takesEffect(step))
	case plan.Keep:
		say("%s: %s%s", name, step.Why, takesEffect(step))
	}
}

// recreatedBy is the command that recreates a node which differs from what it was made from.
func (r *Run) recreatedBy(step plan.Step) string {
	if step.Edited != "" {
		return r.upAsCalled("recreate=" + step.Node.Name)
	}
	return r.upAsCalled("recreate=changed")
}

// recreates tells what the command does.
func recreates(step plan.Step, command string) string {
	if step.Edited != "" {
		return fmt.Sprintf("`%s` recreates it, without what somebody else changed", command)
	}
	return fmt.Sprintf("`%s` recreates it", command)
}

// sayOld ends `up` with how many nodes run an older config than there is, and the command that recreates them.
func (r *Run) sayOld() {
	old := 0
	for _, step := range r.steps {
		if step.OldConfig && step.Old() {
			old++
		}
	}
	switch command := r.upAsCalled("recreate=changed"); old {
	case 0:
	case 1:
		r.log.Say("1 node runs an older config: %s", command)
	default:
		r.log.Say("%d nodes run an older config: %s", old, command)
	}
}

// outdated is what is said of a running node whose definition is newer than it.
const outdated = "it was started before its definition changed, which takes effect with `mage restart`"

// takesEffect tells when what changed in a running node's definition takes effect.
func takesEffect(step plan.Step) string {
	switch {
	case step.Restart && !step.Live.None():
		return fmt.Sprintf("; the running node takes its %s, the rest takes effect with `mage restart`", step.Live)
	case !step.Live.None():
		return "; the running node takes it"
	case step.Restart && step.Action == plan.Keep:
		return "; " + outdated
	case step.Restart:
		return "; it takes effect with `mage restart`"
	}
	return ""
}

func (r *Run) hardware(conn engine.Engine, node workspace.Node, on base.Image) engine.Hardware {
	hw := engine.Hardware{
		Type: r.domainType(conn), Arch: r.Arch, Name: node.Name, UUID: node.UUID,
		RAM: r.RAM, VCPU: r.VCPU, MAC: node.MAC,
		Link:     r.link(),
		Files:    conn.Disks().Seen(node.Files()),
		Channels: engine.Channels{ReadyChannel: guest.ReadyChannel, JournalChannel: guest.JournalChannel, Sockets: r.sockets(node)},
	}
	hw.IgnitionKey = r.ignitionKey(on)
	return hw.WithFirmware(r.firmware(on, engine.HostOf(conn).HasUEFI))
}

// keptHardware is what a node has that is kept: on its own image, and with the firmware that its disk was made for,
// whatever would be chosen by now. Boot entries, the boot loader's own variables and Ignition's boot partition are that
// one's.
func (r *Run) keptHardware(node workspace.Node, found plan.Found) engine.Hardware {
	return r.hardware(r.conn, node, r.baseOf(found)).WithFirmware(found.Firmware()).WithArch(found.Domain.Arch)
}

// domainType is libvirt's word for the accelerator: its "qemu" is QEMU's TCG.
func (r *Run) domainType(conn engine.Engine) string {
	if r.Accel == "tcg" || r.Accel == "auto" && !engine.HostOf(conn).HasKVM(r.Arch) {
		return "qemu"
	}
	return "kvm"
}

// firmware is what a node is made for. Flatcar's images of every version boot by both (flatcar/scripts,
// build_library/disk_layout.json: a BIOS-BOOT and an EFI-SYSTEM partition), and their makers test UEFI; so BIOS is for
// hosts that have no other.
func (r *Run) firmware(on base.Image, hasUEFI func(arch string) bool) string {
	switch {
	case r.Firmware != "auto":
		return r.Firmware
	case r.Arch == "aarch64", r.osOf(on) == "flatcar" && hasUEFI(r.Arch):
		return engine.UEFI
	}
	return engine.BIOS
}

// wantedFirmware is what the user says; empty is nothing.
func (r *Run) wantedFirmware() string {
	if r.Firmware == "auto" {
		return ""
	}
	return r.Firmware
}

// osOf is the system on the image, as the image or else the config's variant says.
func (r *Run) osOf(on base.Image) string { return cmp.Or(on.System(), r.source.System()) }

// checkFirmware refuses what no machine has, and what this one has not.
func checkFirmware(hw engine.Hardware, hasUEFI func(arch string) bool) error {
	uefi := hw.FirmwareWord() == engine.UEFI
	switch {
	case hw.Arch == "aarch64" && !uefi:
		return hint.Errorf("firmware=auto", "firmware=bios: arch=aarch64 has only UEFI")
	case !uefi || hasUEFI(hw.Arch):
		return nil
	case hw.Arch == "aarch64":
		return hint.Errorf("install it (Debian: apt-get install qemu-efi-aarch64; Fedora: dnf install edk2-aarch64)", "arch=aarch64 boots by UEFI, and libvirt finds none for it on this host")
	}
	return hint.Errorf("install it (Debian: apt-get install ovmf; Fedora: dnf install edk2-ovmf), or firmware=bios", "firmware=uefi: libvirt finds no UEFI on this host")
}

// sockets is where the node's channels have their sockets, if not where libvirt puts them: below the home of a
// user's own libvirt, which is too long a path for a socket where the home's is long (unix(7): 107 bytes).
// libvirt takes the first 20 characters of a name.
func (r *Run) sockets(node workspace.Node) string {
	me, err := user.Current()
	if err != nil || !r.where().IsSession() {
		return ""
	}
	short := node.Name[:min(len(node.Name), 20)]
	longest := path.Join(me.HomeDir, ".config/libvirt/qemu/channel/target/domain-9999-"+short, guest.JournalChannel)
	if len(longest) <= 107 {
		return ""
	}
	return path.Join("/run/user", me.Uid, node.Name)
}

// ignitionKey is of the image's system.
func (r *Run) ignitionKey(on base.Image) string {
	if r.osOf(on) == "flatcar" {
		return flatcarKey
	}
	return coreosKey
}
