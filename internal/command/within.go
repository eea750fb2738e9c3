//go:build program

package command

import (
	"os"

	"coreos-libvirt/internal/etcd/helper"
	"coreos-libvirt/internal/etcd/wire"
)

// Helper is the etcd helper, if that is what this process was started as, and then its exit status.
func Helper() (status int, is bool) {
	if len(os.Args) != 2 || os.Args[1] != wire.Helper {
		return 0, false
	}
	return helper.Main(), true
}
