package host

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"coreos-libvirt/internal/terminal/hint"
)

// Forwarding makes sure that the kernel routes between networks, which a libvirt network's NAT needs.
// A bridge does not: its frames are not routed.
func (r Root) Forwarding(routed bool) (string, error) {
	on := r.Read("proc/sys/net/ipv4/ip_forward") == "1"
	switch {
	case on:
		return "on", nil
	case !routed:
		return "off, and a bridge does not need it", nil
	}
	return "", hint.Errorf("sudo sysctl -w net.ipv4.ip_forward=1", "net.ipv4.ip_forward is 0: the nodes do not get out of libvirt's network")
}

// unlabelled are file systems whose files SELinux cannot label one by one (statfs(2)), and what lets QEMU
// use them nevertheless.
var unlabelled = map[int64]string{0x6969: "virt_use_nfs", 0xff534d42: "virt_use_samba", 0x65735546: "virt_use_fusefs"}

// refused are where virt-aa-helper, which makes libvirt's AppArmor profiles, lets no guest have a file
// (libvirt's src/security/virt-aa-helper.c, valid_path).
var refused = []string{
	"/bin/", "/boot/", "/etc/", "/lib", "/lost+found/", "/proc/", "/sbin/", "/selinux/", "/sys/", "/usr/bin/", "/usr/lib", "/usr/sbin/", "/usr/share/",
	"/usr/local/bin/", "/usr/local/etc/", "/usr/local/lib", "/usr/local/sbin/",
}

// Confinement makes sure that what confines QEMU lets it have the folders' files. libvirt labels them for
// SELinux, and names them in a profile of AppArmor's, if that is possible.
func (r Root) Confinement(folders ...string) (found string, err error) {
	for _, folder := range folders {
		_, fs, err := statfs(folder)
		if err != nil {
			return "", err
		}
		if found, err = confinement(r, folder, fs.Type); err != nil {
			return "", err
		}
	}
	return found, nil
}

func confinement(r Root, folder string, kind int64) (string, error) {
	enforcing := r.Read("sys/fs/selinux/enforce")
	setting := unlabelled[kind]
	switch {
	case enforcing == "1" && setting != "":
		return "", hint.Errorf("sudo setsebool -P "+setting+" on", "SELinux does not let QEMU read %s: that file system has no labels", folder)
	case enforcing == "1":
		return "SELinux, enforcing: libvirt labels the nodes' files", nil
	case enforcing == "0":
		return "SELinux, permissive", nil
	case r.Read("sys/module/apparmor/parameters/enabled") == "Y":
		return appArmor(r, folder)
	}
	return "QEMU is not confined", nil
}

// appArmor makes sure that libvirt can make profiles, with the folder's files in them.
func appArmor(r Root, folder string) (string, error) {
	if i := slices.IndexFunc(refused, func(prefix string) bool { return strings.HasPrefix(folder+"/", prefix) }); i >= 0 {
		return "", hint.Errorf("work in /srv or a home directory, and name a store= there", "libvirt's AppArmor lets QEMU have no file below %s, as %s is", refused[i], folder)
	}
	if absent(r.Path("usr/sbin/apparmor_parser")) && absent(r.Path("sbin/apparmor_parser")) && absent(r.Path("usr/bin/apparmor_parser")) {
		return "", hint.Errorf("install the package apparmor", "AppArmor is on, and libvirt has no apparmor_parser to load its profiles with")
	}
	return "AppArmor: libvirt names the nodes' files in their profiles", nil
}

// Clock makes sure that something keeps the clock right: nodes begin with the host's time, and certificates,
// tokens and signatures are dated.
func Clock() (string, error) {
	var t unix.Timex
	if _, err := unix.Adjtimex(&t); err != nil {
		return "", fmt.Errorf("cannot read the clock's state: %w", err)
	}
	return clock(t.Status)
}

func clock(status int32) (string, error) {
	if status&unix.STA_UNSYNC != 0 {
		return "", Warn(hint.Errorf("sudo timedatectl set-ntp true", "nothing keeps the clock right"))
	}
	return "kept right", nil
}

// QEMUVersion makes sure of a QEMU that hands a node its Ignition document: from 2.4 on it knows -fw_cfg.
func QEMUVersion(major, minor, release uint32) (string, error) {
	version := fmt.Sprintf("QEMU %d.%d.%d", major, minor, release)
	if major < 2 || major == 2 && minor < 4 {
		return "", hint.Errorf("use a newer distribution", "%s does not know -fw_cfg, 2.4 does", version)
	}
	return version, nil
}

// LibvirtVersion makes sure of a libvirt that knows the element for that: from 6.5.0 on, its news says.
func LibvirtVersion(major, minor, release uint32) (string, error) {
	version := fmt.Sprintf("libvirt %d.%d.%d", major, minor, release)
	if major < 6 || major == 6 && minor < 5 {
		return "", hint.Errorf("use a newer distribution", "%s does not know <sysinfo type='fwcfg'>, 6.5.0 does", version)
	}
	return version, nil
}
