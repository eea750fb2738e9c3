package host

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"coreos-libvirt/internal/testkit/testbed"
)

func TestAllows(t *testing.T) {
	for list, want := range map[string]bool{
		"": false, "allow br0\n": true, "allow all": true, "# allow br0\n": false, "allow br1\n": false,
		"allow br0\ndeny br0\n": false, "deny all\nallow br0\n": false, "allow  br0  \n": true,
	} {
		if Allows(list, "br0") != want {
			t.Errorf("%q: want %t", list, want)
		}
	}
}

func TestBridgeHelper(t *testing.T) {
	const helper, list = "usr/libexec/qemu-bridge-helper", "etc/qemu-kvm/bridge.conf"
	for want, c := range map[string]struct {
		fault bool
		files map[string]string
		mode  os.FileMode
	}{
		"there is no qemu-bridge-helper": {true, map[string]string{list: "allow br0\n"}, 0},
		"is not setuid root":             {true, map[string]string{helper: "", list: "allow br0\n"}, 0o755},
		"has no line `allow br0`":        {true, map[string]string{helper: "", list: "allow br1\n"}, os.ModeSetuid | 0o755},
		"/" + list + " allows br0":       {false, map[string]string{helper: "", list: "allow br0\n"}, os.ModeSetuid | 0o755},
	} {
		root := tree(t, c.files)
		if c.mode != 0 {
			if err := os.Chmod(root.Path(helper), c.mode); err != nil {
				t.Fatal(err)
			}
		}
		found, err := root.BridgeHelper("br0")
		expect(t, c.fault, want, found, err)
	}
}

// TestInGroup has real users: one in no group, one that was made a member since, one with the group's rights.
func TestInGroup(t *testing.T) {
	if !testbed.Inside(t, "nobody") {
		return
	}
	const asked = "/run/asked"
	if _, err := os.Stat(asked); err == nil { // this is the process of the other user
		found, err := InGroup("somegroup")
		if err != nil {
			found = err.Error()
		}
		_, err = Root("/").Device("run/closed", "somegroup")
		t.Logf("<%s> <%v>", found, err)
		return
	}
	found, err := InGroup("somegroup")
	expect(t, false, "root needs none", found, err)
	testbed.Run(t, "sh", "-ec", "groupadd somegroup; useradd somebody; chmod 755 "+os.Args[0]+" $(dirname "+os.Args[0]+") $(dirname $(dirname "+os.Args[0]+")); touch "+asked+"; install -m 600 /dev/null /run/closed")
	as := func(rights ...string) string {
		argv := append([]string{"--reuid=somebody", "--regid=somebody"}, rights...)
		out, err := exec.Command("setpriv", append(argv, os.Args[0], "-test.run=^TestInGroup$", "-test.v")...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	if got := as("--clear-groups"); !strings.Contains(got, "somebody is not in the group somegroup\n") || !strings.Contains(got, "hint: sudo usermod -aG somegroup $USER") {
		t.Errorf("got %s", got)
	}
	if got := as("--clear-groups"); !strings.Contains(got, "/run/closed is not open to this user: permission denied\n") || strings.Count(got, "hint: sudo usermod -aG somegroup $USER && newgrp somegroup>") != 2 {
		t.Errorf("got %s", got)
	}
	testbed.Run(t, "usermod", "-aG", "somegroup", "somebody")
	if got := as("--clear-groups"); !strings.Contains(got, "was not at the last login") || !strings.Contains(got, "hint: newgrp somegroup") {
		t.Errorf("got %s", got)
	}
	if got := as("--init-groups"); !strings.Contains(got, "<somebody is in somegroup>") {
		t.Errorf("got %s", got)
	}
}

func TestDevice(t *testing.T) {
	root := tree(t, map[string]string{"dev/kvm": ""})
	found, err := root.Device("dev/kvm", "kvm")
	expect(t, false, "/dev/kvm is open", found, err)
	found, err = root.Device("dev/kvm2", "kvm")
	expect(t, true, "there is no /dev/kvm2", found, err)
}

func TestForwarding(t *testing.T) {
	if !testbed.Inside(t, "nobody") {
		return
	}
	const root = Root("/")
	testbed.Run(t, "sysctl", "-qw", "net.ipv4.ip_forward=0")
	found, err := root.Forwarding(true)
	expect(t, true, "hint: sudo sysctl -w net.ipv4.ip_forward=1", found, err)
	found, err = root.Forwarding(false)
	expect(t, false, "does not need it", found, err)
	testbed.Run(t, "sysctl", "-qw", "net.ipv4.ip_forward=1")
	found, err = root.Forwarding(true)
	expect(t, false, "on", found, err)
}

func TestConfinement(t *testing.T) {
	const nfs, ext4 = 0x6969, 0xef53
	for want, c := range map[string]struct {
		fault bool
		kind  int64
		files map[string]string
	}{
		"hint: sudo setsebool -P virt_use_nfs on": {true, nfs, map[string]string{"sys/fs/selinux/enforce": "1"}},
		"SELinux, enforcing":                      {false, ext4, map[string]string{"sys/fs/selinux/enforce": "1"}},
		"SELinux, permissive":                     {false, nfs, map[string]string{"sys/fs/selinux/enforce": "0"}},
		"AppArmor: libvirt names":                 {false, nfs, map[string]string{"sys/module/apparmor/parameters/enabled": "Y\n", "usr/sbin/apparmor_parser": ""}},
		"hint: install the package apparmor":      {true, nfs, map[string]string{"sys/module/apparmor/parameters/enabled": "Y\n"}},
		"QEMU is not confined":                    {false, nfs, map[string]string{"sys/module/apparmor/parameters/enabled": "N\n"}},
	} {
		found, err := confinement(tree(t, c.files), "/srv", c.kind)
		expect(t, c.fault, want, found, err)
	}
	armed := tree(t, map[string]string{"sys/module/apparmor/parameters/enabled": "Y\n", "usr/sbin/apparmor_parser": ""})
	for folder, fault := range map[string]bool{"/etc/vm": true, "/usr/lib64/x": true, "/usr/local/src/vm": false, "/var/lib/libvirt/images": false, "/home/x/etc/vm": false} {
		if _, err := confinement(armed, folder, ext4); (err != nil) != fault {
			t.Errorf("%s: got %v", folder, err)
		}
	}
	if found, err := armed.Confinement("/srv/vm", "/usr/share/images"); err == nil || !strings.Contains(err.Error(), "as /usr/share/images is") {
		t.Errorf("got %s, %v", found, err)
	}
	if _, fs, err := statfs("/proc/no/such"); err != nil || fs.Type != unix.PROC_SUPER_MAGIC {
		t.Errorf("got %x, %v", fs.Type, err)
	}
}

func TestClockAndQEMU(t *testing.T) {
	found, err := clock(unix.STA_UNSYNC | unix.STA_NANO)
	expect(t, true, "hint: sudo timedatectl set-ntp true", found, err)
	found, err = clock(unix.STA_NANO)
	expect(t, false, "kept right", found, err)
	found, err = QEMUVersion(2, 3, 0)
	expect(t, true, "does not know -fw_cfg", found, err)
	found, err = QEMUVersion(7, 2, 0)
	expect(t, false, "QEMU 7.2.0", found, err)
	for version, fault := range map[[3]uint32]bool{{5, 10, 0}: true, {6, 4, 9}: true, {6, 5, 0}: false, {7, 0, 0}: false, {11, 0, 0}: false} {
		found, err = LibvirtVersion(version[0], version[1], version[2])
		if want := fmt.Sprintf("libvirt %d.%d.%d", version[0], version[1], version[2]); fault {
			expect(t, true, want+" does not know <sysinfo type='fwcfg'>, 6.5.0 does\nhint: ", found, err)
		} else {
			expect(t, false, want, found, err)
		}
	}
}
