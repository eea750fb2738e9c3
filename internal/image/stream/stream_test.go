package stream

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/image/download"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]Name{
		"fcos-stable":                  {"fcos", "stable", ""},
		"fcos-next@43.20260101.1.0":    {"fcos", "next", "43.20260101.1.0"},
		"flatcar-lts@4081.3.5":         {"flatcar", "lts", "4081.3.5"},
		"flatcar-alpha":                {"flatcar", "alpha", ""},
		"fcos-testing@42.20250410.2.1": {"fcos", "testing", "42.20250410.2.1"},
	} {
		if got, ok, err := Parse(text); got != want || !ok || err != nil {
			t.Errorf("%s: got %+v, %t, %v", text, got, ok, err)
		}
	}
	for _, text := range []string{"lab", "/srv/fcos-stable/x.qcow2", "fcos.qcow2", "https://x.org/a", "./flatcar-stable"} {
		if got, ok, err := Parse(text); ok || err != nil {
			t.Errorf("%s is no stream: got %+v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"fcos-beta":               "there is no such stream\nhint: fcos-stable, fcos-testing, fcos-next are",
		"flatcar-edge":            "hint: flatcar-stable, flatcar-beta",
		"fcos-stable@":            "this is not a version",
		"fcos-stable@../../x":     "this is not a version",
		"fcos-stable@43..1":       "this is not a version",
		"flatcar-stable@current":  "this is not a version",
		"fcos-stable@43.1%2f..%2": "this is not a version",
	} {
		if got, _, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			if !strings.Contains(text, "/") {
				t.Errorf("%s: got %+v, %v", text, got, err)
			}
		}
	}
}

func TestAccepts(t *testing.T) {
	for _, c := range []struct {
		ignition, spec string
		ok             bool
	}{
		{"2.26.0", "3.6.0", true},
		{"2.25.1", "3.6.0", false},
		{"2.20.0", "3.5.0", true},
		{"2.19.0", "3.5.0", false},
		{"2.24.0", "3.5.0", true},
		{"2.24.0", "3.0.0", true},
		{"", "3.6.0", true},
		{"2.27.0", "3.7.0-experimental", false},
	} {
		err := Image{Name: "x", Ignition: c.ignition}.Accepts(c.spec)
		if (err == nil) != c.ok {
			t.Errorf("Ignition %s and spec %s: got %v", c.ignition, c.spec, err)
		}
	}
}

// served is a source of documents, by URL.
func served(documents map[string]string) Source {
	return Source{FCOS: "https://f", Flatcar: "https://{channel}.x", Get: func(_ context.Context, url string, _ int64) ([]byte, error) {
		if text, ok := documents[url]; ok {
			return []byte(text), nil
		}
		return nil, &download.StatusError{URL: url, Code: 404}
	}}
}

func TestIgnitionOfAnImage(t *testing.T) {
	s := served(map[string]string{
		"https://f/b/commitmeta.json":                         `{"rpmostree.rpmdb.pkglist":[["bash","0","5.2","1","x86_64"],["ignition","0","2.20.0","1.fc41","x86_64"]]}`,
		"https://c/b/flatcar_production_image_packages.txt":   "sys-apps/gawk-5.3.0::portage\nsys-apps/ignition-2.24.0::coreos\n",
		"https://bad/b/commitmeta.json":                       "<html>",
		"https://bad/b/flatcar_production_image_packages.txt": "<html>",
	})
	for url, want := range map[string]string{"https://f/b/x.qcow2.xz": "2.20.0", "https://bad/b/x": "", "https://none/b/x": ""} {
		if got, err := s.ignition(t.Context(), Image{OS: "fcos", URL: url}); got != want || (err == nil) != (want != "") {
			t.Errorf("%s: got %q, %v", url, got, err)
		}
	}
	for url, want := range map[string]string{"https://c/b/x.img": "2.24.0", "https://bad/b/x": ""} {
		if got, err := s.ignition(t.Context(), Image{OS: "flatcar", URL: url}); got != want || (err == nil) != (want != "") {
			t.Errorf("%s: got %q, %v", url, got, err)
		}
	}
}

func TestNamedVersionsThatThereAreNot(t *testing.T) {
	s := served(map[string]string{
		"https://f/prod/streams/stable/releases.json": `{"releases":[{"version":"43.1.3.0","commits":[{"architecture":"aarch64"}]}]}`,
	})
	for name, want := range map[string]string{
		"fcos-stable@43.1.3.0":   "there is no image for arch=x86_64\nhint: arch=aarch64",
		"fcos-stable@42.1.3.0":   "there was no release 42.1.3.0\nhint: the latest are 43.1.3.0",
		"flatcar-stable@4230.9":  "there was no release 4230.9",
		"flatcar-stable":         "404",
		"fcos-next":              "404",
		"fcos-testing@43.1.3.00": "404",
	} {
		parsed, _, _ := Parse(name)
		if got, err := s.Lookup(t.Context(), parsed, "x86_64"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

// document is a stream document for both architectures, that of aarch64 without what old ones lack.
const document = `{"architectures":{
	"x86_64":{"artifacts":{"qemu":{"release":"43.1.3.0","formats":{"qcow2.xz":{"disk":{"location":"%[1]s/b/x86_64/i.qcow2.xz",
		"signature":"%[1]s/b/x86_64/i.qcow2.xz.sig","sha256":"AA","uncompressed-sha256":"bb"}}}}}},
	"aarch64":{"artifacts":{"qemu":{"release":"43.1.3.1","formats":{"qcow2.gz":{"disk":{"location":"%[1]s/b/aarch64/i.qcow2.gz",
		"signature":"%[1]s/b/aarch64/i.qcow2.gz.sig","sha256":"cc"}}}}}}}}`

func TestLookupByArchitecture(t *testing.T) {
	flatcar := "https://stable.x/arm64-usr/"
	s := served(map[string]string{
		"https://f/streams/stable.json":        fmt.Sprintf(document, FCOSServer),
		"https://f/b/aarch64/commitmeta.json":  `{"rpmostree.rpmdb.pkglist":[["ignition","0","2.26.0","1","aarch64"]]}`,
		"https://f/b/x86_64/commitmeta.json":   `{"rpmostree.rpmdb.pkglist":[["ignition","0","2.25.0","1","x86_64"]]}`,
		flatcar + "current/version.txt":        "FLATCAR_VERSION=4593.2.0\n",
		flatcar + "4593.2.0/" + flatcarDigests: "# SHA512 HASH\nDD  flatcar_production_qemu_image.img\n",
	})
	for _, want := range []Image{
		{
			Name: "fcos-stable", OS: "fcos", Version: "43.1.3.0", Arch: "x86_64", Ignition: "2.25.0", URL: "https://f/b/x86_64/i.qcow2.xz",
			Signature: "https://f/b/x86_64/i.qcow2.xz.sig", Format: "qcow2.xz", SHA256: "aa", UnpackedSHA256: "bb",
		},
		{
			Name: "fcos-stable", OS: "fcos", Version: "43.1.3.1", Arch: "aarch64", Ignition: "2.26.0", URL: "https://f/b/aarch64/i.qcow2.gz",
			Signature: "https://f/b/aarch64/i.qcow2.gz.sig", Format: "qcow2.gz", SHA256: "cc",
		},
		{
			Name: "flatcar-stable", OS: "flatcar", Version: "4593.2.0", Arch: "aarch64", Ignition: "2.24.0", URL: flatcar + "4593.2.0/flatcar_production_qemu_image.img",
			Signature: flatcar + "4593.2.0/flatcar_production_qemu_image.img.sig", Format: "qcow2", SHA512: "dd",
			Unsure: flatcar + "4593.2.0/flatcar_production_image_packages.txt: 404 Not Found", // yet known by the version
		},
	} {
		name, _, _ := Parse(want.Name)
		if got, err := s.Lookup(t.Context(), name, want.Arch); err != nil || got != want {
			t.Errorf("got %+v, %v", got, err)
		}
	}
}

const flatcarDigests = "flatcar_production_qemu_image.img.DIGESTS"

func TestMetadataThatAreRefused(t *testing.T) {
	good := fmt.Sprintf(document, "https://f")
	for name, c := range map[string]struct{ old, new, want string }{
		"no digest":             {`"sha256":"AA"`, `"x":""`, "have no digest of it"},
		"no encryption":         {"https://f/b/x86_64/i.qcow2.xz\"", "http://f/b/x86_64/i.qcow2.xz\"", "without encryption: http://f/b/x86_64/i.qcow2.xz"},
		"no encryption of .sig": {"https://f/b/x86_64/i.qcow2.xz.sig", "http://f/x.sig", "without encryption: http://f/x.sig"},
		"no signature":          {"https://f/b/x86_64/i.qcow2.xz.sig", "", "name a location without encryption"},
		"a version that is no":  {"43.1.3.0", "../x", "name no version but"},
	} {
		s := served(map[string]string{"https://f/streams/stable.json": strings.ReplaceAll(good, c.old, c.new)})
		if got, err := s.Lookup(t.Context(), Name{"fcos", "stable", ""}, "x86_64"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
	negative := served(map[string]string{
		"https://f/prod/streams/stable/releases.json":                    `{"releases":[{"version":"43.1.3.0","commits":[{"architecture":"x86_64"}]}]}`,
		"https://f/prod/streams/stable/builds/43.1.3.0/x86_64/meta.json": `{"images":{"qemu":{"path":"i.qcow2.xz","sha256":"aa","uncompressed-size":-1}}}`,
	})
	if got, err := negative.Lookup(t.Context(), Name{"fcos", "stable", "43.1.3.0"}, "x86_64"); err == nil || !strings.Contains(err.Error(), "a size of -1 bytes") {
		t.Errorf("a negative size: got %+v, %v", got, err)
	}
}

func TestNewer(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"44.20260101.3.0", "43.20260601.3.0", true},
		{"43.20260101.3.0", "43.20260101.3.0", false},
		{"43.20260101.3.10", "43.20260101.3.9", true},
		{"9.1.0", "10.0.0", false},
		{"4230.2.1", "4230.2", true},
	} {
		if got := Newer(c.a, c.b); got != c.want {
			t.Errorf("%s newer than %s: %t", c.a, c.b, got)
		}
	}
}

func TestKeysOfSources(t *testing.T) {
	fcos, flatcar := Name{"fcos", "stable", ""}, Name{"flatcar", "lts", ""}
	own := Source{FCOS: FCOSServer, Flatcar: FlatcarServer}
	mirror := Source{FCOS: "https://mirror", Flatcar: FlatcarServer}
	if own.Key(fcos, "x86_64") != "fcos-stable-x86_64" || own.Key(flatcar, "aarch64") != "flatcar-lts-aarch64" ||
		mirror.Key(flatcar, "aarch64") != own.Key(flatcar, "aarch64") || mirror.Key(fcos, "x86_64") == own.Key(fcos, "x86_64") {
		t.Errorf("got %s, %s", mirror.Key(fcos, "x86_64"), mirror.Key(flatcar, "aarch64"))
	}
}

// When versions were signed: real ones, as their release notes say, and some that cannot be.
func TestSignedAt(t *testing.T) {
	for _, c := range []struct {
		os, version, at string
		ok              bool
	}{
		{"fcos", "36.20221030.3.0", "2022-11-14", true},
		{"fcos", "37.20230401.3.0", "2023-04-17", true},
		{"fcos", "44.20260817.3.2", "2026-09-05", true},
		{"fcos", "44.20260817.3.2", "2026-08-16", true},
		{"fcos", "44.20260817.3.2", "2026-08-10", false},
		{"fcos", "44.20260817.3.2", "2026-12-24", false},
		{"flatcar", "3033.2.0", "2021-12-09", true},
		{"flatcar", "3033.3.18", "2023-12-01", true},
		{"flatcar", "3033.2.0", "2021-10-01", false},
		{"", "", "2000-01-01", true},
	} {
		at, err := time.Parse(time.DateOnly, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if err := (Image{OS: c.os, Version: c.version}).SignedAt(at); (err == nil) != c.ok {
			t.Errorf("%s %s signed %s: got %v", c.os, c.version, c.at, err)
		}
	}
}
