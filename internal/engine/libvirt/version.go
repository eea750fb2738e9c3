//go:build cgo && libvirt_dlopen

package libvirt

import (
	"fmt"

	"libvirt.org/go/libvirt"
)

// Library is the version of libvirt.so on this host, or empty if there is none
// (https://libvirt.org/html/libvirt-libvirt-host.html#virGetVersion).
func Library() string {
	version, err := libvirt.GetVersion()
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%d.%d.%d", version/1_000_000, version/1_000%1_000, version%1_000)
}
