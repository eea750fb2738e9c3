package stream

import (
	"strings"
	"testing"

	"coreos-libvirt/internal/terminal/hint"
)

const ref = "quay.io/fedora/fedora-coreos-kubevirt@sha256:"

// ofKubeVirt is a source of both distributors' documents, as they are served, in short.
func ofKubeVirt() map[string]string {
	sum := strings.Repeat("a", 64)
	return map[string]string{
		"https://f/streams/stable.json": `{"architectures":{
			"x86_64":{"images":{"kubevirt":{"release":"43.1.3.0","image":"quay.io/fedora/fedora-coreos-kubevirt:stable","digest-ref":"` + ref + sum + `"}}},
			"aarch64":{"artifacts":{}}}}`,
		"https://f/prod/streams/stable/releases.json": `{"releases":[{"version":"42.1.3.0","commits":[{"architecture":"x86_64"}]},{"version":"36.1.3.0","commits":[{"architecture":"x86_64"}]}]}`,
		"https://f/prod/streams/stable/builds/42.1.3.0/release.json": `{"architectures":{"x86_64":{"media":{"kubevirt":{
			"artifacts":{"ociarchive":{"disk":{"location":"x","sha256":"y"}}},"image":{"image":"q:42","digest-ref":"` + ref + strings.Repeat("b", 64) + `"}}}}}}`,
		"https://f/prod/streams/stable/builds/36.1.3.0/release.json":            `{"architectures":{"x86_64":{"media":{"qemu":{}}}}}`,
		"https://f/prod/streams/stable/builds/43.1.3.0/x86_64/commitmeta.json":  `{"rpmostree.rpmdb.pkglist":[["ignition","0","2.26.0","1","x86_64"]]}`,
		"https://f/prod/streams/stable/builds/42.1.3.0/x86_64/commitmeta.json":  `{"rpmostree.rpmdb.pkglist":[["ignition","0","2.22.0","1","x86_64"]]}`,
		"https://stable.x/amd64-usr/current/version.txt":                        "FLATCAR_VERSION=4593.2.0\n",
		"https://stable.x/amd64-usr/3815.2.0/version.txt":                       "FLATCAR_VERSION=3815.2.0\n",
		"https://stable.x/amd64-usr/4593.2.0/" + flatcarKubeVirt + ".DIGESTS":   "# MD5 HASH\nx  " + flatcarKubeVirt + "\n# SHA512 HASH\nCC  " + flatcarKubeVirt + "\n",
		"https://stable.x/amd64-usr/4593.2.0/flatcar_production_qemu_image.img": "",
	}
}

func TestImagesForKubeVirt(t *testing.T) {
	s := served(ofKubeVirt())
	for text, want := range map[string]KubeVirt{
		"fcos-stable":          {Image{Name: "fcos-stable", OS: "fcos", Version: "43.1.3.0", Arch: "x86_64", Ignition: "2.26.0", URL: "https://f/prod/streams/stable/builds/43.1.3.0/x86_64/"}, ref + strings.Repeat("a", 64)},
		"fcos-stable@42.1.3.0": {Image{Name: "fcos-stable", OS: "fcos", Version: "42.1.3.0", Arch: "x86_64", Ignition: "2.22.0", URL: "https://f/prod/streams/stable/builds/42.1.3.0/x86_64/"}, ref + strings.Repeat("b", 64)},
		"flatcar-stable": {Image: Image{
			Name: "flatcar-stable", OS: "flatcar", Version: "4593.2.0", Arch: "x86_64", Ignition: "2.24.0", Format: "qcow2", SHA512: "cc",
			URL: "https://stable.x/amd64-usr/4593.2.0/" + flatcarKubeVirt,
		}},
	} {
		name, _, _ := Parse(text)
		if got, err := s.LookupKubeVirt(t.Context(), name, "x86_64"); err != nil || got != want {
			t.Errorf("%s: got %+v, %v", text, got, err)
		}
	}
}

func TestReleasesWithoutAnImageForKubeVirt(t *testing.T) {
	s := served(ofKubeVirt())
	for _, c := range []struct{ image, arch, want string }{
		{"fcos-stable", "aarch64", "fcos-stable for arch=aarch64 has no image for KubeVirt"},
		{"fcos-stable@36.1.3.0", "x86_64", "fcos-stable 36.1.3.0 for arch=x86_64 has no image for KubeVirt"},
		{"flatcar-stable@3815.2.0", "x86_64", "flatcar-stable 3815.2.0 has no image for KubeVirt"},
		{"fcos-stable@40.1.3.0", "x86_64", "there was no release 40.1.3.0"},
	} {
		name, _, _ := Parse(c.image)
		if got, err := s.LookupKubeVirt(t.Context(), name, c.arch); err == nil || !strings.Contains(err.Error(), c.want) || hint.Of(err, "") == "" {
			t.Errorf("%s: got %+v, %v", c.image, got, err)
		}
	}
}

// TestAnImageForKubeVirtHasADigest: a tag could be another image tomorrow.
func TestAnImageForKubeVirtHasADigest(t *testing.T) {
	for name, c := range map[string]struct{ of, by, want string }{
		"a tag":      {ref + strings.Repeat("a", 64), "quay.io/fedora/fedora-coreos-kubevirt:stable", "no image with a digest"},
		"a space":    {ref + strings.Repeat("a", 64), "quay.io/x y@sha256:" + strings.Repeat("a", 64), "no image with a digest"},
		"a version":  {`"release":"43.1.3.0"`, `"release":"../x"`, "name no version but"},
		"no DIGESTS": {"CC  " + flatcarKubeVirt, "CC  flatcar_production_qemu_image.img", "the DIGESTS have no SHA512"},
	} {
		documents := ofKubeVirt()
		for url, text := range documents {
			documents[url] = strings.ReplaceAll(text, c.of, c.by)
		}
		image := "fcos-stable"
		if name == "no DIGESTS" {
			image = "flatcar-stable"
		}
		parsed, _, _ := Parse(image)
		if got, err := served(documents).LookupKubeVirt(t.Context(), parsed, "x86_64"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}
