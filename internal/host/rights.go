package host

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"coreos-libvirt/internal/terminal/hint"
)

// Member reports whether the databases have the user in the group.
func Member(name, group string) bool {
	u, err := user.Lookup(name)
	if err != nil {
		return false
	}
	g, err := user.LookupGroup(group)
	if err != nil {
		return false
	}
	ids, err := u.GroupIds()
	return err == nil && slices.Contains(ids, g.Gid)
}

// InGroup makes sure that this process has the group's rights. Who was made a member has them from the next
// login on.
func InGroup(group string) (string, error) {
	me, err := user.Current()
	if err != nil {
		return "", fmt.Errorf("cannot find out which user this is: %w", err)
	}
	if me.Uid == "0" {
		return "root needs none", nil
	}
	g, err := user.LookupGroup(group)
	if err != nil {
		return "", hint.Errorf(Sudo("mage host:setup apply=true"), "there is no group %s: libvirt is not installed", group)
	}
	mine, err := os.Getgroups()
	if gid, _ := strconv.Atoi(g.Gid); err == nil && (slices.Contains(mine, gid) || me.Gid == g.Gid) {
		return me.Username + " is in " + group, nil
	}
	if Member(me.Username, group) {
		return "", hint.Errorf("newgrp "+group, "%s is in the group %s, but was not at the last login", me.Username, group)
	}
	return "", hint.Errorf("sudo usermod -aG "+group+" $USER && newgrp "+group, "%s is not in the group %s", me.Username, group)
}

// Sudo is the command as root. sudo has a PATH of its own, where neither mage nor go may be.
func Sudo(command string) string { return `sudo env PATH="$PATH" ` + command }

// Device makes sure that this process may read and write the device.
func (r Root) Device(path, group string) (string, error) {
	err := unix.Access(r.Path(path), unix.R_OK|unix.W_OK)
	switch {
	case err == nil:
		return "/" + path + " is open to this user", nil
	case errors.Is(err, fs.ErrNotExist):
		return "", hint.Errorf("accel=tcg emulates, slowly but without it", "there is no /%s", path)
	}
	return "", hint.Errorf("sudo usermod -aG "+group+" $USER && newgrp "+group, "/%s is not open to this user: %w", path, err)
}

// helpers are the places of QEMU's program that plugs a plain user's guest in a bridge: Debian and Arch, Fedora
// and CentOS, openSUSE. lists are those of its access lists.
var (
	helpers = []string{"usr/lib/qemu/qemu-bridge-helper", "usr/libexec/qemu-bridge-helper", "usr/lib/qemu-bridge-helper"}
	lists   = []string{"etc/qemu/bridge.conf", "etc/qemu-kvm/bridge.conf"}
)

// BridgeHelper makes sure that a plain user's QEMU gets a port of the bridge: by a program that runs as root,
// whose access list names the bridge.
func (r Root) BridgeHelper(bridge string) (string, error) {
	advice := Sudo("mage host:setup uri=qemu:///session bridge=" + bridge + " apply=true")
	i := slices.IndexFunc(helpers, func(path string) bool { _, err := os.Stat(r.Path(path)); return err == nil })
	if i < 0 {
		return "", hint.Errorf(advice, "there is no qemu-bridge-helper: a plain user's nodes cannot be plugged in %s", bridge)
	}
	info, err := os.Stat(r.Path(helpers[i]))
	if err != nil || info.Mode()&fs.ModeSetuid == 0 {
		return "", hint.Errorf(advice, "/%s is not setuid root: a plain user's nodes cannot be plugged in %s", helpers[i], bridge)
	}
	for _, path := range lists {
		if Allows(r.Read(path), bridge) {
			return fmt.Sprintf("/%s allows %s", path, bridge), nil
		}
	}
	return "", hint.Errorf(advice, "/%s has no line `allow %s`", lists[0], bridge)
}

// Allows reports whether QEMU's access list lets everybody use the bridge.
func Allows(list, bridge string) bool {
	allowed := false
	for lines := bufio.NewScanner(strings.NewReader(list)); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) != 2 || words[1] != bridge && words[1] != "all" {
			continue
		}
		switch words[0] {
		case "deny":
			return false
		case "allow":
			allowed = true
		}
	}
	return allowed
}
