package base

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"coreos-libvirt/internal/image/store"
	"coreos-libvirt/internal/testkit/distributor"
)

// mirror serves what the distributor does without encryption, and the options ask it.
func mirror(t *testing.T, said *strings.Builder) (*distributor.Server, Options) {
	t.Helper()
	d := distributor.New(t)
	plain := httptest.NewServer(d)
	t.Cleanup(plain.Close)
	d.URL = plain.URL
	_, file := distributor.Small(t)
	d.FCOS(t, file)
	o := options(t, "fcos-stable", said)
	o.FCOSServer, o.Keyring, o.Refresh = plain.URL, distributor.Keyring(t, d.Key), true
	o.Meter = func(int64, int64) store.Meter { return distributor.Discard{} }
	return d, o
}

// An old image, with its own good signature, is served as a newer version: of the same day, of another year, and when a newer
// one was seen before. Nothing is kept, and the store has what it had.
func TestAnOldImageIsNotANewerVersion(t *testing.T) {
	var said strings.Builder
	d, o := mirror(t, &said)
	fetched, release, err := Fetch(t.Context(), o)
	distributor.Must(t, err)
	release()
	if !strings.Contains(said.String(), "warning: image: "+d.URL+" is not authenticated") {
		t.Errorf("a mirror by http: got %s", said.String())
	}
	had := listed(t, o.Store)
	for name, c := range map[string]struct {
		version string
		signed  time.Time
		want    string
	}{
		"months before the version's day": {"44.20260401.3.0", distributor.Released.AddDate(0, -6, 0), "the signature is of 2025-07-12, and version 44.20260401.3.0 is of 2026-04-01"},
		"before what was seen":            {"44.20260110.3.0", distributor.Released.AddDate(0, 0, -1), "was signed 2026-01-11, before 43.20260101.3.0 (2026-01-12), which was seen before\nhint: "},
		"long after the version's day":    {"43.20250301.3.0", distributor.Released, "the signature is of 2026-01-12, and version 43.20250301.3.0 is of 2025-03-01"},
	} {
		served := strings.ReplaceAll(string(d.Files["/streams/stable.json"]), distributor.FCOSVersion+`"`, c.version+`"`)
		d.Files["/streams/stable.json"] = []byte(served)
		d.Files[distributor.FCOSPath+".sig"] = distributor.Sign(t, d.Key, d.Files[distributor.FCOSPath], &packet.Config{Time: func() time.Time { return c.signed }})
		before := d.Sent(distributor.FCOSPath)
		if i, release, err := Fetch(t.Context(), o); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "\nhint: ") {
			release()
			t.Errorf("%s: got %s, %v", name, i.Path, err)
		}
		if d.Sent(distributor.FCOSPath) != before {
			t.Errorf("%s: the image was fetched", name)
		}
		if now := listed(t, o.Store); now != had {
			t.Errorf("%s: the store has\n%s\nit had\n%s", name, now, had)
		}
		_, file := distributor.Small(t)
		d.FCOS(t, file)
	}
	if _, err := os.Stat(fetched.Path); err != nil {
		t.Error(err)
	}
}

// A version of another stream is not the newest of this one.
func TestAnotherStreamsVersionIsRefused(t *testing.T) {
	var said strings.Builder
	d, o := mirror(t, &said)
	d.Files["/streams/stable.json"] = []byte(strings.ReplaceAll(string(d.Files["/streams/stable.json"]), distributor.FCOSVersion, "43.20260101.2.0"))
	if i, _, err := Fetch(t.Context(), o); err == nil || !strings.Contains(err.Error(), "name version 43.20260101.2.0, which is none of this stream") {
		t.Errorf("got %s, %v", i.Path, err)
	}
}

// A version that falls is said, and used only if it is named.
func TestAVersionThatFalls(t *testing.T) {
	var said strings.Builder
	d, o := mirror(t, &said)
	_, file := distributor.Small(t)
	o.Store = t.TempDir()
	newer := "44.20260201.3.0"
	d.Files["/streams/stable.json"] = []byte(strings.ReplaceAll(string(d.Files["/streams/stable.json"]), distributor.FCOSVersion+`"`, newer+`"`))
	d.Files[distributor.FCOSPath+".sig"] = distributor.Sign(t, d.Key, file, &packet.Config{Time: func() time.Time { return distributor.Released.AddDate(0, 1, 0) }})
	_, release, err := Fetch(t.Context(), o)
	distributor.Must(t, err)
	release()
	d.FCOS(t, file)
	said.Reset()
	if i, _, err := Fetch(t.Context(), o); err == nil || !strings.Contains(err.Error(), "image=fcos-stable@"+distributor.FCOSVersion+" takes this one") {
		t.Errorf("got %s, %v", i.Path, err)
	}
	if !strings.Contains(said.String(), "fcos-stable is at "+distributor.FCOSVersion+"; warning: it was at "+newer+", a newer one") {
		t.Errorf("got %s", said.String())
	}
	o.Image = "fcos-stable@" + distributor.FCOSVersion
	i, release, err := Fetch(t.Context(), o)
	distributor.Must(t, err)
	release()
	if !strings.Contains(i.Path, distributor.FCOSVersion) {
		t.Errorf("got %s", i.Path)
	}
	o.Image = "fcos-stable" // in the store by now, and still older
	if i, _, err := Fetch(t.Context(), o); err == nil {
		t.Errorf("got %s", i.Path)
	}
}

// listed are the images of the store and what is left of fetches.
func listed(t *testing.T, dir string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	distributor.Must(t, err)
	return strings.Join(names, "\n")
}
