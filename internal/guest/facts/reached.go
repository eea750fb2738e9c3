package facts

// What concerns the way into a node: sshd and the network.

func active(units ...string) (check string) {
	for _, unit := range units {
		check += "systemctl is-active " + unit + " || exit 1\n"
	}
	return check
}

func sshd() []Fact {
	const keys = "ls /etc/ssh/ssh_host_*_key.pub && for k in /etc/ssh/ssh_host_*_key.pub; do test -s \"$k\" || exit 1; done"
	return []Fact{
		{
			ID: "sshd-unit", Topic: "ssh", Needed: "when the readiness unit may say that sshd answers",
			Claims: map[Distribution]Claim{
				FCOS: {Is: "sshd.service listens all the time (Fedora's openssh-server)", Check: active("sshd.service")},
				Flatcar: {
					Is:    "sshd.socket with Accept=yes: port 22 is open before there are host keys, and each connection starts an sshd",
					From:  append(gentoo("net-misc/openssh/files/sshd.socket"), overlay("coreos-base/misc-files/misc-files-0-r9.ebuild")...),
					Check: active("sshd.socket") + "systemctl show -p Accept sshd.socket | grep -x Accept=yes",
				},
				Lab: {Is: "ssh.service listens all the time", From: labPackages, Check: active("ssh.service")},
			},
		},
		{
			ID: "sshd-keygen", Topic: "ssh", Needed: "when the readiness unit can report host keys",
			Claims: map[Distribution]Claim{
				FCOS: {Is: "sshd-keygen@.service makes them before sshd starts (Fedora's openssh-server)", Check: "systemctl cat sshd-keygen@.service | grep ExecStart"},
				Flatcar: {
					Is:    "sshd-keygen.service makes them: at boot, and for a connection that comes earlier, which then waits",
					From:  flatcarInit("systemd/system/sshd-keygen.service", "systemd/system/sshd@.service.d/sshd-keygen.conf", "systemd/system/multi-user.target.wants/sshd-keygen.service", "scripts/sshd_keygen"),
					Check: "systemctl cat sshd-keygen.service | grep ExecStart=/usr/lib/flatcar/sshd_keygen && systemctl cat sshd@.service | grep -i 'Wants=sshd-keygen.service'",
				},
				Lab: {Is: "sshd-keygen.service makes one of ed25519 before sshd starts", From: lab("internal/lab/guestimage/rootfs/etc/systemd/system/sshd-keygen.service"), Check: "systemctl cat sshd-keygen.service | grep ExecStart"},
			},
		},
		{
			ID: "host-key-files", Topic: "ssh", Needed: "the fallback of the readiness unit, where sshd does not answer ssh-keyscan",
			Claims: everywhere("/etc/ssh/ssh_host_*_key.pub, none empty", keys),
		},
		{
			ID: "ssh-keyscan", Topic: "ssh", Needed: "the readiness unit asks sshd itself for its host keys",
			Claims: everywhere("ssh-keyscan of 127.0.0.1 gives keys", "n=$(ssh-keyscan -T 10 127.0.0.1 2>/dev/null | grep -c '^127')\necho \"$n keys\"\ntest \"$n\" -gt 0"),
		},
		{
			ID: "host-keys", Topic: "ssh", OnHost: true, Needed: "`mage ssh` checks host keys strictly",
			Claims: everywhere("what ssh-keyscan on the host gets of the node is what the node reported", ""),
		},
	}
}

// namedByDHCP looks at a resolv.conf that has the servers of DHCP, and not systemd-resolved itself.
const namedByDHCP = "systemctl is-active systemd-resolved.service || exit 1\nreadlink -f /etc/resolv.conf | grep -x /run/systemd/resolve/resolv.conf && grep '^nameserver' /etc/resolv.conf"

func network() []Fact {
	return []Fact{
		{
			ID: "network-manager", Topic: "Network", Needed: "DHCP without any configuration; configs that name files of one of them",
			Claims: map[Distribution]Claim{
				FCOS:       {Is: "NetworkManager", From: fcosIn("manifests/networking-tools.yaml"), Check: active("NetworkManager.service")},
				Flatcar:    {Is: "systemd-networkd, DHCP on all real links", From: flatcarInit("systemd/network/zz-default.network"), Check: active("systemd-networkd.service") + "ls /usr/lib/systemd/network/zz-default.network"},
				Lab:        {Is: "systemd-networkd", From: lab("internal/lab/guestimage/rootfs/etc/systemd/network/80-dhcp.network"), Check: active("systemd-networkd.service")},
				LabFlatcar: {Is: "systemd-networkd, with a file of its own", Check: active("systemd-networkd.service")},
			},
		},
		{
			ID: "network-online", Topic: "Network", Needed: "units of the examples that want network-online.target",
			Claims: everywhere("network-online.target waits for the network manager", "systemctl show -p Wants --value network-online.target | grep wait-online"),
		},
		{
			ID: "resolver", Topic: "Network", Needed: "`discovery=srv:`: etcd asks the servers that /etc/resolv.conf names",
			Claims: map[Distribution]Claim{
				FCOS:    {Is: "systemd-resolved, which /etc/resolv.conf names itself: 127.0.0.53", From: in("coreos/fedora-coreos-config", "182ca12", "tests/kola/networking/resolv/systemd-resolved"), Check: active("systemd-resolved.service") + "grep -x 'nameserver 127.0.0.53' /etc/resolv.conf"},
				Flatcar: {Is: "systemd-resolved; /etc/resolv.conf has the servers that DHCP named", From: in("flatcar/scripts", "8fbee9d", "sdk_container/src/third_party/coreos-overlay/sys-apps/systemd/systemd-257.9.ebuild"), Check: namedByDHCP},
				Lab:     {Is: "systemd-resolved, as on Flatcar", From: lab("root.sh"), Check: namedByDHCP},
			},
		},
		{
			ID: "address", Topic: "Network", OnHost: true, Needed: "`up` knows each node's address",
			Claims: everywhere("the node reports a global address of the card that the host gave it", ""),
		},
		{
			ID: "ready", Topic: "Network", OnHost: true, Needed: "`up` waits for the report of the readiness unit on the virtio channel",
			Claims: everywhere("the node reports itself", ""),
		},
	}
}
