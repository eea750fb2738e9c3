package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"coreos-libvirt/internal/terminal/hint"
)

// QEMUUser is whom libvirt runs QEMU as: what qemu.conf says, or the distribution's own user.
func (r Root) QEMUUser() string {
	for line := range strings.Lines(r.Read("etc/libvirt/qemu.conf")) {
		if found := qemuUser.FindStringSubmatch(line); found != nil {
			return found[1]
		}
	}
	for _, name := range []string{"libvirt-qemu", "qemu"} { // Debian's, everybody else's
		if _, err := user.Lookup(name); err == nil {
			return name
		}
	}
	return "root"
}

// qemuUser is qemu.conf's line for it: a name, or with a plus sign or without a number.
var qemuUser = regexp.MustCompile(`^\s*user\s*=\s*"\+?([^"]+)"`)

// lookup is the user of that name, or number, which need not be in the databases.
func lookup(name string) (u *user.User, groups []string, err error) {
	u, err = user.Lookup(name)
	if _, number := strconv.ParseUint(name, 10, 32); err != nil && number == nil {
		if u, err = user.LookupId(name); err != nil {
			return &user.User{Uid: name, Username: name}, nil, nil
		}
	}
	if err != nil {
		return nil, nil, hint.Errorf("is libvirt's QEMU driver installed?", "there is no user %s: %w", name, err)
	}
	groups, err = u.GroupIds()
	return u, groups, err
}

// Reaches makes sure that the user can get to the folder: that each folder above it, and itself, lets the
// user through. Files in it are labelled and given to QEMU's user by libvirt.
func Reaches(name, folder string) (string, error) {
	u, groups, err := lookup(name)
	if err != nil {
		return "", err
	}
	if u.Uid == "0" {
		return "QEMU is root", nil
	}
	for _, step := range above(folder) {
		info, err := os.Stat(step)
		if errors.Is(err, fs.ErrNotExist) {
			break // made later, open
		}
		if err != nil {
			return "", fmt.Errorf("cannot look at %s: %w", step, err)
		}
		if !passes(info, acl(step), u.Uid, groups) {
			return "", hint.Errorf(fmt.Sprintf("sudo setfacl -m u:%s:x %s", name, step), "QEMU's user %s is not let through %s, to %s", name, step, folder)
		}
	}
	return fmt.Sprintf("%s, by %s", folder, name), nil
}

// above are the folder and all above it, from the root.
func above(folder string) []string {
	all := []string{}
	for at := folder; ; at = filepath.Dir(at) {
		all = append(all, at)
		if at == filepath.Dir(at) {
			break
		}
	}
	slices.Reverse(all)
	return all
}

// passes reports whether the folder lets the user through, by owner, its access list, group or others, the first that
// fits. Where there is a list, the mode's group is the list's mask.
func passes(info fs.FileInfo, list []aclEntry, uid string, groups []string) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return true
	}
	mode := info.Mode().Perm()
	if strconv.Itoa(int(stat.Uid)) == uid {
		return mode&0o100 != 0
	}
	if mode&0o070 == 0 {
		list = nil // the kernel does not look at a list whose mask is empty (fs/namei.c, acl_permission_check)
	}
	if ruled, through := lets(list, uid, groups, stat.Gid); ruled {
		return through
	}
	if list == nil && slices.Contains(groups, strconv.Itoa(int(stat.Gid))) {
		return mode&0o010 != 0
	}
	return mode&0o001 != 0
}
