// Package guestimage builds the lab's guest image: a disk that boots as Fedora CoreOS does (SeaBIOS,
// GRUB, kernel, the real Ignition on the first boot only, systemd, sshd, DHCP), from Debian packages
// and the current Ignition and etcd, where no CoreOS image can be downloaded.
package guestimage

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace/artifact"
)

// What the image is made from.
const (
	ignitionVersion = "v2.27.0"
	etcdVersion     = "v3.6.16" // as in go.mod
	quadletVersion  = "v5.6.2"  // of Podman: Debian 12's own is older than Quadlets
)

// Packages are the Debian packages of the host that a build needs.
var Packages = []string{
	"mmdebstrap", "e2fsprogs", "fdisk", "grub-pc-bin", "grub-common", "qemu-utils", "cpio", "gzip",
	"gcc", "libc6-dev", "libblkid-dev", "ca-certificates",
}

//go:embed rootfs.sh disk.sh init udhcpc-script in-root all:rootfs
var recipe embed.FS

// Path is where Ensure puts the image, <store>/lab-<digest of its recipe>.qcow2, and whether it is there.
func Path(store string) (path string, built bool) {
	path = filepath.Join(store, "lab-"+digest(".")+".qcow2")
	_, err := os.Stat(path)
	return path, err == nil
}

// Ensure gives the path of the image in the store, and builds it where it lacks, which takes some
// minutes; say gets a line a stage. module is the folder of go.mod, whose etcd goes into the image.
func Ensure(ctx context.Context, store, module string, say func(format string, args ...any)) (string, error) {
	path, built := Path(store)
	if built {
		return path, nil
	}
	if os.Getuid() != 0 {
		return "", hint.Errorf(host.Sudo("mage fetch image=lab store="+store), "the lab's guest image is made as root")
	}
	unlock, err := artifact.Lock(ctx, filepath.Join(store, ".lab-image.lock"), func() { say("guest image: another run builds it") })
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, built := Path(store); built {
		return path, nil
	}
	if err := build(ctx, store, module, path, say); err != nil {
		return "", fmt.Errorf("guest image: %w", err)
	}
	return path, nil
}

// digest is of the recipe's files below root and of the versions: twelve hex digits.
func digest(root string) string {
	sum := sha256.New()
	fmt.Fprintln(sum, ignitionVersion, etcdVersion, quadletVersion)
	err := fs.WalkDir(recipe, root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := recipe.ReadFile(path)
		fmt.Fprintln(sum, path, len(data))
		sum.Write(data)
		return err
	})
	if err != nil {
		panic(err) // the files are part of this program
	}
	return hex.EncodeToString(sum.Sum(nil))[:12]
}
