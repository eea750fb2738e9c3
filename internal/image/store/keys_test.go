package store

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"coreos-libvirt/internal/image/trust"
)

// pin makes the test's server Fedora, with the keys as its key material and the fingerprints pinned.
func pin(t *testing.T, d *distributor, f *Fetcher, pinned *openpgp.Entity, keys ...*openpgp.Entity) {
	t.Helper()
	was := trust.Fedora
	t.Cleanup(func() { trust.Fedora = was })
	trust.Fedora = trust.Distributor{Name: "Fedora", Keys: d.URL + "/fedora.gpg", Fingerprints: []string{fmt.Sprintf("%X", pinned.PrimaryKey.Fingerprint)}}
	d.files["/fedora.gpg"] = public(t, keys...)
	f.Keyring = ""
}

func public(t *testing.T, keys ...*openpgp.Entity) []byte {
	t.Helper()
	data, err := os.ReadFile(keyring(t, keys...))
	must(t, err)
	return data
}

func TestPinnedKeysAreFetchedOnce(t *testing.T) {
	d := newDistributor(t)
	f, _ := d.fetcher(t)
	pin(t, d, &f, d.key, newKey(t, nil), d.key)
	path, err := d.get(t, f, "fcos-stable")
	must(t, err)
	d.arrived(t, f, path)
	must(t, remove(path))
	_, err = d.get(t, f, "fcos-stable")
	must(t, err)
	if got := d.bytesOf("/fedora.gpg"); got != len(d.files["/fedora.gpg"]) {
		t.Errorf("the keys of %d bytes were sent as %d", len(d.files["/fedora.gpg"]), got)
	}
}

func TestAKeyThatIsNotPinnedIsNotBelieved(t *testing.T) {
	d := newDistributor(t)
	f, _ := d.fetcher(t)
	stranger := newKey(t, nil)
	pin(t, d, &f, d.key, stranger, d.key)
	good := d.files[fcosPath+".sig"]
	d.files[fcosPath+".sig"] = sign(t, stranger, d.files[fcosPath], nil)
	if path, err := d.get(t, f, "fcos-stable"); err == nil || !strings.Contains(err.Error(), "not trusted") || !strings.Contains(err.Error(), "hint: this version trusts") {
		t.Errorf("got %q, %v", path, err)
	}
	d.files["/fedora.gpg"] = public(t, stranger)
	must(t, os.RemoveAll(f.Dir+"/keys"))
	if path, err := d.get(t, f, "fcos-stable"); err == nil || !strings.Contains(err.Error(), "none of the keys has a fingerprint that is trusted") {
		t.Errorf("got %q, %v", path, err)
	}
	d.files["/fedora.gpg"], d.files[fcosPath+".sig"] = public(t, d.key), good
	path, err := d.get(t, f, "fcos-stable")
	must(t, err)
	d.arrived(t, f, path)
}

func TestANewSubkeyOfAPinnedKeyIsLookedFor(t *testing.T) {
	d := newDistributor(t)
	f, _ := d.fetcher(t)
	pin(t, d, &f, d.key, d.key)
	path, err := d.get(t, f, "fcos-stable")
	must(t, err)
	must(t, remove(path))
	signature, key := bySubkey(t, d.files[fcosPath], 0, 0, nil)
	pin(t, d, &f, key, key) // as if the pinned key had got a subkey since
	d.files[fcosPath+".sig"], d.key = signature, key
	path, err = d.get(t, f, "fcos-stable")
	must(t, err)
	d.arrived(t, f, path)
}

func TestPinnedFingerprintsAreWhole(t *testing.T) {
	for _, d := range []trust.Distributor{trust.Fedora, trust.Flatcar} {
		for _, fingerprint := range d.Fingerprints {
			if len(fingerprint) != 40 || strings.Trim(fingerprint, "0123456789ABCDEF") != "" {
				t.Errorf("%s: %s is no fingerprint", d.Name, fingerprint)
			}
		}
	}
}

func TestArmoredKeysAndSignatures(t *testing.T) {
	key := newKey(t, nil)
	data := []byte("signed")
	var armored bytes.Buffer
	must(t, openpgp.ArmoredDetachSign(&armored, []*openpgp.Entity{key}, bytes.NewReader(data), nil))
	ring, err := trust.ReadKeys(public(t, key), nil)
	must(t, err)
	v, err := ring.Verify(bytes.NewReader(data), armored.Bytes())
	must(t, err)
	if _, err := v.Signer(); err == nil {
		t.Error("nothing was read yet, and it holds")
	}
	_, err = new(bytes.Buffer).ReadFrom(v)
	must(t, err)
	if signer, err := v.Signer(); err != nil || signer != fmt.Sprintf("%X", key.PrimaryKey.Fingerprint) {
		t.Errorf("got %s, %v", signer, err)
	}
}
