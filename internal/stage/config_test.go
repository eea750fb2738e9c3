package stage

import (
	"strings"
	"testing"

	"coreos-libvirt/internal/image/stream"
	"coreos-libvirt/internal/transpile"
)

// A node's own config may be of a newer version than the common one: that counts, too.
func TestCheckSpecLooksAtOverlays(t *testing.T) {
	t.Chdir(t.TempDir())
	r, err := New([]string{"config=plain.yml"})
	if err != nil {
		t.Fatal(err)
	}
	doc := func(version string) transpile.Template {
		return transpile.Template{JSON: []byte(`{"ignition":{"version":"` + version + `"}}`)}
	}
	r.base.Image = stream.Image{Name: "fcos-stable", Version: "1", Ignition: "2.15.0"}
	r.template, r.overlays = doc("3.4.0"), map[string]transpile.Template{"core01": doc("3.0.0")}
	if err := r.checkSpec(); err != nil {
		t.Error(err)
	}
	r.overlays["core02"] = doc("3.5.0")
	if err := r.checkSpec(); err == nil || !strings.Contains(err.Error(), "nodes/core02.yml: the config makes Ignition 3.5.0") {
		t.Errorf("got %v", err)
	}
}
