package store

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"coreos-libvirt/internal/image/stream"
	"coreos-libvirt/internal/testkit/distributor"
)

// TestFaults has a server that fails in each way, and is good again afterwards.
func TestFaults(t *testing.T) {
	long := func() http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for range 1 << 10 {
				if _, err := w.Write(bytes.Repeat([]byte{' '}, 1<<20)); err != nil {
					return
				}
			}
		}
	}
	day := uint32(24 * 60 * 60)
	for name, c := range map[string]struct {
		breaks func(t *testing.T, d *distributor.Server, f *Fetcher)
		want   string
	}{
		"a truncated body": {func(_ *testing.T, d *distributor.Server, _ *Fetcher) {
			half := d.Files[distributor.FCOSPath][:len(d.Files[distributor.FCOSPath])/2]
			d.Serve[distributor.FCOSPath] = func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(half) }
		}, "cannot unpack"},
		"a flipped byte in the image": {func(_ *testing.T, d *distributor.Server, _ *Fetcher) {
			d.Files[distributor.FCOSPath] = flipped(d.Files[distributor.FCOSPath], len(d.Files[distributor.FCOSPath])/2)
		}, "cannot unpack"},
		"a flipped byte that xz does not see": {func(t *testing.T, d *distributor.Server, _ *Fetcher) {
			other := distributor.Packed(t, d.Image, "xz", "-1")
			d.Serve[distributor.FCOSPath] = func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(other) }
		}, "the signature does not hold"},
		"a flipped byte in the signature": {func(_ *testing.T, d *distributor.Server, _ *Fetcher) {
			signature := d.Files[distributor.FCOSPath+".sig"]
			d.Files[distributor.FCOSPath+".sig"] = flipped(signature, len(signature)-8)
		}, "the signature does not hold"},
		"a signature that is none": {func(_ *testing.T, d *distributor.Server, _ *Fetcher) {
			d.Files[distributor.FCOSPath+".sig"] = []byte("<html>")
		}, "the signature is none"},
		"a missing signature": {func(_ *testing.T, d *distributor.Server, _ *Fetcher) { delete(d.Files, distributor.FCOSPath+".sig") }, "no signature: "},
		"a signature by another key": {func(t *testing.T, d *distributor.Server, _ *Fetcher) {
			d.Files[distributor.FCOSPath+".sig"] = distributor.Sign(t, distributor.NewKey(t, nil), d.Files[distributor.FCOSPath], nil)
		}, "by a key that is not trusted"},
		"an expired subkey after its end": {func(t *testing.T, d *distributor.Server, f *Fetcher) {
			signature, key := bySubkey(t, d.Files[distributor.FCOSPath], day, 48*time.Hour, nil)
			d.Files[distributor.FCOSPath+".sig"], f.Keyring = signature, distributor.Keyring(t, key)
		}, "the signature does not hold"},
		"a revoked subkey": {func(t *testing.T, d *distributor.Server, f *Fetcher) {
			signature, key := bySubkey(t, d.Files[distributor.FCOSPath], 0, time.Hour, func(s *openpgp.Subkey) error {
				return s.Revoke(packet.KeyCompromised, "stolen", nil)
			})
			d.Files[distributor.FCOSPath+".sig"], f.Keyring = signature, distributor.Keyring(t, key)
		}, "the signature does not hold"},
		"a sha256 that does not fit": {func(_ *testing.T, d *distributor.Server, _ *Fetcher) {
			right := fmt.Appendf(nil, "%x", sha256.Sum256(d.Files[distributor.FCOSPath]))
			d.Files["/streams/stable.json"] = bytes.ReplaceAll(d.Files["/streams/stable.json"], right, bytes.Repeat([]byte("a"), 64))
		}, "has the sha256"},
		"a 404":             {func(_ *testing.T, d *distributor.Server, _ *Fetcher) { delete(d.Files, distributor.FCOSPath) }, "404 Not Found"},
		"metadata of 1 GiB": {func(_ *testing.T, d *distributor.Server, _ *Fetcher) { d.Serve["/streams/stable.json"] = long() }, "larger than"},
		"garbage for metadata": {func(_ *testing.T, d *distributor.Server, _ *Fetcher) {
			d.Files["/streams/stable.json"] = []byte("<html>")
		}, "no metadata as they should be"},
		"metadata of nothing": {func(_ *testing.T, d *distributor.Server, _ *Fetcher) { d.Files["/streams/stable.json"] = []byte("{}") }, "no image for arch=x86_64"},
		"a bomb past its size": {func(t *testing.T, d *distributor.Server, _ *Fetcher) {
			d.FCOS(t, distributor.Packed(t, bomb(d.Image), "xz", "-0"))
		}, "larger than it may be"},
		"a redirect to http": {func(_ *testing.T, d *distributor.Server, _ *Fetcher) {
			d.Serve[distributor.FCOSPath] = http.RedirectHandler("http://127.0.0.1:1/x", http.StatusFound).ServeHTTP
		}, "from https to http"},
		"no image but text": {func(t *testing.T, d *distributor.Server, _ *Fetcher) {
			d.FCOS(t, distributor.Packed(t, []byte("no image at all"), "xz"))
		}, "this is not a qcow2 image"},
		"an image with a backing": {func(t *testing.T, d *distributor.Server, _ *Fetcher) {
			d.Image = backed(t)
			d.FCOS(t, distributor.Packed(t, d.Image, "xz"))
		}, "stands on another image"},
		"an image of another architecture": {func(t *testing.T, d *distributor.Server, _ *Fetcher) {
			d.Image = forARM(t)
			d.FCOS(t, distributor.Packed(t, d.Image, "xz", "-0"))
		}, "this is an image for aarch64, and it should be for x86_64\nhint: nothing was kept; arch=aarch64 is for such images"},
		"a server that stalls": {func(_ *testing.T, d *distributor.Server, f *Fetcher) {
			f.Client.Stall = 300 * time.Millisecond
			d.Serve[distributor.FCOSPath] = func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Length", fmt.Sprint(len(d.Files[distributor.FCOSPath])))
				_, _ = w.Write(d.Files[distributor.FCOSPath][:1000])
				_ = http.NewResponseController(w).Flush()
				<-r.Context().Done()
			}
		}, "stalled: no byte for 300ms"},
		"a server that cuts each time": {func(_ *testing.T, d *distributor.Server, _ *Fetcher) {
			d.Serve[distributor.FCOSPath] = func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", fmt.Sprint(len(d.Files[distributor.FCOSPath])))
				panic(http.ErrAbortHandler)
			}
		}, "fcosfile"},
	} {
		t.Run(name, func(t *testing.T) {
			d := distributor.New(t)
			d.Config.ErrorLog = nil
			f, _ := fetcher(t, d)
			good := snapshotOf(d)
			goodKeyring := f.Keyring
			c.breaks(t, d, &f)
			path, err := get(t, d, f, "fcos-stable")
			want := strings.Replace(c.want, "fcosfile", distributor.FCOSFile, 1)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Fatalf("want an error with %q, got %q and %v", want, path, err)
			}
			if _, err := os.Stat(f.Path(streamImage())); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("something is at the final path: %v", err)
			}
			restore(d, good)
			f.Keyring = goodKeyring
			f.Client.Stall = time.Minute
			arrives(t, d, f, "fcos-stable")
		})
	}
}

func streamImage() stream.Image {
	return stream.Image{OS: "fcos", Version: distributor.FCOSVersion, Arch: "x86_64"}
}

type snapshot struct {
	files map[string][]byte
	image []byte
}

func snapshotOf(d *distributor.Server) snapshot {
	s := snapshot{files: map[string][]byte{}, image: d.Image}
	for name, data := range d.Files {
		s.files[name] = data
	}
	return s
}

func restore(d *distributor.Server, s snapshot) {
	d.Files, d.Image, d.Serve = s.files, s.image, map[string]http.HandlerFunc{}
}

func flipped(data []byte, at int) []byte {
	other := bytes.Clone(data)
	other[at] ^= 1
	return other
}

// bomb is an image that goes on and on.
func bomb(image []byte) []byte { return append(bytes.Clone(image), make([]byte, 200<<20)...) }

// backed is an image that stands on a file of the host's.
func backed(t testing.TB) []byte {
	t.Helper()
	dir := t.TempDir()
	distributor.Must(t, os.WriteFile(filepath.Join(dir, "base"), make([]byte, 1<<20), 0o600))
	distributor.Packed(t, nil, "qemu-img", "create", "-q", "-f", "qcow2", "-b", filepath.Join(dir, "base"), "-F", "raw", filepath.Join(dir, "x"))
	data, err := os.ReadFile(filepath.Join(dir, "x"))
	distributor.Must(t, err)
	return data
}

// forARM is an image whose root partition is of the type for aarch64, as those of Fedora CoreOS are.
func forARM(t testing.TB) []byte {
	t.Helper()
	image := filepath.Join(t.TempDir(), "arm.qcow2")
	const script = `cd "$(dirname "$0")"; truncate -s 8M raw; PATH=$PATH:/usr/sbin:/sbin
		printf 'label: gpt\nsize=2048, type=B921B045-1DF0-41C3-AF44-4C6F280D3FAE\n' | sfdisk -q raw; qemu-img convert -O qcow2 raw "$0"`
	distributor.Packed(t, nil, "sh", "-ec", script, image)
	data, err := os.ReadFile(image)
	distributor.Must(t, err)
	return data
}

// bySubkey signs with a subkey of a key that was made five days before the images were signed, signing after the time since then.
// The subkey lives for lifetime seconds, 0 is for ever.
func bySubkey(t testing.TB, data []byte, lifetime uint32, after time.Duration, then func(*openpgp.Subkey) error) ([]byte, *openpgp.Entity) {
	t.Helper()
	made := distributor.Released.AddDate(0, 0, -5)
	at := func(d time.Duration) func() time.Time { return func() time.Time { return made.Add(d) } }
	key := distributor.NewKey(t, &packet.Config{Time: at(0)})
	distributor.Must(t, key.AddSigningSubkey(&packet.Config{Time: at(0), KeyLifetimeSecs: lifetime}))
	subkey := &key.Subkeys[len(key.Subkeys)-1]
	// the library does not sign with an expired key: so the packet is made by hand
	var out bytes.Buffer
	signer := packet.Signature{
		Version: subkey.PrivateKey.Version, SigType: packet.SigTypeBinary, PubKeyAlgo: subkey.PrivateKey.PubKeyAlgo, Hash: crypto.SHA256,
		CreationTime: made.Add(after), IssuerKeyId: &subkey.PublicKey.KeyId, IssuerFingerprint: subkey.PublicKey.Fingerprint,
	}
	hash := sha256.New()
	_, _ = hash.Write(data)
	distributor.Must(t, signer.Sign(hash, subkey.PrivateKey, nil))
	distributor.Must(t, signer.Serialize(&out))
	if then != nil {
		distributor.Must(t, then(subkey))
	}
	return out.Bytes(), key
}

func TestASubkeyCountsAsOfTheSignaturesTime(t *testing.T) {
	d := distributor.New(t)
	f, _ := fetcher(t, d)
	signature, key := bySubkey(t, d.Files[distributor.FCOSPath], 24*60*60, time.Hour, nil) // expired long ago
	d.Files[distributor.FCOSPath+".sig"], f.Keyring, d.Key = signature, distributor.Keyring(t, key), key
	arrives(t, d, f, "fcos-stable")
}
