package facts

// What concerns updates, SELinux, containers and sizes.

func updates() []Fact {
	return []Fact{
		{
			ID: "update-service", Topic: "Updates", Needed: "what reboots a node under its user's feet",
			Claims: map[Distribution]Claim{
				FCOS:    {Is: "zincati.service is enabled and reboots at once (strategy `immediate`)", From: append(fcosOverlay("05core/usr/lib/systemd/system-preset/40-coreos.preset"), zincati("docs/usage/auto-updates.md")...), Check: "systemctl cat zincati.service | grep ExecStart="},
				Flatcar: {Is: "update-engine.service stages updates, and locksmithd.service reboots", From: append(overlay("coreos-base/update_engine/update_engine-9999.ebuild", "app-admin/locksmith/locksmith-9999.ebuild"), in("flatcar/locksmith", "5b2275e of 2023-07-25; the release builds a1cb1f9", "systemd/locksmithd.service")...), Check: "ls /usr/lib/systemd/system/update-engine.service /usr/lib/systemd/system/locksmithd.service"},
			},
		},
		{
			ID: "updates-off", Topic: "Updates", Needed: "updates=off: a node stays what it was made as",
			Claims: map[Distribution]Claim{
				FCOS: {
					Is:    "a file of /etc/zincati/config.d that ends with .toml says `enabled = false`; others there are ignored",
					From:  append(zincati("docs/usage/configuration.md"), zincati("docs/usage/auto-updates.md")...),
					Check: "grep -l '^enabled *= *false' /etc/zincati/config.d/*.toml || systemctl is-enabled zincati.service | grep -x masked",
				},
				Flatcar: {
					Is:    "update-engine.service and locksmithd.service are masked",
					From:  overlay("coreos-base/update_engine/update_engine-9999.ebuild", "app-admin/locksmith/locksmith-9999.ebuild"),
					Check: "for u in update-engine locksmithd; do echo \"$u: $(systemctl is-enabled $u.service)\"; done\nfor u in update-engine locksmithd; do test \"$(systemctl is-enabled $u.service)\" = masked || exit 1; done",
				},
			},
		},
	}
}

func selinux() []Fact {
	const mode = "mode=$(getenforce 2>/dev/null) || mode='no SELinux'\necho \"$mode\"\n"
	const none = mode + "case $mode in 'no SELinux' | Disabled) ;; *) false ;; esac"
	return []Fact{
		{
			ID: "selinux", Topic: "SELinux", Needed: "whether a wrong label keeps a unit from running",
			Claims: map[Distribution]Claim{
				FCOS:       {Is: "enforcing", From: fcosIn("tests/kola/selinux/enforcing"), Check: mode + "test \"$mode\" = Enforcing"},
				Flatcar:    {Is: "a policy is loaded and only warns (permissive); the default was not read", Check: mode + "test \"$mode\" = Permissive"},
				Lab:        {Is: "none", From: labPackages, Check: none},
				LabFCOS:    {Is: "none: Ignition labels files, and nothing is enforced", Check: none},
				LabFlatcar: {Is: "none", Check: none},
			},
		},
		{
			ID: "labels", Topic: "SELinux", Needed: "systemd and sshd may read what Ignition wrote",
			Claims: map[Distribution]Claim{
				FCOS: {
					Is: "Ignition labels what it writes by the policy", From: in("coreos/ignition", "a5d574a of 2026-07-23", "internal/distro/distro.go"),
					Check: "wrong=$(restorecon -nvR /etc/hostname /etc/coreos-libvirt /etc/systemd/system /etc/udev/rules.d) || exit 1\necho \"wrong labels: ${wrong:-none}\"\ntest -z \"$wrong\"",
				},
				Flatcar: {Is: "Ignition is built without labelling", From: overlay("sys-apps/ignition/ignition-9999.ebuild")},
				Lab:     {Is: "Ignition is built without labelling", From: lab("build.go")},
				LabFCOS: {
					Is:    "Ignition labels what it writes, by the file contexts of the stand-in",
					Check: "contexts=/etc/selinux/targeted/contexts/files/file_contexts\nwrong=$(setfiles -n -v $contexts /etc/hostname /etc/coreos-libvirt 2>&1) || exit 1\necho \"wrong labels: ${wrong:-none}\"\ntest -z \"$wrong\"",
				},
			},
		},
		{
			ID: "ready-domain", Topic: "SELinux", Needed: "the readiness unit may write on its channel and read the host keys",
			Claims: map[Distribution]Claim{
				FCOS: {
					Is:    "the unit runs as initrc_t, an unconfined domain: systemd starts a shell",
					From:  policy("policy/modules/system/init.te"),
					Check: unitDomain + "case $domain in *:initrc_t:*|*:unconfined_service_t:*) ;; *) false ;; esac",
				},
				Flatcar: {Is: "the domain is not known; the policy only warns", Tells: unitDomain},
				Lab:     {Is: "no SELinux; the unit runs", Check: unitDomain + "test -n \"$pid\" && test \"$pid\" != 0"},
				LabFCOS: {Is: "no SELinux; the unit runs", Check: unitDomain + "test -n \"$pid\" && test \"$pid\" != 0"},
			},
		},
		{
			ID: "host-labels", Topic: "SELinux", OnHost: true, Needed: "QEMU may read its disk and the Ignition document",
			Claims: everywhere("on a host with SELinux the overlay and the Ignition document have labels that the guest's own QEMU may read", ""),
		},
	}
}

// unitDomain prints the SELinux domain of the readiness unit's process, or that there is none.
const unitDomain = `pid=$(systemctl show -p MainPID --value coreos-libvirt-ready.service)
domain='no SELinux'
test ! -e /sys/fs/selinux/enforce || domain=$(tr -d '\000' <"/proc/$pid/attr/current")
echo "$domain"
`

func containers() []Fact {
	return []Fact{
		{
			ID: "podman", Topic: "Containers", Needed: "etcd.sh, and Quadlets",
			Claims: map[Distribution]Claim{
				FCOS:    {Is: "Podman 5, with Quadlet", From: fcosPackages, Check: "podman --version && ls /usr/lib/systemd/system-generators/podman-system-generator"},
				Flatcar: {Is: "no Podman, unless its system extension is asked for", From: scripts("build_library/extra_sysexts.sh"), Check: "at=$(command -v podman)\necho \"podman: ${at:-none}\"\ntest -z \"$at\""},
				Lab:     {Is: "Debian's Podman, and the Quadlet of 5.6", From: append(labPackages, lab("guestimage.go")...), Check: "podman --version && ls /usr/lib/systemd/system-generators/podman-system-generator"},
			},
		},
		{
			ID: "docker", Topic: "Containers", Needed: "`mage env`, and etcd.sh where there is no Podman",
			Claims: map[Distribution]Claim{
				FCOS:    {Is: "Docker (moby-engine); docker.socket starts it, where it is enabled", From: fcosPackages, Check: "docker --version && systemctl cat docker.socket | grep ListenStream"},
				Flatcar: {Is: "Docker, as a system extension of the image itself", From: scripts("build_image"), Check: "docker --version && systemctl cat docker.socket | grep ListenStream"},
				Lab:     {Is: "Debian's Docker", From: labPackages, Check: "docker --version && systemctl cat docker.socket | grep ListenStream"},
			},
		},
		{
			ID: "etcd-member", Topic: "Containers", Needed: "the example etcd-flatcar.yml",
			Claims: map[Distribution]Claim{
				Flatcar: {Is: "etcd-member.service runs etcd in Docker by /usr/lib/flatcar/etcd-wrapper", From: overlay("app-admin/etcd-wrapper/files/etcd-member.service", "app-admin/etcd-wrapper/files/etcd-wrapper"), Check: "systemctl cat etcd-member.service | grep ExecStart=/usr/lib/flatcar/etcd-wrapper && ls /usr/lib/flatcar/etcd-wrapper"},
			},
		},
	}
}

func removal() []Fact {
	return []Fact{
		{
			ID: "down", Topic: "Removal", OnHost: true, Needed: "`mage down`",
			Claims: everywhere("no domain, disk or file of the cluster is left", ""),
		},
	}
}

func sizes() []Fact {
	disk := func(mib int) string {
		return "size=$(lsblk -bdnro SIZE /dev/vda) && echo \"$((size / 1048576)) MiB\" && test $((size / 1048576)) -ge " + itoa(mib)
	}
	memory := func(mib int) string {
		return "size=$(sed -n 's/^MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo) && echo \"$((size / 1024)) MiB\" && test $((size / 1024)) -ge " + itoa(mib)
	}
	return []Fact{
		{
			ID: "disk", Topic: "Sizes", Needed: "the default of disk=, and its least",
			Claims: map[Distribution]Claim{
				FCOS:    {Is: "the image is 10 GiB", From: fcosIn("image-base.yaml"), Check: disk(10240)},
				Flatcar: {Is: "the image is 12.24 GiB (25,661,440 sectors)", From: scripts("build_library/disk_layout.json"), Check: disk(12530)},
				Lab:     {Is: "the image is 3 GiB", From: lab("disk.sh"), Check: disk(3072)},
			},
		},
		{
			ID: "memory", Topic: "Sizes", Needed: "the default of ram=, and when to warn",
			Claims: map[Distribution]Claim{
				FCOS:    {Is: "its guide gives 2,048 MiB; the least was not read, it runs with what it has", From: fcosDocs("getting-started-libvirt.adoc"), Check: memory(800)},
				Flatcar: {Is: "its own script gives 2,048 MiB; the least was not read, it runs with what it has", From: scripts("build_library/vm_image_util.sh"), Check: memory(800)},
				Lab:     {Is: "512 MiB are enough", Check: memory(400)},
			},
		},
	}
}
