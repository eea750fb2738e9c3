package kubernetes

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/lab/guestimage"
)

//go:embed boot.sh
var bootScript string

//go:embed platform.sh
var platformScript []byte

// Image is what machines boot from: a disk image, and the kernel and initramfs that are booted in place of its own.
type Image struct{ Disk, Kernel, Initramfs string }

// Packages are the Debian packages of the host that an image is made with, and machines are booted.
var Packages = []string{"qemu-system-x86", "qemu-utils", "e2fsprogs", "cpio", "gzip", "xorriso"}

// LabImage is the lab's image, which must have been built into the store, as one for KubeVirt: real Ignition with the platform kubevirt.
// A distributor's image says so in its boot loader; here QEMU does, with a kernel and an initramfs that are made once.
func LabImage(ctx context.Context, store string, say func(format string, args ...any)) (Image, error) {
	disk, built := guestimage.Path(store, guestimage.Lab)
	if !built {
		return Image{}, fmt.Errorf("%s has not been built", disk)
	}
	if err := host.EnsurePackages(ctx, Packages, say); err != nil {
		return Image{}, err
	}
	sum := sha256.Sum256([]byte(bootScript + string(platformScript) + disk))
	folder := filepath.Join(store, "lab-parts", "kubevirt-"+hex.EncodeToString(sum[:])[:12])
	image := Image{disk, filepath.Join(folder, "vmlinuz"), filepath.Join(folder, "initramfs")}
	if _, err := os.Stat(folder); err == nil {
		return image, nil
	}
	work, err := os.MkdirTemp(filepath.Dir(folder), ".kubevirt-")
	if err != nil {
		return Image{}, err
	}
	defer func() { _ = os.RemoveAll(work) }()
	if err := os.WriteFile(filepath.Join(work, "platform.sh"), platformScript, 0o600); err != nil {
		return Image{}, err
	}
	cmd := exec.CommandContext(ctx, "bash", "-c", bootScript, "boot", disk, guestimage.RootFS(store))
	cmd.Dir = work
	if out, err := cmd.CombinedOutput(); err != nil {
		return Image{}, fmt.Errorf("kubevirt's kernel and initramfs: %w\n%s", err, out)
	}
	return image, os.Rename(work, folder)
}
