package facts

// What concerns Ignition and the files that a system has where.

const (
	coreosKey  = "opt/com.coreos/config"
	flatcarKey = "opt/org.flatcar-linux/config"
)

// keyThere looks at the fw_cfg key that the host gave the node its config by.
func keyThere(key string) string {
	return "modprobe -q qemu_fw_cfg\nsize=$(cat /sys/firmware/qemu_fw_cfg/by_name/" + key + "/size) && echo \"" + key + ": $size bytes\" && test \"$size\" -gt 2"
}

func ignition() []Fact {
	return []Fact{
		{
			ID: "fw_cfg-key", Topic: "Ignition", Needed: "the domain's definition hands the config over by it",
			Claims: map[Distribution]Claim{
				FCOS:       {Is: coreosKey, From: in("coreos/ignition", "a5d574a of 2026-07-23", "docs/supported-platforms.md"), Check: keyThere(coreosKey)},
				Flatcar:    {Is: flatcarKey + "; Fedora CoreOS' key, too, where that one is not there", From: overlay("sys-apps/ignition/files/0007-provider-qemu-apply-fw_cfg-patch.patch"), Check: keyThere(flatcarKey)},
				Lab:        {Is: coreosKey, From: lab("init"), Check: keyThere(coreosKey)},
				LabFlatcar: {Is: flatcarKey + " only", Check: keyThere(flatcarKey)},
			},
		},
		{
			ID: "ignition-ran", Topic: "Ignition", Needed: "all that the project does",
			Claims: everywhere("Ignition wrote the config's files: the host name and the readiness unit", "name=$(cat /etc/hostname) && echo \"/etc/hostname: $name\" && test \"$name\" = \"$(cat /proc/sys/kernel/hostname)\" && test -s /etc/coreos-libvirt/ready.sh"),
		},
		{
			ID: "ignition-version", Topic: "Ignition", Needed: "which specs an image takes: `up` refuses configs that are newer",
			Claims: map[Distribution]Claim{
				FCOS:    {Is: "2.19 or newer (2.19.0 in October 2024): specs 3.0.0 to 3.4.0 at least", From: fcosIn("manifest-lock.x86_64.json"), Check: ignitionLog + atLeast(19)},
				Flatcar: {Is: "2.24.0 with Flatcar's patches: specs 3.0.0 to 3.5.0, and 1.x and 2.x, which it translates", From: overlay("sys-apps/ignition/ignition-9999.ebuild"), Check: ignitionLog + atLeast(24)},
				Lab:     {Is: "2.27.0, not patched", From: lab("guestimage.go"), Check: ignitionLog + atLeast(27)},
			},
		},
		{
			ID: "first-boot-only", Topic: "Ignition", Needed: "a node keeps what was changed in it",
			Claims: map[Distribution]Claim{
				FCOS:    {Is: "/boot/ignition.firstboot asks for Ignition, and the first boot removes it", From: fcosOverlay("05core/usr/libexec/coreos-ignition-firstboot-complete"), Check: gone("/boot/ignition.firstboot")},
				Flatcar: {Is: "/boot/flatcar/first_boot asks for Ignition, and the first boot removes it", From: scripts("build_library/grub.cfg"), Check: gone("/boot/flatcar/first_boot")},
				Lab:     {Is: "/boot/ignition.firstboot, as Fedora CoreOS", From: lab("root.sh"), Check: gone("/boot/ignition.firstboot")},
			},
		},
		{
			ID: "second-boot", Topic: "Ignition", OnHost: true, Needed: "`mage restart`, and nodes that reboot by themselves",
			Claims: everywhere("a second boot becomes ready, with the same host keys and another boot id", ""),
		},
		{
			ID: "ignition-failure", Topic: "Ignition", Needed: "`up` says why a node will never be ready",
			Claims: map[Distribution]Claim{
				FCOS:    {Is: "the emergency shell prints \"Ignition has failed\" on all consoles, and its journal goes to the channel com.coreos.ignition.journal", From: fcosOverlay("05core/usr/lib/dracut/modules.d/99emergency-shell-setup/emergency-shell.sh")},
				Flatcar: {Is: "\"Ignition has failed\" on /dev/console, which is the screen; 300 s later it boots again; there is no journal on a channel", From: bootengine("dracut/99emergency-timeout/timeout.sh")},
				Lab:     {Is: "\"Ignition failed\" and \"Entering emergency mode\" on the serial console, and a journal on the channel", From: lab("init")},
			},
		},
	}
}

// ignitionLog finds the version of the Ignition that ran, or else of the one that is there.
const ignitionLog = `version=$(journalctl -b -o cat -t ignition 2>/dev/null | sed -n 's/^Ignition v*\([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
for at in /usr/bin/ignition /usr/lib/ignition/ignition /usr/lib/dracut/modules.d/30ignition/ignition; do
  test -n "$version" || version=$($at --version 2>/dev/null | sed -n 's/^Ignition v*\([0-9]*\.[0-9]*\).*/\1/p')
done
echo "Ignition ${version:-of an unknown version}"
`

func atLeast(minor int) string {
	return "test \"${version%%.*}\" = 2 && test \"${version#*.}\" -ge " + itoa(minor)
}

func gone(path string) string {
	return "test -d /boot && test ! -e " + path + " && echo " + path + " is gone"
}

func files() []Fact {
	writable := func(dir string) string {
		return "mkdir -p " + dir + " && echo x >" + dir + "/.selftest && rm " + dir + "/.selftest && echo " + dir + " can be written"
	}
	link := func(from, to string) string {
		return "to=$(readlink -f " + from + ") && echo \"" + from + " is $to\" && test \"$to\" = " + to + "\n" + writable(from)
	}
	readonly := func(dir string) string {
		return "if { echo x >" + dir + "/.selftest; } 2>/dev/null; then rm -f " + dir + "/.selftest; echo " + dir + " can be written; false; else echo " + dir + " cannot be written; fi"
	}
	return []Fact{
		{
			ID: "usr", Topic: "Files", Needed: "no file for a node goes below /usr",
			Claims: map[Distribution]Claim{
				FCOS:    {Is: "read-only, as / is", From: fcosDocs("storage.adoc"), Check: readonly("/usr")},
				Flatcar: {Is: "read-only, a partition of its own, verified (dm-verity)", From: scripts("build_library/disk_layout.json", "build_library/grub.cfg"), Check: readonly("/usr")},
				Lab:     {Is: "can be written", From: lab("root.sh"), Check: writable("/usr")},
			},
		},
		{
			ID: "etc-var", Topic: "Files", Needed: "all files for nodes go there",
			Claims: map[Distribution]Claim{
				FCOS:    {Is: "can be written, nothing else can", From: fcosDocs("storage.adoc"), Check: writable("/etc") + " && " + writable("/var")},
				Flatcar: {Is: "can be written; they are on the root partition", From: scripts("build_library/disk_layout.json"), Check: writable("/etc") + " && " + writable("/var")},
				Lab:     {Is: "can be written", From: lab("root.sh"), Check: writable("/etc") + " && " + writable("/var")},
			},
		},
		{
			ID: "home", Topic: "Files", Needed: "ssh keys of users",
			Claims: map[Distribution]Claim{
				FCOS:    {Is: "a link to /var/home", From: fcosDocs("storage.adoc"), Check: link("/home", "/var/home")},
				Flatcar: {Is: "a folder", Check: link("/home", "/home")},
				Lab:     {Is: "a folder", From: lab("root.sh"), Check: link("/home", "/home")},
			},
		},
		{
			ID: "opt", Topic: "Files", Needed: "configs that put programs there",
			Claims: map[Distribution]Claim{
				FCOS:    {Is: "a link to /var/opt", From: fcosOverlay("05core/usr/lib/dracut/modules.d/40ignition-ostree/ignition-ostree-populate-var.sh"), Check: link("/opt", "/var/opt")},
				Flatcar: {Is: "a folder that can be written", Check: link("/opt", "/opt")},
				Lab:     {Is: "a folder that can be written", From: lab("root.sh"), Check: link("/opt", "/opt")},
			},
		},
		{
			ID: "usr-local", Topic: "Files", Needed: "etcd.sh looks for /usr/local/bin/etcd",
			Claims: map[Distribution]Claim{
				FCOS:    {Is: "a link to /var/usrlocal", From: fcosOverlay("05core/usr/lib/dracut/modules.d/40ignition-ostree/ignition-ostree-populate-var.sh"), Check: link("/usr/local", "/var/usrlocal")},
				Flatcar: {Is: "read-only, as all of /usr is", Check: readonly("/usr/local")},
				Lab:     {Is: "can be written, and has an etcd", From: lab("root.sh"), Check: "ls /usr/local/bin/etcd"},
				LabFCOS: {Is: "a link to /var/usrlocal, and has an etcd", Check: link("/usr/local", "/var/usrlocal")},
			},
		},
		{
			ID: "oem", Topic: "Files", Needed: "kernel arguments that Ignition changes, and the console's, are in its grub.cfg",
			Claims: map[Distribution]Claim{
				Flatcar: {Is: "/oem is a partition of its own, labelled OEM", From: scripts("build_library/disk_layout.json"), Check: "findmnt -no SOURCE,FSTYPE /oem && lsblk -nro LABEL | grep -x OEM"},
			},
		},
	}
}
