// Package guestimage builds the lab's guest images, for machines where CoreOS images cannot be downloaded: disks that boot as a CoreOS
// does (firmware, GRUB, kernel, the real Ignition on the first boot only, systemd, sshd, DHCP), from Debian packages and
// the current Ignition and etcd. There are three: the quickest, and a stand-in for each distribution.
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
	"regexp"
	"slices"
	"strings"

	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/upstream"
	"coreos-libvirt/internal/workspace/artifact"
)

// The images' names, as image= takes them.
const (
	Lab     = "lab"         // the quickest
	FCOS    = "lab-fcos"    // as Fedora CoreOS is
	Flatcar = "lab-flatcar" // as Flatcar is
)

// Names are all images' names.
var Names = []string{Lab, FCOS, Flatcar}

// What the images are made from.
const etcdVersion = "v3.6.16" // as in go.mod

// Packages are the Debian packages of the host that a build needs.
var Packages = []string{
	"mmdebstrap", "e2fsprogs", "fdisk", "grub-pc-bin", "grub-efi-amd64-bin", "grub-common", "mtools", "qemu-utils", "cpio", "gzip",
	"gcc", "libc6-dev", "make", "binutils", "libblkid-dev", "ca-certificates",
}

//go:embed *.sh init udhcpc-script in-root all:rootfs all:fcos all:flatcar
var recipe embed.FS

// OS is the system that the image is taken for: Lab's reads Ignition as Fedora CoreOS does.
func OS(name string) string {
	if name == Flatcar {
		return "flatcar"
	}
	return "fcos"
}

// folder is that of the recipe where the image's differences are: lab has none.
func folder(name string) string { return strings.TrimPrefix(name, "lab-") }

// Path is where Ensure puts the image of the name, <store>/<name>-<digest of its recipe>.qcow2, and whether it is there.
func Path(store, name string) (path string, built bool) {
	path = filepath.Join(store, name+"-"+imageDigest(name)+".qcow2")
	_, err := os.Stat(path)
	return path, err == nil
}

// fileName is what Path makes, of any version of the recipe.
var fileName = regexp.MustCompile(`^(lab|lab-fcos|lab-flatcar)-[0-9a-f]{12}\.qcow2$`)

// NameOf is the name of the image whose file this is, or empty.
func NameOf(path string) string {
	if found := fileName.FindStringSubmatch(filepath.Base(path)); found != nil {
		return found[1]
	}
	return ""
}

// Ensure gives the path of the image of the name in the store, and builds it if it is missing, which takes some
// minutes; say gets a line a stage. module is the folder of go.mod, whose etcd goes into the image.
func Ensure(ctx context.Context, store, module, name string, say func(format string, args ...any)) (string, error) {
	path, built := Path(store, name)
	if built {
		return path, nil
	}
	if os.Getuid() != 0 {
		return "", hint.Errorf(host.Sudo("mage fetch image="+name+" store="+store), "the lab's guest image is made as root")
	}
	err := locked(ctx, store, say, func() error {
		if _, built := Path(store, name); built {
			return nil
		}
		return build(ctx, store, module, name, path, say)
	})
	if err != nil {
		return "", fmt.Errorf("guest image: %w", err)
	}
	return path, nil
}

// locked does what only one run at a time may do in the store.
func locked(ctx context.Context, store string, say func(string, ...any), do func() error) error {
	unlock, err := artifact.Lock(ctx, filepath.Join(store, ".lab-image.lock"), func() { say("guest image: another run builds it") })
	if err != nil {
		return err
	}
	defer unlock()
	return do()
}

// imageDigest is of all that the image of the name is made from: what all images are, and its own differences.
func imageDigest(name string) string {
	roots := []string{}
	entries, err := recipe.ReadDir(".")
	if err != nil {
		panic(err) // the files are part of this program
	}
	for _, entry := range entries {
		other := slices.ContainsFunc(Names, func(n string) bool { return n != name && folder(n) == entry.Name() })
		if !other {
			roots = append(roots, entry.Name())
		}
	}
	return digest(roots...)
}

// digest is of the recipe's files below roots and of the versions: twelve hex digits.
func digest(roots ...string) string {
	sum := sha256.New()
	fmt.Fprintln(sum, upstream.IgnitionVersion, etcdVersion, upstream.QuadletVersion, upstream.OldEtcdVersion)
	for _, root := range roots {
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
	}
	return hex.EncodeToString(sum.Sum(nil))[:12]
}
