package base

import (
	"context"
	"path"
	"strings"

	"coreos-libvirt/internal/image/download"
	"coreos-libvirt/internal/image/stream"
	"coreos-libvirt/internal/terminal/hint"
)

// KubeVirt is what image= names for KubeVirt, which gets it by itself: nothing is fetched here. Ignition of any other image does not
// look where KubeVirt puts its document, so that such an image is refused by its name.
func KubeVirt(ctx context.Context, o Options) (stream.KubeVirt, error) {
	name, isStream, err := stream.Parse(o.Image)
	switch {
	case err != nil:
		return stream.KubeVirt{}, err
	case isStream:
		o.unauthenticated(name)
		return o.source(false).LookupKubeVirt(ctx, name, o.Arch)
	case isURL(o.Image) && strings.Contains(path.Base(o.Image), "kubevirt"):
		return stream.KubeVirt{Image: stream.Image{Name: download.Public(o.Image), URL: o.Image, Arch: o.Arch}}, nil
	}
	return stream.KubeVirt{}, hint.Errorf("image=fcos-stable or image=flatcar-stable, with or without a version; or the URL of a file with kubevirt in its name, which the cluster can reach",
		"image=%s: this image is not made for KubeVirt: Ignition on it does not have the platform kubevirt", download.Public(o.Image))
}
