//go:build mage && program

package main

import (
	"os"

	"coreos-libvirt/internal/etcd/helper"
	"coreos-libvirt/internal/etcd/wire"
)

// init is the etcd helper's whole program, before any other init of this one looks at the command line: the file's name is the first.
func init() {
	if len(os.Args) == 2 && os.Args[1] == wire.Helper {
		os.Exit(helper.Main())
	}
}
