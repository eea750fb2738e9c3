package host

import (
	"encoding/binary"
	"slices"
	"strconv"
	"syscall"
)

// aclEntry is an entry of an access list as the kernel has it in the attribute system.posix_acl_access, behind four
// bytes of version (linux/posix_acl_xattr.h).
type aclEntry struct {
	tag, perm uint16
	id        uint32
}

// Tags of entries, and the right to pass through a folder (linux/posix_acl.h).
const (
	aclOwner, aclUser, aclGroupOwner, aclGroup, aclMask = 0x01, 0x02, 0x04, 0x08, 0x10

	aclThrough uint16 = 1
)

// acl is the folder's access list; nil where it has none and the mode says all.
func acl(folder string) []aclEntry {
	const header, each, most = 4, 8, 64 << 10
	data := make([]byte, most)
	n, err := syscall.Getxattr(folder, "system.posix_acl_access", data)
	if err != nil || n < header {
		return nil
	}
	entries := []aclEntry{}
	for at := data[header:n]; len(at) >= each; at = at[each:] {
		entries = append(entries, aclEntry{binary.LittleEndian.Uint16(at), binary.LittleEndian.Uint16(at[2:]), binary.LittleEndian.Uint32(at[4:])})
	}
	return entries
}

// lets reports whether the list lets the user through who is neither the folder's owner nor, by the mode's word, one of
// others: by an entry for the user or for one of the groups, as far as the mask goes (acl(5), "access check algorithm").
// ruled reports whether such an entry is there: then others' rights do not count.
func lets(list []aclEntry, uid string, groups []string, owner uint32) (ruled, through bool) {
	mask := aclThrough
	if i := slices.IndexFunc(list, func(e aclEntry) bool { return e.tag == aclMask }); i >= 0 {
		mask = list[i].perm
	}
	for _, e := range list {
		if e.tag == aclUser && strconv.Itoa(int(e.id)) == uid {
			return true, e.perm&mask&aclThrough != 0
		}
	}
	for _, e := range list {
		if e.tag == aclGroupOwner {
			e.id = owner
		}
		if (e.tag == aclGroup || e.tag == aclGroupOwner) && slices.Contains(groups, strconv.Itoa(int(e.id))) {
			ruled, through = true, through || e.perm&mask&aclThrough != 0
		}
	}
	return ruled, through
}
