package workspace

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"coreos-libvirt/internal/terminal/hint"
)

// What no path of a workspace may have: OpenSSH's options know no way to write it (ssh_config(5), TOKENS and ENVIRONMENT
// VARIABLES; escapes in quotes are newer than 8.6), or libvirt's QEMU driver hands the path of the Ignition document to -fw_cfg
// with what XML escapes still escaped, and commas as they are.
var (
	notForSSH  = []string{`"`, `\`, "${"}
	notForQEMU = []string{",", "'", "&", "<", ">"}
)

// CheckPath is an error if the path is one of a workspace from which nodes cannot be booted, or not be reached. qemu reports whether
// QEMU boots them.
func CheckPath(path string, qemu bool) error {
	no := notForSSH
	if qemu {
		no = append(no[:len(no):len(no)], notForQEMU...)
	}
	for _, word := range no {
		if strings.Contains(path, word) {
			return refused(path, word)
		}
	}
	if i := strings.IndexFunc(path, unicode.IsControl); i >= 0 || !utf8.ValidString(path) {
		return refused(fmt.Sprintf("%q", path), "a control character or a byte that is not UTF-8")
	}
	return nil
}

func refused(path, what string) error {
	return hint.Errorf("mv the folder to a path without it", "nodes cannot be booted from a workspace with %s in its path: %s", what, path)
}
