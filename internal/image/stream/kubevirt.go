package stream

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"

	"github.com/coreos/stream-metadata-go/release"
	"github.com/coreos/stream-metadata-go/stream"

	"coreos-libvirt/internal/image/download"
	"coreos-libvirt/internal/terminal/hint"
)

// KubeVirt is an image whose Ignition reads what KubeVirt gives to a guest: its platform is kubevirt. It is in a registry, and URL
// is the folder of what else was built with it; or it is the file at the URL.
type KubeVirt struct {
	Image
	Registry string // repository@sha256:digest, or empty
}

// File is the URL of the image if it is a file, or empty.
func (k KubeVirt) File() string {
	if k.Registry != "" {
		return ""
	}
	return k.URL
}

// flatcarKubeVirt is Flatcar's, since 3975 (https://www.flatcar.org/docs/latest/installing/cloud/kubevirt/).
const flatcarKubeVirt = "flatcar_production_kubevirt_image.qcow2"

// byDigest is an image in a registry that can be no other one tomorrow.
var byDigest = regexp.MustCompile(`^[a-z0-9][a-z0-9.:/_-]*@sha256:[0-9a-f]{64}$`)

// LookupKubeVirt asks the distributor what image for KubeVirt the name stands for, today or in the version that it names.
func (s Source) LookupKubeVirt(ctx context.Context, name Name, arch string) (k KubeVirt, err error) {
	if k, err = ask(ctx, name, arch, s.flatcarKubeVirt, s.namedKubeVirt, s.latestKubeVirt); err != nil {
		return k, err
	}
	k.Name, k.OS, k.Arch = name.String(), name.OS, arch
	if err := k.check(); err != nil {
		return k, err
	}
	if k.Ignition, err = s.ignition(ctx, k.Image); err != nil {
		k.Ignition = k.shipped()
	}
	return k, ctx.Err()
}

// check refuses what would make no sense further on, as the document comes from outside.
func (k KubeVirt) check() error {
	u, err := url.Parse(k.URL)
	switch {
	case !isVersion(k.Version):
		return fmt.Errorf("image %s: the distributor's metadata name no version but %q", k.Name, k.Version)
	case k.Registry != "" && !byDigest.MatchString(k.Registry):
		return fmt.Errorf("image %s: the distributor's metadata name no image with a digest but %q", k.Name, k.Registry)
	case k.Registry == "" && (err != nil || u.Host == ""):
		return fmt.Errorf("image %s: the distributor's metadata name no URL but %q", k.Name, k.URL)
	}
	return nil
}

// without is the error of a release that has no image for KubeVirt.
func without(name Name, version, advice string) error {
	return hint.Errorf(advice, "%s %s has no image for KubeVirt", name, version)
}

// latestKubeVirt reads the stream document, which names the image in a registry by its digest.
func (s Source) latestKubeVirt(ctx context.Context, name Name, arch string) (k KubeVirt, err error) {
	var doc stream.Stream
	if err := s.document(ctx, s.FCOS+"/streams/"+name.Channel+".json", &doc); err != nil {
		return k, err
	}
	there, ok := doc.Architectures[arch]
	if !ok || there.Images.KubeVirt == nil || there.Images.KubeVirt.DigestRef == "" {
		return k, without(name, "for arch="+arch, "arch=x86_64, or image=flatcar-stable")
	}
	image := there.Images.KubeVirt
	return KubeVirt{Image{Version: image.Release, URL: s.build(name, image.Release, arch)}, image.DigestRef}, nil
}

// namedKubeVirt reads the release's own metadata, which have the same.
func (s Source) namedKubeVirt(ctx context.Context, name Name, arch string) (k KubeVirt, err error) {
	base := s.FCOS + "/prod/streams/" + name.Channel
	var index release.Index
	if err := s.document(ctx, base+"/releases.json", &index); err != nil {
		return k, err
	}
	if err := released(index, name.Version, arch); err != nil {
		return k, err
	}
	var doc release.Release
	if err := s.document(ctx, base+"/builds/"+name.Version+"/release.json", &doc); err != nil {
		return k, err
	}
	has := doc.Architectures[arch].Media.KubeVirt
	if has == nil || has.Image == nil || has.Image.DigestRef == "" {
		return k, without(name, name.Version+" for arch="+arch, "image="+name.String()+", or a newer version of it")
	}
	return KubeVirt{Image{Version: name.Version, URL: s.build(name, name.Version, arch)}, has.Image.DigestRef}, nil
}

// build is the folder of the release's files, among which the list of packages is.
func (s Source) build(name Name, version, arch string) string {
	return s.FCOS + "/prod/streams/" + name.Channel + "/builds/" + version + "/" + arch + "/"
}

// flatcarKubeVirt is a file beside the other images of the version, so that it stays the same one.
func (s Source) flatcarKubeVirt(ctx context.Context, name Name, arch string) (k KubeVirt, err error) {
	base := s.flatcarBoard(name, arch)
	version, err := s.flatcarVersion(ctx, base, name.Version)
	if err != nil {
		return k, err
	}
	base += version + "/"
	digests, err := s.Get(ctx, base+flatcarKubeVirt+".DIGESTS", maxDocument)
	var status *download.StatusError
	if errors.As(err, &status) && status.Code == http.StatusNotFound {
		return k, without(name, version, "Flatcar has them since 3975: image="+name.String()+", or a newer version of it")
	}
	if err != nil {
		return k, err
	}
	sum, err := digest(digests, "SHA512", flatcarKubeVirt)
	return KubeVirt{Image: Image{Version: version, URL: base + flatcarKubeVirt, Format: "qcow2", SHA512: sum}}, err
}
