package stream

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"coreos-libvirt/internal/image/download"
	"coreos-libvirt/internal/terminal/hint"
)

// boards are Flatcar's names of the architectures.
var boards = map[string]string{"x86_64": "amd64-usr", "aarch64": "arm64-usr"}

// flatcarFiles are the names of the image, an internally compressed qcow2 that is kept as it comes
// (https://www.flatcar.org/docs/latest/installing/vms/libvirt/). Since April 2024 the first is a link to the second, and
// only amd64 has it; before that there were two images, and the first is the one that BIOS boots
// (flatcar/scripts, build_library/vm_image_util.sh, write_vm_disk).
var flatcarFiles = []string{"flatcar_production_qemu_image.img", "flatcar_production_qemu_uefi_image.img"}

func (s Source) flatcar(ctx context.Context, name Name, arch string) (Image, error) {
	base := s.flatcarBoard(name, arch)
	version, err := s.flatcarVersion(ctx, base, name.Version)
	if err != nil {
		return Image{}, err
	}
	base += version + "/"
	file, digests, err := s.flatcarFile(ctx, base, arch)
	if err != nil {
		return Image{}, err
	}
	sum, err := digest(digests, "SHA512", file, flatcarFiles...)
	return Image{
		Version: version, URL: base + file, Signature: base + file + ".sig", Format: "qcow2", SHA512: sum,
	}, err
}

// flatcarBoard is the folder of the channel's versions for the architecture.
func (s Source) flatcarBoard(name Name, arch string) string {
	return strings.ReplaceAll(s.Flatcar, "{channel}", name.Channel) + "/" + boards[arch] + "/"
}

// flatcarFile is the name by which the folder has the image, and its digests. arm64 is asked for by the surest first.
func (s Source) flatcarFile(ctx context.Context, base, arch string) (file string, digests []byte, err error) {
	files := slices.Clone(flatcarFiles)
	if arch == "aarch64" {
		slices.Reverse(files)
	}
	missing := []error{}
	for _, file := range files {
		digests, err := s.Get(ctx, base+file+".DIGESTS", maxDocument)
		var status *download.StatusError
		if !errors.As(err, &status) || status.Code != http.StatusNotFound {
			return file, digests, err
		}
		missing = append(missing, err)
	}
	return "", nil, errors.Join(missing...)
}

// flatcarVersion is what the channel is at, or the named version where that was released.
func (s Source) flatcarVersion(ctx context.Context, base, named string) (string, error) {
	folder := "current"
	if named != "" {
		folder = named
	}
	text, err := s.Get(ctx, base+folder+"/version.txt", maxDocument)
	var status *download.StatusError
	if named != "" && errors.As(err, &status) && status.Code == http.StatusNotFound {
		return "", hint.Errorf("https://www.flatcar.org/releases has them", "there was no release %s: %w", named, err)
	}
	if err != nil {
		return "", err
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		if version, ok := strings.CutPrefix(lines.Text(), "FLATCAR_VERSION="); ok && (named == "" || version == named) {
			return version, nil
		}
	}
	return "", fmt.Errorf("%sversion.txt names no FLATCAR_VERSION %s", base+folder+"/", named)
}

// digest finds the image's digest in the DIGESTS of the file: sections that begin "# SHA512 HASH", then lines of digest
// and name. Names that stand for the same file may stand there in its place.
func digest(digests []byte, kind, file string, or ...string) (string, error) {
	lines := bufio.NewScanner(bytes.NewReader(digests))
	section, sums := "", map[string]string{}
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) == 3 && fields[0] == "#" {
			section = fields[1]
		} else if len(fields) == 2 && section == kind {
			sums[fields[1]] = strings.ToLower(fields[0])
		}
	}
	for _, name := range append([]string{file}, or...) {
		if sum := sums[name]; sum != "" {
			return sum, nil
		}
	}
	return "", fmt.Errorf("the DIGESTS have no %s of %s", kind, file)
}
