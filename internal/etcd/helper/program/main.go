// Command program is the helper as a program of its own.
package main

import (
	"os"

	"coreos-libvirt/internal/etcd/helper"
)

func main() { os.Exit(helper.Main()) }
