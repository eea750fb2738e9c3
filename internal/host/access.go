package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"coreos-libvirt/internal/hint"
)

// QEMUUser is whom libvirt runs QEMU as: what qemu.conf says, or the distribution's own user.
func (r Root) QEMUUser() string {
	for line := range strings.Lines(r.read("etc/libvirt/qemu.conf")) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && strings.TrimSpace(key) == "user" {
			return strings.TrimPrefix(strings.Trim(strings.TrimSpace(value), `"`), "+")
		}
	}
	for _, name := range []string{"libvirt-qemu", "qemu"} { // Debian's, everybody else's
		if _, err := user.Lookup(name); err == nil {
			return name
		}
	}
	return "root"
}

// Reaches makes sure that the user can get to the folder: that each folder above it, and itself, lets the
// user through. Files in it are labelled and given to QEMU's user by libvirt.
func Reaches(name, folder string) (string, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return "", hint.Errorf("is libvirt's QEMU driver installed?", "there is no user %s: %w", name, err)
	}
	if u.Uid == "0" {
		return "QEMU is root", nil
	}
	groups, err := u.GroupIds()
	if err != nil {
		return "", err
	}
	for _, step := range above(folder) {
		info, err := os.Stat(step)
		if errors.Is(err, fs.ErrNotExist) {
			break // made later, open
		}
		if err != nil {
			return "", fmt.Errorf("cannot look at %s: %w", step, err)
		}
		if !passes(info, u.Uid, groups) && !hasACL(step) {
			return "", hint.Errorf(fmt.Sprintf("setfacl -m u:%s:x %s", name, step), "QEMU's user %s is not let through %s, to %s", name, step, folder)
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

// passes tells whether the mode lets the user through, by owner, group or others, the first that fits.
func passes(info fs.FileInfo, uid string, groups []string) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return true
	}
	mode := info.Mode().Perm()
	switch {
	case strconv.Itoa(int(stat.Uid)) == uid:
		return mode&0o100 != 0
	case slices.Contains(groups, strconv.Itoa(int(stat.Gid))):
		return mode&0o010 != 0
	}
	return mode&0o001 != 0
}

// hasACL tells whether the folder has an access list of its own, which may let more through than the mode
// shows (acl(5)).
func hasACL(folder string) bool {
	size, err := syscall.Getxattr(folder, "system.posix_acl_access", nil)
	return err == nil && size > 0
}
