// Package stream knows what image a name such as fcos-stable or flatcar-beta@4230.1.0 stands for.
package stream

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"coreos-libvirt/internal/image/download"
	"coreos-libvirt/internal/image/trust"
	"coreos-libvirt/internal/terminal/hint"
)

// Image is one file that a distributor serves, and what it says of it.
type Image struct {
	Name    string `json:"name"` // of the stream, "fcos-stable"
	OS      string `json:"os"`   // "fcos" or "flatcar"; empty where it is not known
	Version string `json:"version"`
	Arch    string `json:"arch"` // "x86_64" or "aarch64"

	Ignition string `json:"ignition,omitempty"` // its version in the image, where that is known
	Unsure   string `json:"unsure,omitempty"`   // why Ignition is not told by the image's own list of packages

	URL       string `json:"url"`
	Signature string `json:"signature,omitempty"` // URL of the detached OpenPGP signature
	Format    string `json:"format"`              // "qcow2", and its compression: "qcow2.xz"

	SHA256         string `json:"sha256,omitempty"` // of the file as it is served, hex
	SHA512         string `json:"sha512,omitempty"`
	UnpackedSHA256 string `json:"unpacked-sha256,omitempty"`
	UnpackedSize   int64  `json:"unpacked-size,omitempty"` // bytes; 0 where it is not told
}

// Same reports whether both are one image: no digest that both know differs.
func (i Image) Same(other Image) bool {
	differ := func(a, b string) bool { return a != "" && b != "" && a != b }
	return i.OS == other.OS && i.Version == other.Version && (i.OS == "" || i.Arch == other.Arch) &&
		!differ(i.SHA256, other.SHA256) && !differ(i.SHA512, other.SHA512) && !differ(i.UnpackedSHA256, other.UnpackedSHA256)
}

// Public is the image without what may be a secret in its URL.
func (i Image) Public() Image {
	i.Name, i.URL, i.Signature = download.Public(i.Name), download.Public(i.URL), download.Public(i.Signature)
	return i
}

// Distributor is who signs the image.
func (i Image) Distributor() trust.Distributor {
	if i.OS == "flatcar" {
		return trust.Flatcar
	}
	major, _, _ := strings.Cut(i.Version, ".")
	return trust.FedoraAt(major)
}

// Name is a stream, and the version if one is named.
type Name struct{ OS, Channel, Version string }

func (n Name) String() string { return n.OS + "-" + n.Channel }

var channels = map[string][]string{
	"fcos":    {"stable", "testing", "next"},
	"flatcar": {"stable", "beta", "alpha", "lts"},
}

// Names are those of all streams, sorted.
func Names() (all []string) {
	for os, of := range channels {
		for _, channel := range of {
			all = append(all, Name{OS: os, Channel: channel}.String())
		}
	}
	slices.Sort(all)
	return all
}

// Parse reads a name. What begins as none is not one: ok is false.
func Parse(text string) (n Name, ok bool, err error) {
	whole, version, hasVersion := strings.Cut(text, "@")
	os, channel, _ := strings.Cut(whole, "-")
	known, ok := channels[os]
	if !ok || strings.ContainsAny(text, "/") {
		return n, false, nil
	}
	if !slices.Contains(known, channel) {
		return n, true, hint.Errorf(os+"-"+strings.Join(known, ", "+os+"-")+" are the streams, each also with a version: "+os+"-stable@…; a file is image=./"+text,
			"image=%s: there is no such stream", text)
	}
	if hasVersion && !isVersion(version) {
		return n, true, hint.Errorf("a version is numbers and dots, as in fcos-stable@43.20260101.3.0", "image=%s: this is not a version", text)
	}
	return Name{os, channel, version}, true, nil
}

func isVersion(text string) bool {
	return text != "" && strings.Trim(text, "0123456789.") == "" && !strings.Contains(text, "..")
}

// Newer reports whether version a is a later one than b: numbers, the most significant first.
func Newer(a, b string) bool { return slices.Compare(numbers(a), numbers(b)) > 0 }

func numbers(version string) (all []int) {
	for part := range strings.SplitSeq(version, ".") {
		n, _ := strconv.Atoi(part)
		all = append(all, n)
	}
	return all
}

// Source is where streams are looked up.
type Source struct {
	FCOS    string // base URL
	Flatcar string // base URL, with {channel} in it
	Get     func(ctx context.Context, url string, limit int64) ([]byte, error)
}

// What the distributors' servers are.
const (
	FCOSServer    = "https://builds.coreos.fedoraproject.org"
	FlatcarServer = "https://{channel}.release.flatcar-linux.net"
)

// maxDocument is more than any metadata there is: a stream document has some 100 KiB.
const maxDocument = 16 << 20

// Lookup asks the distributor what image the name stands for, today or in the version that it names.
func (s Source) Lookup(ctx context.Context, name Name, arch string) (Image, error) {
	image, err := ask(ctx, name, arch, s.flatcar, s.namedFCOS, s.latestFCOS)
	if err != nil {
		return image, err
	}
	image.Name, image.OS, image.Arch = name.String(), name.OS, arch
	if err := image.check(); err != nil {
		return image, err
	}
	if name.Version == "" {
		if err := image.checkChannel(name.Channel); err != nil {
			return image, err
		}
	}
	if image.Ignition, err = s.ignition(ctx, image); err != nil {
		image.Ignition = image.shipped()
		image.Unsure, _, _ = strings.Cut(err.Error(), "\n") // without its hint
	}
	return image, ctx.Err()
}

// way is how a kind of image is looked up.
type way[T any] func(ctx context.Context, name Name, arch string) (T, error)

// ask looks an image up by the way that the name wants: Flatcar's, or of Fedora CoreOS that of a version, or the latest.
func ask[T any](ctx context.Context, name Name, arch string, flatcar, named, latest way[T]) (T, error) {
	lookup := latest
	switch {
	case name.OS == "flatcar":
		lookup = flatcar
	case name.Version != "":
		lookup = named
	}
	found, err := lookup(ctx, name, arch)
	if err != nil {
		err = fmt.Errorf("image %s: %w", name, err)
	}
	return found, err
}

// Key names what the source says of the stream, among what other sources say of it.
func (s Source) Key(name Name, arch string) string {
	server, own := s.FCOS, FCOSServer
	if name.OS == "flatcar" {
		server, own = s.Flatcar, FlatcarServer
	}
	key := name.String() + "-" + arch
	if server != own {
		key += fmt.Sprintf("-%.8x", sha256.Sum256([]byte(server)))
	}
	return key
}

// check refuses what would make no sense further on, as the document comes from outside.
func (i Image) check() error {
	for _, address := range []string{i.URL, i.Signature} {
		if u, err := url.Parse(address); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return fmt.Errorf("image %s: the distributor's metadata name no URL but %q", i.Name, address)
		}
	}
	if !isVersion(i.Version) {
		return fmt.Errorf("image %s: the distributor's metadata name no version but %q", i.Name, i.Version)
	}
	if i.SHA256 == "" && i.SHA512 == "" {
		return fmt.Errorf("image %s: the distributor's metadata have no digest of it", i.Name)
	}
	if i.UnpackedSize < 0 {
		return fmt.Errorf("image %s: the distributor's metadata give it a size of %d bytes", i.Name, i.UnpackedSize)
	}
	return nil
}

// document gets a JSON document.
func (s Source) document(ctx context.Context, address string, into any) error {
	data, err := s.Get(ctx, address, maxDocument)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return hint.Errorf("is this a server of images, or a proxy's page?", "%s: no metadata as they should be: %w", address, err)
	}
	return nil
}
