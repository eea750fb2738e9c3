package stream

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"coreos-libvirt/internal/hint"
	"coreos-libvirt/internal/image/download"
)

// boards are Flatcar's names of the architectures.
var boards = map[string]string{"x86_64": "amd64-usr", "aarch64": "arm64-usr"}

// flatcarImage is an internally compressed qcow2, kept as it comes
// (https://www.flatcar.org/docs/latest/installing/vms/libvirt/).
const flatcarImage = "flatcar_production_qemu_image.img"

func (s Source) flatcar(ctx context.Context, name Name, arch string) (Image, error) {
	base := strings.ReplaceAll(s.Flatcar, "{channel}", name.Channel) + "/" + boards[arch] + "/"
	version, err := s.flatcarVersion(ctx, base, name.Version)
	if err != nil {
		return Image{}, err
	}
	base += version + "/"
	digests, err := s.Get(ctx, base+flatcarImage+".DIGESTS", maxDocument)
	if err != nil {
		return Image{}, err
	}
	sum, err := digest(digests, "SHA512", flatcarImage)
	return Image{
		Version: version, URL: base + flatcarImage, Signature: base + flatcarImage + ".sig", Format: "qcow2", SHA512: sum,
	}, err
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

// digest finds a file's digest in a DIGESTS file: sections that begin "# SHA512 HASH", then lines of
// digest and name.
func digest(digests []byte, kind, file string) (string, error) {
	lines := bufio.NewScanner(bytes.NewReader(digests))
	section := ""
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) == 3 && fields[0] == "#" {
			section = fields[1]
		} else if len(fields) == 2 && section == kind && fields[1] == file {
			return strings.ToLower(fields[0]), nil
		}
	}
	return "", fmt.Errorf("the DIGESTS have no %s of %s", kind, file)
}
