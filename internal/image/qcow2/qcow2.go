// Package qcow2 is what nodes boot: base images and the overlays on them.
package qcow2

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/bitfield/script"

	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace/artifact"
)

// Info is what an image's header says, in qemu-img's words.
type Info struct {
	Format      string `json:"format"`
	VirtualSize int64  `json:"virtual-size"`          // bytes
	Backing     string `json:"full-backing-filename"` // empty where it stands alone

	Specific struct {
		Data struct {
			DataFile string `json:"data-file"` // another file that has the data; empty where it has them itself
		} `json:"data"`
	} `json:"format-specific"`
}

const gib = 1 << 30

// qemuImg runs qemu-img and gives its standard output; errors carry what it said.
func qemuImg(ctx context.Context, args ...string) (string, error) {
	var complaint strings.Builder
	out, err := script.NewPipe().WithContext(ctx).WithStderr(&complaint).ExecCommand("qemu-img", args...).String()
	if err == nil {
		return out, nil
	}
	if said := strings.TrimSpace(complaint.String()); said != "" {
		return "", fmt.Errorf("qemu-img %s: %s", args[0], said)
	}
	return "", hint.Errorf("is qemu-img installed (Debian: qemu-utils)?", "qemu-img %s: %w", args[0], err)
}

// Inspect reads an image's header, also of one in use.
func Inspect(ctx context.Context, path string) (Info, error) {
	if info, err := inspect(path); err == nil {
		return info, nil
	}
	return ask(ctx, path)
}

// Backing is what the image stands on, also of one in use; empty if that is nothing, or if it is not a qcow2 that can be read.
func Backing(path string) string {
	info, _ := inspect(path)
	return info.Backing
}

// ask has qemu-img inspect the image.
func ask(ctx context.Context, path string) (Info, error) {
	out, err := qemuImg(ctx, "info", "-U", "--output=json", path)
	if err != nil {
		return Info{}, err
	}
	var info Info
	if err := json.Unmarshal([]byte(out), &info); err != nil {
		return Info{}, fmt.Errorf("%s: qemu-img's answer makes no sense: %w", path, err)
	}
	return info, nil
}

// CheckBase makes sure that the file can be a base image: qcow2, standing alone.
func CheckBase(ctx context.Context, path string) (Info, error) {
	if _, err := os.Stat(path); err != nil {
		return Info{}, hint.Errorf("image= takes the path of a qcow2 file", "no base image: %w", err)
	}
	info, err := ask(ctx, path)
	if err != nil {
		return Info{}, hint.Add(err, "image= takes a qcow2 file")
	}
	return info, info.canBeBase(path)
}

// canBeBase is an error if the image at path is no qcow2 image that stands alone.
func (info Info) canBeBase(path string) error {
	if info.Format != "qcow2" {
		return hint.Errorf(fmt.Sprintf("convert it: qemu-img convert -O qcow2 %q base.qcow2", path), "%s is not a qcow2 image but %s", path, info.Format)
	}
	if info.Backing != "" {
		return hint.Errorf(fmt.Sprintf("flatten it: qemu-img convert -O qcow2 %q base.qcow2", path), "%s stands on another image, %s", path, info.Backing)
	}
	if file := info.Specific.Data.DataFile; file != "" {
		return hint.Errorf(fmt.Sprintf("make it one file: qemu-img convert -O qcow2 %q base.qcow2", path), "%s keeps its data in another file, %s", path, file)
	}
	return nil
}

// leastDisk is the GiB of a disk that nobody chose: what Fedora CoreOS is documented to want
// (https://docs.fedoraproject.org/en-US/fedora-coreos/storage/: 8 for the root file system, beside 1 of its own).
const leastDisk = 10

// OverlaySize is how many GiB an overlay on the base image has: wanted, which must be enough, or if that is 0 as many as the
// image itself, but not few. Flatcar's images have 8.49 GiB, and 12.24 from 4593 on.
func OverlaySize(ctx context.Context, base string, wanted int) (int, error) {
	info, err := inspect(base)
	if err == nil {
		err = info.canBeBase(base)
	} else {
		info, err = CheckBase(ctx, base)
	}
	if err != nil {
		return 0, err
	}
	return SizeOn(base, info.VirtualSize, wanted)
}

// SizeOn is OverlaySize on a base image whose disk has that many bytes.
func SizeOn(base string, virtual int64, wanted int) (int, error) {
	least := int((virtual + gib - 1) / gib)
	if wanted == 0 {
		return max(least, leastDisk), nil
	}
	if wanted < least {
		return 0, hint.Errorf(fmt.Sprintf("disk=%d or more, or no disk=", least), "disk=%d is smaller than the base image %s (%d GiB)", wanted, base, least)
	}
	return wanted, nil
}

// Prepare makes the overlay that is to be at path, beside it, of as many GiB as OverlaySize found good. The base is only
// read, and its format is written down, as QEMU must not guess it. What a guest keeps there is for nobody else: libvirt gives
// the file to QEMU's user for as long as the guest runs.
func Prepare(ctx context.Context, path, base string, size int) (prepared string, err error) {
	return prepare(ctx, path, size, "-F", "qcow2", "-b", base)
}

// PrepareEmpty makes an image with nothing in it, which is to be at path, beside it.
func PrepareEmpty(ctx context.Context, path string, size int) (prepared string, err error) {
	return prepare(ctx, path, size)
}

func prepare(ctx context.Context, path string, size int, on ...string) (prepared string, err error) {
	if err := artifact.Folder(filepath.Dir(path)); err != nil {
		return "", err
	}
	if prepared, err = unfinished(path); err != nil {
		return "", err
	}
	args := append([]string{"create", "-q", "-f", "qcow2"}, on...)
	_, err = qemuImg(ctx, append(args, prepared, fmt.Sprintf("%dG", size))...)
	if err == nil {
		err = os.Chmod(prepared, 0o600)
	}
	if err != nil {
		_ = os.Remove(prepared)
		return "", err
	}
	return prepared, nil
}

// Grow gives the image at path that many GiB, if it has less. It must not be in use.
func Grow(ctx context.Context, path string, size int) error {
	info, err := Inspect(ctx, path)
	if err != nil || info.VirtualSize >= int64(size)*gib {
		return err
	}
	_, err = qemuImg(ctx, "resize", "-q", "-f", "qcow2", path, fmt.Sprintf("%dG", size))
	return err
}

const newEnding = ".new"

// unfinished is a name beside path for what is to be there. Others of that kind are removed: of runs that were killed. A
// qemu-img of theirs may still be at its own, so no two have one name.
func unfinished(path string) (string, error) {
	dir, file := filepath.Split(path)
	err := Sweep(dir, func(of string) bool { return of == file })
	name := "." + file + "." + strconv.FormatUint(rand.Uint64(), 36) + newEnding //nolint:gosec // a name, no secret
	return filepath.Join(dir, name), err
}

// Sweep removes the files in dir that Prepare and PrepareEmpty made in runs that were killed, of images such. That there is no such folder
// is not an error.
func Sweep(dir string, such func(image string) bool) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, old := range entries {
		if image := imageOf(old.Name()); image != "" && such(image) {
			err = errors.Join(err, os.Remove(filepath.Join(dir, old.Name())))
		}
	}
	return err
}

// imageOf is the name that an unfinished file is to have; empty if the name is not that of one.
func imageOf(unfinished string) string {
	rest, is := strings.CutSuffix(strings.TrimPrefix(unfinished, "."), newEnding)
	mark := strings.LastIndexByte(rest, '.')
	if !is || mark < 0 || unfinished[0] != '.' {
		return ""
	}
	return rest[:mark]
}

// Pristine reports whether no guest has ever written to the overlay: none of its clusters is allocated.
// The overlay must not be in use.
func Pristine(ctx context.Context, path string) (bool, error) {
	if none, err := pristine(path); err == nil {
		return none, nil
	}
	return count(ctx, path)
}

// count has qemu-img count the overlay's clusters.
func count(ctx context.Context, path string) (none bool, err error) {
	out, err := qemuImg(ctx, "check", "-U", "--output=json", path)
	if err != nil {
		return false, err
	}
	var check struct {
		Allocated int64 `json:"allocated-clusters"`
	}
	if err := json.Unmarshal([]byte(out), &check); err != nil {
		return false, fmt.Errorf("%s: qemu-img's answer makes no sense: %w", path, err)
	}
	return check.Allocated == 0, nil
}
