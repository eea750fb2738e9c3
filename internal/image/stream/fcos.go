package stream

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/coreos/stream-metadata-go/release"
	"github.com/coreos/stream-metadata-go/stream"

	"coreos-libvirt/internal/terminal/hint"
)

// latestFCOS reads the stream document (https://docs.fedoraproject.org/en-US/fedora-coreos/stream-metadata/).
func (s Source) latestFCOS(ctx context.Context, name Name, arch string) (Image, error) {
	var doc stream.Stream
	if err := s.document(ctx, s.FCOS+"/streams/"+name.Channel+".json", &doc); err != nil {
		return Image{}, err
	}
	there, ok := doc.Architectures[arch]
	if !ok {
		return Image{}, noArch(arch, slices.Sorted(maps.Keys(doc.Architectures)))
	}
	qemu := there.Artifacts["qemu"]
	format, disk := pick(qemu.Formats)
	if disk == nil {
		return Image{}, fmt.Errorf("%s has no qcow2 image for QEMU", qemu.Release)
	}
	return Image{
		Version: qemu.Release, URL: s.mirrored(disk.Location), Signature: s.mirrored(disk.Signature), Format: format,
		SHA256: strings.ToLower(disk.Sha256), UnpackedSHA256: strings.ToLower(disk.UncompressedSha256),
	}, s.encrypted(disk.Location, disk.Signature)
}

// mirrored is a location in the document, which names Fedora's own server, on the server that is asked.
func (s Source) mirrored(location string) string {
	if path, ok := strings.CutPrefix(location, FCOSServer+"/"); ok {
		return s.FCOS + "/" + path
	}
	return location
}

// encrypted refuses locations without encryption, if the document itself came with it.
func (s Source) encrypted(locations ...string) error {
	for _, location := range locations {
		if strings.HasPrefix(s.FCOS, "https:") && !strings.HasPrefix(location, "https:") {
			return fmt.Errorf("the distributor's metadata name a location without encryption: %s", location)
		}
	}
	return nil
}

// pick chooses the one qcow2 among the formats.
func pick(formats map[string]stream.ImageFormat) (string, *stream.Artifact) {
	for _, format := range slices.Sorted(maps.Keys(formats)) {
		if strings.HasPrefix(format, "qcow2") && formats[format].Disk != nil {
			return format, formats[format].Disk
		}
	}
	return "", nil
}

// build is what coreos-assembler's meta.json has of a build
// (https://github.com/coreos/coreos-assembler/blob/main/src/v1.json).
type build struct {
	Images map[string]struct {
		Path           string `json:"path"`
		SHA256         string `json:"sha256"`
		UnpackedSHA256 string `json:"uncompressed-sha256"`
		UnpackedSize   int64  `json:"uncompressed-size"`
	} `json:"images"`
}

// namedFCOS reads the stream's index of releases and the build's own metadata.
func (s Source) namedFCOS(ctx context.Context, name Name, arch string) (Image, error) {
	base := s.FCOS + "/prod/streams/" + name.Channel
	var index release.Index
	if err := s.document(ctx, base+"/releases.json", &index); err != nil {
		return Image{}, err
	}
	if err := released(index, name.Version, arch); err != nil {
		return Image{}, err
	}
	base += "/builds/" + name.Version + "/" + arch + "/"
	var meta build
	if err := s.document(ctx, base+"meta.json", &meta); err != nil {
		return Image{}, err
	}
	qemu, ok := meta.Images["qemu"]
	if _, extension, found := strings.Cut(qemu.Path, ".qcow2"); ok && found {
		return Image{
			Version: name.Version, URL: base + qemu.Path, Signature: base + qemu.Path + ".sig", Format: "qcow2" + extension,
			SHA256: strings.ToLower(qemu.SHA256), UnpackedSHA256: strings.ToLower(qemu.UnpackedSHA256), UnpackedSize: qemu.UnpackedSize,
		}, nil
	}
	return Image{}, fmt.Errorf("%s has no qcow2 image for QEMU", name.Version)
}

// released makes sure that the version was released for the architecture.
func released(index release.Index, version, arch string) error {
	latest := []string{}
	for _, r := range index.Releases {
		latest = append(latest, r.Version)
		if r.Version != version {
			continue
		}
		arches := []string{}
		for _, c := range r.Commits {
			arches = append(arches, c.Architecture)
		}
		for _, i := range r.OciImages {
			arches = append(arches, i.Architecture)
		}
		if !slices.Contains(arches, arch) {
			return noArch(arch, arches)
		}
		return nil
	}
	if len(latest) > 5 {
		latest = latest[len(latest)-5:]
	}
	return hint.Errorf("the latest are "+strings.Join(latest, ", "), "there was no release %s", version)
}

func noArch(arch string, there []string) error {
	return hint.Errorf("arch="+strings.Join(there, " or arch="), "there is no image for arch=%s", arch)
}
