package qcow2

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// diskOf is an image with a GPT of sfdisk's lines, and files in the FAT of its second partition, which begins at 2 MiB.
func diskOf(t *testing.T, table string, files ...string) (path string) {
	t.Helper()
	for _, program := range []string{"sfdisk", "mkfs.vfat", "mcopy"} {
		if _, err := exec.LookPath(program); err != nil && os.Getenv("CI") == "" {
			t.Skip("no " + program)
		}
	}
	path = filepath.Join(t.TempDir(), "an image, & more.qcow2")
	cmd := exec.Command("sh", append([]string{"-ec", `
		truncate -s 100M raw
		printf '%s' "$table" | sfdisk -q raw
		truncate -s 64M fat
		mkfs.vfat -n EFI-SYSTEM fat >&2
		mmd -i fat ::EFI ::EFI/boot ::grub
		dd if=/dev/urandom of=data bs=1M count=8 status=none
		mcopy -i fat data ::grub/grub.mod
		for file; do mcopy -i fat data "::EFI/boot/$file"; done
		dd if=fat of=raw bs=1M seek=2 conv=notrunc status=none
		qemu-img convert -c -O qcow2 raw "$path"`, "sh"}, files...)...)
	cmd.Dir, cmd.Env = t.TempDir(), append(os.Environ(), "table="+table, "path="+path, "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

// The tables are those of Flatcar (flatcar/scripts, build_library/disk_layout.json) and Fedora CoreOS (coreos-assembler,
// src/osbuild-manifests), in small.
func TestArchitecture(t *testing.T) {
	const (
		espOnly = "label: gpt\nstart=2048, size=2048, type=21686148-6449-6E6F-744E-656564454649\nstart=4096, size=131072, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B\n"
		linux   = espOnly + "size=2048, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4\n"
		arm     = espOnly + "size=2048, type=B921B045-1DF0-41C3-AF44-4C6F280D3FAE\n"
		intel   = espOnly + "size=2048, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709\n"
	)
	for name, c := range map[string]struct {
		table string
		files []string
		want  string
	}{
		"x86_64":                    {linux, []string{"bootx64.efi", "grubx64.efi", "mmx64.efi"}, "x86_64"},
		"with a loader for 32 bits": {linux, []string{"BOOTIA32.EFI", "BOOTX64.EFI"}, "x86_64"},
		"aarch64":                   {linux, []string{"bootaa64.efi"}, "aarch64"},
		"by the root's type":        {arm, nil, "aarch64"},
		"by both":                   {intel, []string{"BOOTX64.EFI"}, "x86_64"},
		"for both":                  {linux, []string{"bootaa64.efi", "bootx64.efi"}, ""},
		"they contradict":           {intel, []string{"bootaa64.efi"}, ""},
		"of something else":         {linux, []string{"bootriscv64.efi"}, ""},
		"no EFI system partition":   {"label: gpt\nsize=2048, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4\n", []string{"bootx64.efi"}, ""},
		"no GPT":                    {"label: dos\nsize=2048, type=ef\n", []string{"bootx64.efi"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			path := diskOf(t, c.table, c.files...)
			scratch := filepath.Join(t.TempDir(), "scratch")
			if got, err := Architecture(t.Context(), path, scratch); err != nil || got != c.want {
				t.Errorf("got %q, want %q; %v", got, c.want, err)
			}
			if _, err := os.Stat(scratch); err == nil {
				t.Error("scratch is left")
			}
		})
	}
}

// TestArchitectureOfNothing: what has no partitions tells nothing, and is not refused for that.
func TestArchitectureOfNothing(t *testing.T) {
	for _, size := range []string{"0", "512", "1M"} {
		path := filepath.Join(t.TempDir(), "empty.qcow2")
		if out, err := exec.Command("qemu-img", "create", "-q", "-f", "qcow2", path, size).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if got, err := Architecture(t.Context(), path, filepath.Join(t.TempDir(), "scratch")); err != nil || got != "" {
			t.Errorf("%s: got %q, %v", size, got, err)
		}
	}
}

// FuzzPartitions reads any bytes for a disk's begin: a partition is on the disk.
func FuzzPartitions(f *testing.F) {
	table := make([]byte, tableSize)
	copy(table[block:], "EFI PART")
	for i := 2 * block; i < tableSize; i += 7 {
		table[i] = byte(i)
	}
	f.Add(table, int64(1<<30))
	f.Add(bytes.Repeat([]byte{0xff}, tableSize), int64(0))
	f.Fuzz(func(t *testing.T, disk []byte, size int64) {
		size = max(size, 0)
		for _, p := range partitions(bytes.NewReader(disk), size) {
			if p.from < 0 || p.size <= 0 || p.from+p.size > size {
				t.Errorf("%+v is not on a disk of %d bytes", p, size)
			}
		}
	})
}
