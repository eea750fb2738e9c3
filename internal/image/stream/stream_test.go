package stream

import (
	"context"
	"strings"
	"testing"

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
		"fcos-stable@":            "this is no version",
		"fcos-stable@../../x":     "no version",
		"fcos-stable@43..1":       "no version",
		"flatcar-stable@current":  "no version",
		"fcos-stable@43.1%2f..%2": "no version",
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
