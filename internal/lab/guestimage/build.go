package guestimage

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/upstream"
	"coreos-libvirt/internal/workspace/artifact"
)

// builder is one build: in a folder of its own in the store, with parts kept beside it.
type builder struct {
	ctx    context.Context
	os     string // lab, fcos or flatcar
	dir    string // removed at the end
	parts  string // kept: what takes long and changes seldom
	module string
	say    func(format string, args ...any)
}

const (
	workPattern = "lab-build-"
	parts       = "lab-parts"
)

// rootFS is the name of the part that is the root file system of Debian's packages.
var rootFS = "rootfs-" + digest("rootfs.sh") + ".tar"

// RootFS is the path of the root file system that the image in the store was made from, a tar.
func RootFS(store string) string { return filepath.Join(store, parts, rootFS) }

// Etcd is the path of the etcd that is in the image.
func Etcd(store string) string { return filepath.Join(store, parts, "etcd-"+etcdVersion) }

// bashProgram is the name of the part that is a bash without network redirections.
var bashProgram = "bash-" + digest("bash.sh")

// Bash is the path of the bash without network redirections that is in Flatcar's stand-in.
func Bash(store string) string { return filepath.Join(store, parts, bashProgram) }

// EnsureBash gives the path of the bash without network redirections, and builds it if it is missing.
func EnsureBash(ctx context.Context, store string, say func(string, ...any)) (string, error) {
	if _, err := os.Stat(Bash(store)); err == nil {
		return Bash(store), nil
	}
	err := locked(ctx, store, say, func() error {
		return inFolder(ctx, store, say, func(b builder) error { return b.bash() })
	})
	return Bash(store), err
}

// build makes the image of the name at path, whole or not at all.
func build(ctx context.Context, store, module, name, path string, say func(string, ...any)) error {
	begin := time.Now()
	err := inFolder(ctx, store, say, func(b builder) error {
		b.os, b.module = folder(name), module
		for _, step := range b.steps() {
			if err := step(); err != nil {
				return err
			}
		}
		return publish(filepath.Join(b.dir, "base.qcow2"), path)
	})
	if err == nil {
		say("guest image: built in %.0f s, %s", time.Since(begin).Seconds(), path)
	}
	return err
}

// steps are what makes an image: what all have, and what its system has otherwise.
func (b builder) steps() []func() error {
	steps := []func() error{b.ignition, b.etcd, b.quadlet, b.rootfs}
	switch b.os {
	case "fcos":
		steps = append(steps, b.relabellingIgnition)
	case "flatcar":
		steps = append(steps, b.bash, b.oldEtcd)
	}
	return append(steps, b.disk, b.convert)
}

// inFolder gives do a builder with an empty folder in the store, which is removed at the end.
func inFolder(ctx context.Context, store string, say func(string, ...any), do func(builder) error) error {
	if err := clean(store); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(store, workPattern)
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	b := builder{ctx: ctx, dir: dir, parts: filepath.Join(store, parts), say: say}
	if err := os.MkdirAll(b.parts, 0o755); err != nil {
		return err
	}
	return do(b)
}

// clean removes what a killed build left. The lock tells that no other is at it.
func clean(store string) error {
	left, err := artifact.Matching(store, workPattern+"*")
	if err != nil {
		return err
	}
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

// ignition builds the real Ignition, as Flatcar does: without SELinux' labels (flatcar/scripts,
// coreos-overlay/sys-apps/ignition/ignition-9999.ebuild).
func (b builder) ignition() error {
	return b.buildIgnition("ignition", "ignition-"+upstream.IgnitionVersion, false)
}

// relabellingIgnition builds the real Ignition as Fedora CoreOS does: it calls setfiles for what it writes.
func (b builder) relabellingIgnition() error {
	return b.buildIgnition("ignition-relabel", "ignition-relabel-"+upstream.IgnitionVersion, true)
}

func (b builder) buildIgnition(name, kept string, relabel bool) error {
	return b.part(name, kept, "Ignition "+upstream.IgnitionVersion, func() error {
		const pkg = upstream.IgnitionPackage
		flags := fmt.Sprintf("-s -w -X %s/distro.selinuxRelabel=%t -X %s/version.Raw=%s", pkg, relabel, pkg, upstream.IgnitionVersion[1:])
		return b.program("ignition", pkg, name, flags)
	})
}

func (b builder) bash() error {
	return b.part("bash", bashProgram, "bash without network redirections", func() error { return b.script("bash.sh") })
}

// etcd builds the etcd of go.mod, with the flags of the project's own helper, so that both share
// what is compiled.
func (b builder) etcd() error {
	return b.part("etcd", "etcd-"+etcdVersion, "etcd "+etcdVersion, func() error {
		return b.run([]string{"GOFLAGS=", "CGO_ENABLED=0"}, "go", "-C", b.module, "build", "-trimpath", "-ldflags", "-s -w",
			"-o", filepath.Join(b.dir, "etcd"), "go.etcd.io/etcd/server/v3")
	})
}

// oldEtcd builds the etcd that Flatcar's own unit runs, unless a config says another version.
func (b builder) oldEtcd() error {
	return b.part("old-etcd", "etcd-"+upstream.OldEtcdVersion, "etcd "+upstream.OldEtcdVersion, func() error {
		return b.program("old-etcd", upstream.OldEtcdPackage, "old-etcd", "-s -w", "CGO_ENABLED=0")
	})
}

// quadlet builds Podman's generator of units.
func (b builder) quadlet() error {
	return b.part("quadlet", "quadlet-"+upstream.QuadletVersion, "Podman's Quadlet "+upstream.QuadletVersion, func() error {
		return b.program("quadlet", upstream.QuadletPackage, "quadlet", "-s -w", "CGO_ENABLED=0")
	})
}

// program builds a package as name, in the module that pins every byte that it is built from.
func (b builder) program(module, pkg, name, flags string, env ...string) error {
	dir, err := os.MkdirTemp(b.dir, module)
	if err == nil {
		err = upstream.WriteModule(module, dir)
	}
	if err != nil {
		return err
	}
	return b.run(append(env, "GOFLAGS="), "go", "-C", dir, "build", "-mod=readonly", "-trimpath", "-ldflags", flags, "-o", filepath.Join(b.dir, name), pkg)
}

func (b builder) rootfs() error {
	return b.part("rootfs.tar", rootFS, "root file system of Debian packages", func() error {
		return b.script("rootfs.sh")
	})
}

func (b builder) disk() error {
	b.say("guest image: disk")
	files, err := fs.Sub(recipe, ".")
	if err != nil {
		return err
	}
	if err := os.CopyFS(filepath.Join(b.dir, "files"), files); err != nil {
		return err
	}
	for _, name := range []string{"root.sh", "initramfs.sh", b.diskScript()} {
		if err := b.script(name); err != nil {
			return err
		}
	}
	return installGRUB(filepath.Join(b.dir, "disk.raw"), "/usr/lib/grub/i386-pc/boot.img", filepath.Join(b.dir, "core.img"))
}

// diskScript is the script that makes the disk: that of the system, if it has one.
func (b builder) diskScript() string {
	own := b.os + "/disk.sh"
	if _, err := fs.Stat(recipe, own); err == nil {
		return own
	}
	return "disk.sh"
}

func (b builder) convert() error {
	return b.run(nil, "qemu-img", "convert", "-O", "qcow2", "disk.raw", "base.qcow2")
}

// part puts what make leaves as name in the build's folder, or the copy of it that is kept as kept.
func (b builder) part(name, kept, what string, make func() error) error {
	from, to := filepath.Join(b.parts, kept), filepath.Join(b.dir, name)
	if os.Link(from, to) == nil {
		return nil
	}
	b.say("guest image: %s", what)
	if err := make(); err != nil {
		return err
	}
	unfinished := from + ".new"
	_ = os.Remove(unfinished)
	if err := os.Link(to, unfinished); err != nil {
		return err
	}
	return os.Rename(unfinished, from)
}

// script runs one of the recipe's scripts in the build's folder, for the image's system.
func (b builder) script(name string) error {
	text, err := recipe.ReadFile(name)
	if err != nil {
		return err
	}
	path := filepath.Join(b.dir, filepath.Base(name))
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return err
	}
	return b.run(nil, "bash", path, b.os)
}

// run runs a command in the build's folder; its error has the last lines of what it said.
func (b builder) run(env []string, name string, args ...string) error {
	cmd := exec.CommandContext(b.ctx, name, args...)
	cmd.Dir = b.dir
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return hint.Errorf("a build needs root, the Go module proxy and Debian's packages; run it again",
		"%s: %w\n%s", strings.Join(cmd.Args[:min(3, len(cmd.Args))], " "), err, strings.Join(lines[max(0, len(lines)-15):], "\n"))
}

// publish moves the finished image into place: synced, read-only.
func publish(from, to string) error {
	file, err := os.Open(from)
	if err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	if err := os.Chmod(from, 0o444); err != nil {
		return err
	}
	return os.Rename(from, to)
}
