package facts

import (
	"strconv"
	"strings"
)

// What concerns the kernel, the consoles and the firmware.

func itoa(n int) string { return strconv.Itoa(n) }

func kernel() []Fact {
	return []Fact{
		{
			ID: "virtio-port", Topic: "Kernel", Needed: "the channel of the readiness report",
			Claims: map[Distribution]Claim{
				FCOS:    {Is: "/dev/virtio-ports/org.coreos.ready is there; whether virtio_console is a module was not read", Check: port},
				Flatcar: {Is: "/dev/virtio-ports/org.coreos.ready is there; virtio_console is a module", From: overlay("sys-kernel/coreos-modules/files/commonconfig-6.12"), Check: port},
				Lab:     {Is: "/dev/virtio-ports/org.coreos.ready is there; virtio_console is a module", From: lab("root.sh"), Check: port},
			},
		},
		{
			ID: "fw_cfg-module", Topic: "Kernel", Needed: "Ignition reads its config by it in the initramfs",
			Claims: map[Distribution]Claim{
				FCOS:    {Is: "qemu_fw_cfg is there; whether as a module was not read", Check: fwCfg},
				Flatcar: {Is: "qemu_fw_cfg is a module", From: overlay("sys-kernel/coreos-modules/files/commonconfig-6.12"), Check: fwCfg},
				Lab:     {Is: "qemu_fw_cfg is a module", From: lab("root.sh"), Check: fwCfg},
			},
		},
		{
			ID: "hotplug-rule", Topic: "Kernel", Needed: "plugged processors and memory are used",
			Claims: everywhere("the rule of this project is there, and udev reads it", "rules=/etc/udev/rules.d/80-coreos-libvirt-hotplug.rules\nudevadm verify $rules 2>/dev/null || udevadm test /sys/devices/system/cpu/cpu0 2>&1 | grep -m 1 $rules"),
		},
		{
			ID: "memory-online", Topic: "Kernel", Needed: "the rule for plugged memory: is it needed?",
			Claims: map[Distribution]Claim{
				FCOS:       {Is: "whether the kernel brings plugged memory online by itself was not read", Tells: autoOnline},
				Flatcar:    {Is: "the kernel leaves plugged memory offline (no MEMORY_HOTPLUG_DEFAULT_ONLINE)", From: overlay("sys-kernel/coreos-modules/files/commonconfig-6.12", "sys-kernel/coreos-modules/files/amd64_defconfig-6.12"), Check: autoOnline + "test \"$state\" = offline"},
				Lab:        {Is: "Debian's kernel: not read", Tells: autoOnline},
				LabFlatcar: {Is: "Debian's kernel: not read", Tells: autoOnline},
			},
		},
		{
			ID: "no-threads", Topic: "Kernel", Needed: "processors are cores: where the kernel ignores threads (mitigations=auto,nosmt), plugged ones would not count",
			Claims: everywhere("each processor is a core of its own", "all=$(cat /sys/devices/system/cpu/cpu*/topology/thread_siblings_list)\necho $all\n! echo \"$all\" | grep -q '[-,]'"),
		},
		{
			ID: "hotplug-cpu", Topic: "Kernel", OnHost: true, Needed: "`mage up vcpu=` of a running node",
			Claims: map[Distribution]Claim{
				FCOS:    {Is: "a plugged processor is used; the kernel's configuration was not read"},
				Flatcar: {Is: "a plugged processor is used (ACPI_HOTPLUG_CPU is the kernel's default)", From: overlay("sys-kernel/coreos-modules/files/amd64_defconfig-6.12")},
				Lab:     {Is: "a plugged processor is used"},
			},
		},
		{
			ID: "hotplug-memory", Topic: "Kernel", OnHost: true, Needed: "`mage up ram=` of a running node",
			Claims: map[Distribution]Claim{
				FCOS:    {Is: "plugged memory is used; the kernel's configuration was not read"},
				Flatcar: {Is: "plugged memory is used (ACPI_HOTPLUG_MEMORY, MEMORY_HOTPLUG)", From: overlay("sys-kernel/coreos-modules/files/amd64_defconfig-6.12", "sys-kernel/coreos-modules/files/commonconfig-6.12")},
				Lab:     {Is: "plugged memory is used"},
			},
		},
		{
			ID: "acpi-off", Topic: "Kernel", OnHost: true, Needed: "`mage stop` and `mage restart`",
			Claims: everywhere("the guest shuts down when ACPI's power button is pressed", ""),
		},
	}
}

const (
	port  = "ls -l /dev/virtio-ports/org.coreos.ready && test -c \"$(readlink -f /dev/virtio-ports/org.coreos.ready)\""
	fwCfg = "modprobe -q qemu_fw_cfg; ls -d /sys/firmware/qemu_fw_cfg && modinfo -F filename qemu_fw_cfg"
	// auto_online_blocks: offline, online, online_kernel or online_movable (Linux, admin-guide/mm/memory-hotplug)
	autoOnline = "state=$(cat /sys/devices/system/memory/auto_online_blocks) && echo \"auto_online_blocks: $state\" || exit 1\n"
)

func consoles() []Fact {
	return []Fact{
		{
			ID: "kernel-arguments", Topic: "Consoles", Needed: "what the serial console shows, and by which screen else",
			Claims: map[Distribution]Claim{
				FCOS:    {Is: "console=tty0 console=ttyS0,115200n8: /dev/console is the serial line", From: fcosIn("platforms.yaml"), Check: lastConsole("ttyS0*")},
				Flatcar: {Is: "console=ttyS0,115200n8 console=tty0: /dev/console is the screen, the serial line has the kernel's lines and a login only (unless grub.cfg of /oem says otherwise)", From: scripts("build_library/grub.cfg"), Check: lastConsole("tty0")},
				Lab:     {Is: "console=ttyS0: /dev/console is the serial line", From: lab("internal/lab/guestimage/rootfs/boot/grub/grub.cfg"), Check: lastConsole("ttyS0*")},
			},
		},
		{
			ID: "mitigations", Topic: "Consoles", Needed: "why processors must be cores",
			Claims: map[Distribution]Claim{
				FCOS: {Is: "mitigations=auto,nosmt", From: fcosIn("image-base.yaml"), Check: "tr ' ' '\\n' </proc/cmdline | grep -x mitigations=auto,nosmt"},
			},
		},
		{
			ID: "autologin", Topic: "Consoles", Needed: "the expression for the login prompt",
			Claims: map[Distribution]Claim{
				FCOS:    {Is: "a login prompt: \"core01 login: \"", Check: "! grep -q autologin /proc/cmdline && systemctl is-active serial-getty@ttyS0.service"},
				Flatcar: {Is: "flatcar.autologin: \"core01 login: core (automatic login)\"", From: overlay("coreos-base/common-oem-files/files/qemu/grub.cfg.frag"), Check: "tr ' ' '\\n' </proc/cmdline | grep '^flatcar.autologin' && systemctl is-active serial-getty@ttyS0.service"},
				Lab:     {Is: "a login prompt", Check: "! grep -q autologin /proc/cmdline && systemctl is-active serial-getty@ttyS0.service"},
			},
		},
		{
			ID: "login", Topic: "Consoles", OnHost: true, Needed: "`up` knows a node that only does not report from one that does not boot",
			Claims: everywhere("the console log shows the login prompt", ""),
		},
		{
			ID: "phases", Topic: "Consoles", OnHost: true, Needed: "the progress of `up`, and `mage timeline`",
			Claims: map[Distribution]Claim{
				FCOS:    {Is: phasesOf(FCOS)},
				Flatcar: {Is: phasesOf(Flatcar)},
				Lab:     {Is: phasesOf(Lab)},
			},
		},
		{
			ID: "emergency", Topic: "Consoles", OnHost: true, Needed: "`up` ends early when a node drops to an emergency shell",
			Claims: map[Distribution]Claim{
				FCOS:    {Is: "systemd's and sulogin's lines come on the serial console, and are known", From: assembler("mantle/kola/harness.go")},
				Flatcar: {Is: "systemd's lines come on the screen only, as /dev/console is that; sulogin's come on all consoles (seen on the stand-in; not read)", From: scripts("build_library/grub.cfg")},
				Lab:     {Is: "they come on the serial console, and are known"},
			},
		},
		{
			ID: "panic", Topic: "Consoles", OnHost: true, Needed: "`up` ends early when a kernel panics",
			Claims: everywhere("\"Kernel panic - not syncing\" comes on the serial console of all: it is the kernel's own line", ""),
		},
		{
			ID: "panic-reboots", Topic: "Consoles", Needed: "whether a node that panicked boots again",
			Claims: map[Distribution]Claim{
				FCOS:       {Is: "whether the kernel reboots by itself was not read", Tells: "cat /proc/sys/kernel/panic"},
				Flatcar:    {Is: "it reboots after 60 s (PANIC_TIMEOUT), and an oops is a panic (PANIC_ON_OOPS)", From: overlay("sys-kernel/coreos-modules/files/commonconfig-6.12"), Check: "cat /proc/sys/kernel/panic /proc/sys/kernel/panic_on_oops\ntest \"$(cat /proc/sys/kernel/panic)\" = 60 && test \"$(cat /proc/sys/kernel/panic_on_oops)\" = 1"},
				LabFlatcar: {Is: "Debian's kernel: not read", Tells: "cat /proc/sys/kernel/panic"},
			},
		},
		{
			ID: "journal-channel", Topic: "Consoles", Needed: "`up` shows Ignition's log when it fails",
			Claims: map[Distribution]Claim{
				FCOS:    {Is: "the initramfs writes its journal to com.coreos.ignition.journal", From: fcosOverlay("05core/usr/lib/dracut/modules.d/99emergency-shell-setup/ignition-virtio-dump-journal.service"), Check: "ls /usr/lib/dracut/modules.d/99emergency-shell-setup/ignition-virtio-dump-journal.service"},
				Flatcar: {Is: "there is no such unit", From: bootengine("dracut")},
				Lab:     {Is: "the initramfs' init does the same", From: lab("init")},
				LabFCOS: {Is: "the initramfs does the same"},
			},
		},
	}
}

// Phases are what the serial console surely shows of a boot, in its order, in the words of internal/guest.
func Phases(d Distribution) []string {
	switch d.StandsFor() {
	case FCOS:
		return []string{"kernel", "Ignition", "system", "login"}
	case Flatcar:
		return []string{"kernel", "login"}
	}
	return []string{"Ignition", "system", "login"} // its kernel is quiet
}

func phasesOf(d Distribution) string {
	return "the console log shows, in this order: " + strings.Join(Phases(d), ", ")
}

// lastConsole makes sure what /dev/console is: the last console= of the kernel's arguments.
func lastConsole(pattern string) string {
	return "all=$(tr ' ' '\\n' </proc/cmdline | grep '^console=') && echo $all && last=$(echo \"$all\" | tail -n 1) && case ${last#console=} in " + pattern + ") ;; *) false ;; esac"
}

func firmware() []Fact {
	const both = "all=$(lsblk -nro PARTLABEL)\necho $all\necho \"$all\" | grep -qx BIOS-BOOT && echo \"$all\" | grep -qx EFI-SYSTEM"
	return []Fact{
		{
			ID: "firmware", Topic: "Firmware", Needed: "firmware=auto, and hosts without OVMF",
			Claims: map[Distribution]Claim{
				FCOS:    {Is: "the image boots by BIOS and by UEFI", From: assembler("src/osbuild-manifests/coreos.osbuild.x86_64.mpp.yaml"), Check: both},
				Flatcar: {Is: "the image boots by BIOS and by UEFI (amd64); qemu_image.img is a link to qemu_uefi_image.img", From: scripts("build_library/disk_layout.json", "build_library/vm_image_util.sh"), Check: both},
				LabFCOS: {Is: "BIOS only", From: lab("disk.sh"), Check: "test ! -e /sys/firmware/efi && echo booted by BIOS"},
				Lab:     {Is: "BIOS only", From: lab("disk.sh"), Check: "test ! -e /sys/firmware/efi && echo booted by BIOS"},
			},
		},
	}
}
