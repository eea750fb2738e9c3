package store

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"coreos-libvirt/internal/image/stream"
	"coreos-libvirt/internal/image/trust"
	"coreos-libvirt/internal/testkit/distributor"
)

// pin makes the test's server Fedora, with the keys as its key material and the fingerprints pinned.
func pin(t *testing.T, d *distributor.Server, f *Fetcher, pinned *openpgp.Entity, keys ...*openpgp.Entity) {
	t.Helper()
	was := trust.Fedora
	t.Cleanup(func() { trust.Fedora = was })
	trust.Fedora = trust.Distributor{Name: "Fedora", Keys: d.URL + "/fedora.gpg", Fingerprints: []string{fmt.Sprintf("%X", pinned.PrimaryKey.Fingerprint)}}
	d.Files["/fedora.gpg"] = public(t, keys...)
	f.Keyring = ""
}

func public(t *testing.T, keys ...*openpgp.Entity) []byte {
	t.Helper()
	data, err := os.ReadFile(distributor.Keyring(t, keys...))
	distributor.Must(t, err)
	return data
}

func TestPinnedKeysAreFetchedOnce(t *testing.T) {
	d := distributor.New(t)
	f, _ := fetcher(t, d)
	pin(t, d, &f, d.Key, distributor.NewKey(t, nil), d.Key)
	distributor.Must(t, remove(arrives(t, d, f, "fcos-stable")))
	_, err := get(t, d, f, "fcos-stable")
	distributor.Must(t, err)
	if got := d.Sent("/fedora.gpg"); got != len(d.Files["/fedora.gpg"]) {
		t.Errorf("the keys of %d bytes were sent as %d", len(d.Files["/fedora.gpg"]), got)
	}
}

func TestAKeyThatIsNotPinnedIsNotBelieved(t *testing.T) {
	d := distributor.New(t)
	f, _ := fetcher(t, d)
	stranger := distributor.NewKey(t, nil)
	pin(t, d, &f, d.Key, stranger, d.Key)
	good := d.Files[distributor.FCOSPath+".sig"]
	d.Files[distributor.FCOSPath+".sig"] = distributor.Sign(t, stranger, d.Files[distributor.FCOSPath], nil)
	if path, err := get(t, d, f, "fcos-stable"); err == nil || !strings.Contains(err.Error(), "not trusted") || !strings.Contains(err.Error(), "hint: this version trusts") {
		t.Errorf("got %q, %v", path, err)
	}
	d.Files["/fedora.gpg"] = public(t, stranger)
	distributor.Must(t, os.RemoveAll(f.Dir+"/keys"))
	if path, err := get(t, d, f, "fcos-stable"); err == nil || !strings.Contains(err.Error(), "none of the keys has a fingerprint that is trusted") {
		t.Errorf("got %q, %v", path, err)
	}
	d.Files["/fedora.gpg"], d.Files[distributor.FCOSPath+".sig"] = public(t, d.Key), good
	arrives(t, d, f, "fcos-stable")
}

func TestANewSubkeyOfAPinnedKeyIsLookedFor(t *testing.T) {
	d := distributor.New(t)
	f, _ := fetcher(t, d)
	pin(t, d, &f, d.Key, d.Key)
	path, err := get(t, d, f, "fcos-stable")
	distributor.Must(t, err)
	distributor.Must(t, remove(path))
	signature, key := bySubkey(t, d.Files[distributor.FCOSPath], 0, 0, nil)
	pin(t, d, &f, key, key) // as if the pinned key had got a subkey since
	d.Files[distributor.FCOSPath+".sig"], d.Key = signature, key
	arrives(t, d, f, "fcos-stable")
}

// TestTheKeyOfAReleaseThatHasEnded is asked of nobody, and no other counts: not that of a release that goes on. A stranger
// costs none of the image's bytes.
func TestTheKeyOfAReleaseThatHasEnded(t *testing.T) {
	d := distributor.New(t)
	f, _ := fetcher(t, d)
	pin(t, d, &f, d.Key, d.Key)
	source := stream.Source{FCOS: d.URL, Flatcar: d.URL, Get: f.Client.Document}
	i, err := source.Lookup(t.Context(), stream.Name{OS: "fcos", Channel: "stable"}, "x86_64")
	distributor.Must(t, err)
	i.Version = "42.20260105.3.0"
	ring, err := f.keys(t.Context(), i.Distributor(), true)
	if err != nil {
		t.Errorf("no keys: %v", err)
	}
	if err := f.known(i, signed{ring, d.Files[distributor.FCOSPath+".sig"]}); !errors.Is(err, trust.ErrUnknownSigner) {
		t.Errorf("got %v", err)
	}
	const hint = "this version trusts B0F4950458F69E1150C6C5EDC8AC4916105EF944; keyring= names a file of other keys"
	if _, err := f.Fetch(t.Context(), i); err == nil || !strings.Contains(err.Error(), hint) {
		t.Errorf("got %v", err)
	}
	if d.Sent(distributor.FCOSPath) > 0 || d.Sent("/fedora.gpg") > 0 {
		t.Error("the image or keys were fetched")
	}
	f.Keyring = distributor.Keyring(t, d.Key)
	path, err := f.Fetch(t.Context(), i)
	distributor.Must(t, err)
	arrived(t, d, f, path)
}

func TestPinnedFingerprintsAreWhole(t *testing.T) {
	for _, d := range []trust.Distributor{trust.Fedora, trust.Flatcar, trust.FedoraAt("31"), trust.FedoraAt("42")} {
		for _, fingerprint := range d.Fingerprints {
			if len(fingerprint) != 40 || strings.Trim(fingerprint, "0123456789ABCDEF") != "" {
				t.Errorf("%s: %s is no fingerprint", d.Name, fingerprint)
			}
		}
	}
}

func TestArmoredKeysAndSignatures(t *testing.T) {
	key := distributor.NewKey(t, nil)
	data := []byte("signed")
	var armored bytes.Buffer
	distributor.Must(t, openpgp.ArmoredDetachSign(&armored, []*openpgp.Entity{key}, bytes.NewReader(data), nil))
	ring, err := trust.ReadKeys(public(t, key), nil)
	distributor.Must(t, err)
	v, err := ring.Verify(bytes.NewReader(data), armored.Bytes())
	distributor.Must(t, err)
	if _, err := v.Signature(); err == nil {
		t.Error("nothing was read yet, and it holds")
	}
	_, err = new(bytes.Buffer).ReadFrom(v)
	distributor.Must(t, err)
	if signature, err := v.Signature(); err != nil || signature.Signer != fmt.Sprintf("%X", key.PrimaryKey.Fingerprint) {
		t.Errorf("got %+v, %v", signature, err)
	}
}

func TestOldKeysAreFetchedAnew(t *testing.T) {
	d := distributor.New(t)
	f, _ := fetcher(t, d)
	pin(t, d, &f, d.Key, d.Key)
	size := len(d.Files["/fedora.gpg"])
	for _, c := range []struct {
		age    time.Duration
		served bool
		want   int // times that the keys were sent
	}{{0, true, 1}, {keysAge / 2, true, 1}, {2 * keysAge, true, 2}, {2 * keysAge, false, 2}} {
		if c.age > 0 {
			then := time.Now().Add(-c.age)
			distributor.Must(t, os.Chtimes(f.Dir+"/keys/fedora.gpg", then, then))
		}
		if !c.served {
			delete(d.Files, "/fedora.gpg")
		}
		path, err := get(t, d, f, "fcos-stable")
		distributor.Must(t, err)
		distributor.Must(t, remove(path, recordOf(path)))
		if got := d.Sent("/fedora.gpg"); got/size != c.want {
			t.Errorf("after %s: the keys of %d bytes were sent as %d", c.age, size, got)
		}
	}
}

// What a server can cost before a signature was checked: bytes and packets of it are few.
func TestSignaturesThatAreTooMuch(t *testing.T) {
	d := distributor.New(t)
	f, _ := fetcher(t, d)
	good := d.Files[distributor.FCOSPath+".sig"]
	for name, c := range map[string]struct {
		signature []byte
		want      string
	}{
		"4 MiB":     {append(bytes.Clone(good), make([]byte, 4<<20)...), "larger than 64 KiB"},
		"5 packets": {bytes.Repeat(good, 5), "it has more than 4 packets"},
	} {
		d.Files[distributor.FCOSPath+".sig"] = c.signature
		if path, err := get(t, d, f, "fcos-stable"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %s, %v", name, path, err)
		}
	}
	if d.Sent(distributor.FCOSPath) > 0 {
		t.Error("the image was fetched")
	}
	d.Files[distributor.FCOSPath+".sig"] = bytes.Repeat(good, 2) // as with a second key
	arrives(t, d, f, "fcos-stable")
}

// The server says that the image has more bytes than any: nothing of it is fetched.
func TestAnImageThatIsTooLarge(t *testing.T) {
	d := distributor.New(t)
	f, _ := fetcher(t, d)
	d.Serve[distributor.FCOSPath] = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(int64(largestPacked)+1))
		w.WriteHeader(http.StatusOK)
	}
	if path, err := get(t, d, f, "fcos-stable"); err == nil || !strings.Contains(err.Error(), "the server sends more than 32 GiB") {
		t.Errorf("got %s, %v", path, err)
	}
}
