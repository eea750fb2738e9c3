package base

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/image/store"
	"coreos-libvirt/internal/image/stream"
)

// options are of a store without a network, and what is said goes into said.
func options(t *testing.T, image string, said *strings.Builder) Options {
	t.Helper()
	return Options{
		Image: image, Arch: "x86_64", Store: t.TempDir(), FCOSServer: "http://127.0.0.1:1", FlatcarServer: "http://127.0.0.1:1",
		Say: func(format string, args ...any) { fmt.Fprintf(said, format+"\n", args...) },
		Lab: Lab{
			Images: map[string]stream.Image{"lab": {Name: "lab", OS: "fcos"}, "lab-flatcar": {Name: "lab-flatcar", OS: "flatcar"}},
			NameOf: func(path string) string { return map[string]string{"/built/lab-1.qcow2": "lab"}[path] },
			Find:   func(name string) (string, bool) { return "/built/" + name + "-0.qcow2", false },
			Build:  func(_ context.Context, name string) (string, error) { return "/built/" + name + "-0.qcow2", nil },
		},
	}
}

func makeQcow2(t *testing.T, path string) {
	t.Helper()
	if out, err := exec.Command("qemu-img", "create", "-q", "-f", "qcow2", path, "64M").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// stocked has the image in the store, as a fetch leaves it.
func stocked(t *testing.T, kept store.Store, version string) string {
	t.Helper()
	i := stream.Image{Name: "fcos-stable", OS: "fcos", Version: version, Arch: "x86_64", URL: "https://example.org/x.qcow2", Format: "qcow2"}
	makeQcow2(t, kept.Path(i))
	record, err := json.Marshal(store.Record{Image: i})
	if err == nil {
		err = os.WriteFile(kept.Path(i)+".json", record, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return kept.Path(i)
}

// busy reports whether prune would be kept off the store.
func busy(t *testing.T, kept store.Store) bool {
	t.Helper()
	_, err := kept.Prune(t.Context(), func() ([]store.Domain, error) { return nil, errors.New("nothing shall go") })
	return err != nil && strings.Contains(err.Error(), "about to use an image")
}

func TestSystem(t *testing.T) {
	for text, want := range map[string]string{
		"fcos-stable": "fcos", "flatcar-beta@4230.1.0": "flatcar", "/srv/flatcar_production_qemu_image.img": "flatcar",
		"/srv/fedora-coreos-43.qcow2": "fcos", "https://example.org/fcos.qcow2": "fcos", "/srv/my.qcow2": "", "lab": "",
	} {
		if got := SystemOf(text); got != want {
			t.Errorf("%s: got %q", text, got)
		}
	}
	if got := (Image{Path: "/srv/flatcar.qcow2", Image: stream.Image{OS: "fcos"}}).System(); got != "fcos" {
		t.Errorf("the record counts more than the name: got %q", got)
	}
}

func TestAFileOfTheUsersOwn(t *testing.T) {
	said := &strings.Builder{}
	path := filepath.Join(t.TempDir(), "flatcar.qcow2")
	o := options(t, path, said)
	if _, _, err := Fetch(t.Context(), o); err == nil {
		t.Error("there is no such file")
	}
	makeQcow2(t, path)
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
	i, release, err := Fetch(t.Context(), o)
	if err != nil || i.Path != path || !strings.HasSuffix(i.Identity, " bytes of 2026-01-02T03:04:05Z") || i.System() != "flatcar" {
		t.Errorf("got %+v, %v", i, err)
	}
	if release(); said.String() != "image: "+path+", used where it is\n" {
		t.Errorf("said %s", said)
	}
	if left, _ := os.ReadDir(o.Store); len(left) > 0 {
		t.Errorf("the store is not asked: it has %v", left)
	}
	if o.SHA256 = strings.Repeat("0", 64); true {
		if _, _, err := Fetch(t.Context(), o); err == nil || !strings.Contains(err.Error(), "sha256= goes with image=https://") {
			t.Errorf("got %v", err)
		}
	}
}

// TestWhatIsInTheStoreIsHeld until release, if it is used; a look holds nothing.
func TestWhatIsInTheStoreIsHeld(t *testing.T) {
	o := options(t, "fcos-stable@43.1.3.0", &strings.Builder{})
	kept := store.Store{Dir: o.Store}
	path := stocked(t, kept, "43.1.3.0")
	for _, image := range []string{"fcos-stable@43.1.3.0", path} {
		for _, look := range []bool{false, true} {
			o.Image, o.ReadOnly = image, look
			i, release, err := Fetch(t.Context(), o)
			if err != nil || i.Path != path || i.Version != "43.1.3.0" || (i.Identity != "") != (image == path) {
				t.Errorf("%s: got %+v, %v", image, i, err)
			}
			if busy(t, kept) == look {
				t.Errorf("%s, read only %t: prune is kept off: %t", image, look, !look)
			}
			if release(); busy(t, kept) {
				t.Errorf("%s, read only %t: prune is kept off after release", image, look)
			}
		}
	}
	o.Image, o.ReadOnly = "fcos-stable@43.9.9.9", false // which nobody has
	if _, release, err := Fetch(t.Context(), o); err == nil || busy(t, kept) {
		t.Errorf("a fetch that failed: got %v, prune is kept off: %t", err, busy(t, kept))
	} else {
		release()
	}
}

func TestTheLabsImageIsBuiltIfItIsMissing(t *testing.T) {
	said := &strings.Builder{}
	o := options(t, "lab", said)
	for _, look := range []bool{true, false} {
		o.ReadOnly = look
		if i, _, err := Fetch(t.Context(), o); err != nil || i.Path != "/built/lab-0.qcow2" || i.System() != "fcos" {
			t.Errorf("got %+v, %v", i, err)
		}
	}
	if said.String() != "image: lab-0.qcow2 is in the store\n" {
		t.Errorf("only the look finds it: said %s", said)
	}
	o.Image = "lab-flatcar"
	if i, _, err := Fetch(t.Context(), o); err != nil || i.Path != "/built/lab-flatcar-0.qcow2" || i.System() != "flatcar" {
		t.Errorf("got %+v, %v", i, err)
	}
	o.Lab.Build = func(context.Context, string) (string, error) { return "", errors.New("only root") }
	if _, _, err := Fetch(t.Context(), o); err == nil || err.Error() != "only root" {
		t.Errorf("got %v", err)
	}
	for path, want := range map[string]string{"/built/lab-1.qcow2": "lab", "/srv/lab-1.qcow2": "", "/built/x.qcow2": ""} {
		if got := At(o, path).Name; got != want {
			t.Errorf("%s: got %q", path, got)
		}
	}
}
