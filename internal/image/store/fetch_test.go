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
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"coreos-libvirt/internal/image/stream"
)

// arrived makes sure that the image is at its path, read-only, and nothing beside it but its record.
func (d *distributor) arrived(t testing.TB, f Fetcher, path string) {
	t.Helper()
	got, err := os.ReadFile(path)
	must(t, err)
	if !bytes.Equal(got, d.image) {
		t.Errorf("%s holds other bytes", path)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o444 {
		t.Errorf("its mode is %v", info.Mode())
	}
	if left := files(t, f.Dir); fmt.Sprint(left) != fmt.Sprint([]string{filepath.Base(path), filepath.Base(path) + ".json"}) {
		t.Errorf("the store has %v", left)
	}
	var record Record
	must(t, readJSON(recordOf(path), &record))
	if record.Signer != fmt.Sprintf("%X", d.key.PrimaryKey.Fingerprint) || record.Fetched.IsZero() || record.URL == "" {
		t.Errorf("the record is %+v", record)
	}
}

// files are the names of the files in the folder, without those of folders below.
func files(t testing.TB, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		if !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

func TestFetch(t *testing.T) {
	for name, file := range map[string]string{
		"fcos-stable":                   "fcos-" + fcosVersion + "-x86_64.qcow2",
		"fcos-stable@" + fcosVersion:    "fcos-" + fcosVersion + "-x86_64.qcow2",
		"flatcar-beta":                  "flatcar-" + flatcarVersion + "-x86_64.qcow2",
		"flatcar-lts@" + flatcarVersion: "flatcar-" + flatcarVersion + "-x86_64.qcow2",
	} {
		t.Run(name, func(t *testing.T) {
			d := newDistributor(t)
			f, said := d.fetcher(t)
			path, err := d.get(t, f, name)
			must(t, err)
			if filepath.Base(path) != file {
				t.Errorf("it is at %s", path)
			}
			d.arrived(t, f, path)
			if !strings.Contains(said.String(), "fetched and verified") {
				t.Errorf("said %q", said)
			}
		})
	}
}

func TestOnlyOneFetches(t *testing.T) {
	d := newDistributor(t)
	f, _ := d.fetcher(t)
	f.Say = func(string, ...any) {}
	done := make(chan error)
	for range 4 {
		go func() { _, err := d.get(t, f, "fcos-stable"); done <- err }()
	}
	for range 4 {
		must(t, <-done)
	}
	if got := d.bytesOf(fcosPath); got != len(d.files[fcosPath]) {
		t.Errorf("sent %d bytes of an image of %d", got, len(d.files[fcosPath]))
	}
}

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
		breaks func(t *testing.T, d *distributor, f *Fetcher)
		want   string
	}{
		"a truncated body": {func(_ *testing.T, d *distributor, _ *Fetcher) {
			half := d.files[fcosPath][:len(d.files[fcosPath])/2]
			d.serve[fcosPath] = func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(half) }
		}, "cannot unpack"},
		"a flipped byte in the image": {func(_ *testing.T, d *distributor, _ *Fetcher) {
			d.files[fcosPath] = flipped(d.files[fcosPath], len(d.files[fcosPath])/2)
		}, "cannot unpack"},
		"a flipped byte that xz does not see": {func(t *testing.T, d *distributor, _ *Fetcher) {
			other := packed(t, d.image, "xz", "-1")
			d.serve[fcosPath] = func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(other) }
		}, "the signature does not hold"},
		"a flipped byte in the signature": {func(_ *testing.T, d *distributor, _ *Fetcher) {
			signature := d.files[fcosPath+".sig"]
			d.files[fcosPath+".sig"] = flipped(signature, len(signature)-8)
		}, "the signature does not hold"},
		"a signature that is none": {func(_ *testing.T, d *distributor, _ *Fetcher) { d.files[fcosPath+".sig"] = []byte("<html>") }, "the signature is none"},
		"a missing signature":      {func(_ *testing.T, d *distributor, _ *Fetcher) { delete(d.files, fcosPath+".sig") }, "no signature: "},
		"a signature by another key": {func(t *testing.T, d *distributor, _ *Fetcher) {
			d.files[fcosPath+".sig"] = sign(t, newKey(t, nil), d.files[fcosPath], nil)
		}, "by a key that is not trusted"},
		"an expired subkey after its end": {func(t *testing.T, d *distributor, f *Fetcher) {
			signature, key := bySubkey(t, d.files[fcosPath], day, 48*time.Hour, nil)
			d.files[fcosPath+".sig"], f.Keyring = signature, keyring(t, key)
		}, "the signature does not hold"},
		"a revoked subkey": {func(t *testing.T, d *distributor, f *Fetcher) {
			signature, key := bySubkey(t, d.files[fcosPath], 0, time.Hour, func(s *openpgp.Subkey) error {
				return s.Revoke(packet.KeyCompromised, "stolen", nil)
			})
			d.files[fcosPath+".sig"], f.Keyring = signature, keyring(t, key)
		}, "the signature does not hold"},
		"a sha256 that does not fit": {func(_ *testing.T, d *distributor, _ *Fetcher) {
			right := fmt.Appendf(nil, "%x", sha256.Sum256(d.files[fcosPath]))
			d.files["/streams/stable.json"] = bytes.ReplaceAll(d.files["/streams/stable.json"], right, bytes.Repeat([]byte("a"), 64))
		}, "has the sha256"},
		"a 404":                {func(_ *testing.T, d *distributor, _ *Fetcher) { delete(d.files, fcosPath) }, "404 Not Found"},
		"metadata of 1 GiB":    {func(_ *testing.T, d *distributor, _ *Fetcher) { d.serve["/streams/stable.json"] = long() }, "larger than"},
		"garbage for metadata": {func(_ *testing.T, d *distributor, _ *Fetcher) { d.files["/streams/stable.json"] = []byte("<html>") }, "no metadata as they should be"},
		"metadata of nothing":  {func(_ *testing.T, d *distributor, _ *Fetcher) { d.files["/streams/stable.json"] = []byte("{}") }, "no image for arch=x86_64"},
		"a bomb past its size": {func(t *testing.T, d *distributor, _ *Fetcher) { d.fcos(t, packed(t, bomb(d.image), "xz", "-0")) }, "larger than it may be"},
		"a redirect to http": {func(_ *testing.T, d *distributor, _ *Fetcher) {
			d.serve[fcosPath] = http.RedirectHandler("http://127.0.0.1:1/x", http.StatusFound).ServeHTTP
		}, "from https to http"},
		"no image but text": {func(t *testing.T, d *distributor, _ *Fetcher) { d.fcos(t, packed(t, []byte("no image at all"), "xz")) }, "no qcow2 image"},
		"an image with a backing": {func(t *testing.T, d *distributor, _ *Fetcher) {
			d.image = backed(t)
			d.fcos(t, packed(t, d.image, "xz"))
		}, "stands on another image"},
		"a server that stalls": {func(_ *testing.T, d *distributor, f *Fetcher) {
			f.Client.Stall = 300 * time.Millisecond
			d.serve[fcosPath] = func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Length", fmt.Sprint(len(d.files[fcosPath])))
				_, _ = w.Write(d.files[fcosPath][:1000])
				_ = http.NewResponseController(w).Flush()
				<-r.Context().Done()
			}
		}, "stalled: no byte for 300ms"},
		"a server that cuts each time": {func(_ *testing.T, d *distributor, _ *Fetcher) {
			d.serve[fcosPath] = func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", fmt.Sprint(len(d.files[fcosPath])))
				panic(http.ErrAbortHandler)
			}
		}, "fcosfile"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDistributor(t)
			d.Config.ErrorLog = nil
			f, _ := d.fetcher(t)
			good := d.snapshot()
			goodKeyring := f.Keyring
			c.breaks(t, d, &f)
			path, err := d.get(t, f, "fcos-stable")
			want := strings.Replace(c.want, "fcosfile", fcosFile, 1)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Fatalf("want an error with %q, got %q and %v", want, path, err)
			}
			if _, err := os.Stat(f.Path(streamImage())); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("something is at the final path: %v", err)
			}
			d.restore(good)
			f.Keyring = goodKeyring
			f.Client.Stall = 2 * time.Second
			path, err = d.get(t, f, "fcos-stable")
			must(t, err)
			d.arrived(t, f, path)
		})
	}
}

func streamImage() stream.Image {
	return stream.Image{OS: "fcos", Version: fcosVersion, Arch: "x86_64"}
}

type snapshot struct {
	files map[string][]byte
	image []byte
}

func (d *distributor) snapshot() snapshot {
	s := snapshot{files: map[string][]byte{}, image: d.image}
	for name, data := range d.files {
		s.files[name] = data
	}
	return s
}

func (d *distributor) restore(s snapshot) {
	d.files, d.image, d.serve = s.files, s.image, map[string]http.HandlerFunc{}
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
	must(t, os.WriteFile(filepath.Join(dir, "base"), make([]byte, 1<<20), 0o600))
	packed(t, nil, "qemu-img", "create", "-q", "-f", "qcow2", "-b", filepath.Join(dir, "base"), "-F", "raw", filepath.Join(dir, "x"))
	data, err := os.ReadFile(filepath.Join(dir, "x"))
	must(t, err)
	return data
}

// bySubkey signs with a subkey of a key that was made ten days ago, signing after the time since then.
// The subkey lives for lifetime seconds, 0 is for ever.
func bySubkey(t testing.TB, data []byte, lifetime uint32, after time.Duration, then func(*openpgp.Subkey) error) ([]byte, *openpgp.Entity) {
	t.Helper()
	made := time.Now().Add(-10 * 24 * time.Hour)
	at := func(d time.Duration) func() time.Time { return func() time.Time { return made.Add(d) } }
	key := newKey(t, &packet.Config{Time: at(0)})
	must(t, key.AddSigningSubkey(&packet.Config{Time: at(0), KeyLifetimeSecs: lifetime}))
	subkey := &key.Subkeys[len(key.Subkeys)-1]
	// the library does not sign with an expired key: so the packet is made by hand
	var out bytes.Buffer
	signer := packet.Signature{
		Version: subkey.PrivateKey.Version, SigType: packet.SigTypeBinary, PubKeyAlgo: subkey.PrivateKey.PubKeyAlgo, Hash: crypto.SHA256,
		CreationTime: made.Add(after), IssuerKeyId: &subkey.PublicKey.KeyId, IssuerFingerprint: subkey.PublicKey.Fingerprint,
	}
	hash := sha256.New()
	_, _ = hash.Write(data)
	must(t, signer.Sign(hash, subkey.PrivateKey, nil))
	must(t, signer.Serialize(&out))
	if then != nil {
		must(t, then(subkey))
	}
	return out.Bytes(), key
}

func TestASubkeyCountsAsOfTheSignaturesTime(t *testing.T) {
	d := newDistributor(t)
	f, _ := d.fetcher(t)
	signature, key := bySubkey(t, d.files[fcosPath], 24*60*60, time.Hour, nil) // expired nine days ago
	d.files[fcosPath+".sig"], f.Keyring, d.key = signature, keyring(t, key), key
	path, err := d.get(t, f, "fcos-stable")
	must(t, err)
	d.arrived(t, f, path)
}

func TestAnErrorOfTheServerIsTriedAgain(t *testing.T) {
	d := newDistributor(t)
	f, _ := d.fetcher(t)
	for _, path := range []string{"/streams/stable.json", fcosPath, fcosPath + ".sig"} {
		var asked atomic.Int32
		d.serve[path] = func(w http.ResponseWriter, r *http.Request) {
			if asked.Add(1) == 1 {
				http.Error(w, "overloaded", http.StatusInternalServerError)
				return
			}
			d.file(w, r)
		}
	}
	path, err := d.get(t, f, "fcos-stable")
	must(t, err)
	d.arrived(t, f, path)
}

// cutting serves the file, and cuts the first connection at 60 %.
func cutting(d *distributor, path string, then func()) http.HandlerFunc {
	var asked atomic.Int32
	return func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) > 1 {
			d.file(w, r)
			return
		}
		data := d.files[path]
		w.Header().Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256(data)))
		w.Header().Set("Content-Length", fmt.Sprint(len(data)))
		_, _ = w.Write(data[:len(data)*6/10])
		_ = http.NewResponseController(w).Flush()
		time.Sleep(50 * time.Millisecond) // until the client has it
		if then != nil {
			then()
		}
		panic(http.ErrAbortHandler)
	}
}

func TestResumeWithinARun(t *testing.T) {
	for _, name := range []string{"fcos-stable", "flatcar-stable"} {
		d := newDistributor(t)
		f, _ := d.fetcher(t)
		path := fcosPath
		if name == "flatcar-stable" {
			path = "/amd64-usr/" + flatcarVersion + "/flatcar_production_qemu_image.img"
		}
		d.serve[path] = cutting(d, path, nil)
		at, err := d.get(t, f, name)
		must(t, err)
		d.arrived(t, f, at)
		if got := d.bytesOf(path); got != len(d.files[path]) {
			t.Errorf("%s: sent %d bytes of %d", name, got, len(d.files[path]))
		}
	}
}

func TestResumeAcrossRuns(t *testing.T) {
	for _, name := range []string{"fcos-stable", "flatcar-stable"} {
		d := newDistributor(t)
		f, said := d.fetcher(t)
		path := fcosPath
		if name == "flatcar-stable" {
			path = "/amd64-usr/" + flatcarVersion + "/flatcar_production_qemu_image.img"
		}
		f.Client.Tries = 0
		d.serve[path] = cutting(d, path, nil)
		if at, err := d.get(t, f, name); err == nil {
			t.Fatalf("%s: it was not cut: %s", name, at)
		}
		for _, file := range files(t, f.Dir) { // nothing there may boot
			data, err := os.ReadFile(filepath.Join(f.Dir, file))
			must(t, err)
			if strings.HasSuffix(file, ".part") && bytes.HasPrefix(data, []byte(magic)) {
				t.Errorf("%s begins as an image", file)
			}
		}
		at, err := d.get(t, f, name)
		must(t, err)
		d.arrived(t, f, at)
		if got := d.bytesOf(path); got != len(d.files[path]) {
			t.Errorf("%s: sent %d bytes of %d", name, got, len(d.files[path]))
		}
		if !strings.Contains(said.String(), "going on at") {
			t.Errorf("said %q", said)
		}
	}
}

func TestResumeOfAFileThatChanged(t *testing.T) {
	d := newDistributor(t)
	f, said := d.fetcher(t)
	newer := packed(t, d.image, "xz", "-1")
	d.serve[fcosPath] = cutting(d, fcosPath, func() {
		d.files[fcosPath], d.files[fcosPath+".sig"] = newer, sign(t, d.key, newer, nil)
	})
	// what it was looked up as is not what it is now: an error, and the next run is good
	if at, err := d.get(t, f, "fcos-stable"); err == nil {
		t.Fatalf("got %s", at)
	}
	if !strings.Contains(said.String(), "from the begin again") {
		t.Errorf("said %q", said)
	}
	d.fcos(t, newer)
	at, err := d.get(t, f, "fcos-stable")
	must(t, err)
	d.arrived(t, f, at)
}

func TestAServerWithoutRanges(t *testing.T) {
	d := newDistributor(t)
	f, _ := d.fetcher(t)
	cut := cutting(d, fcosPath, nil)
	d.serve[fcosPath] = func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Range")
		cut(w, r)
	}
	at, err := d.get(t, f, "fcos-stable")
	must(t, err)
	d.arrived(t, f, at)
}

func TestBytesOfAnEarlierRunThatAreWrong(t *testing.T) {
	d := newDistributor(t)
	f, _ := d.fetcher(t)
	f.Client.Tries = 0
	d.serve[fcosPath] = cutting(d, fcosPath, nil)
	_, err := d.get(t, f, "fcos-stable")
	if err == nil {
		t.Fatal("it was not cut")
	}
	part := f.Path(streamImage()) + ".part"
	data, err := os.ReadFile(part)
	must(t, err)
	must(t, os.WriteFile(part, flipped(data, len(data)-10), 0o600))
	at, err := d.get(t, f, "fcos-stable")
	must(t, err)
	d.arrived(t, f, at)
}

func TestDiskFull(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting a small tmpfs needs root")
	}
	d := newDistributor(t)
	f, _ := d.fetcher(t)
	small := t.TempDir()
	must(t, syscall.Mount("tmpfs", small, "tmpfs", 0, "size=6m"))
	t.Cleanup(func() { _ = syscall.Unmount(small, 0) })
	f.Dir = small
	at, err := d.get(t, f, "fcos-stable")
	if err == nil || !strings.Contains(err.Error(), "has no room for it") || !strings.Contains(err.Error(), "hint: `mage prune`") {
		t.Fatalf("got %q and %v", at, err)
	}
	if left := files(t, small); len(left) > 0 {
		t.Errorf("left are %v", left)
	}
	must(t, syscall.Mount("tmpfs", small, "tmpfs", syscall.MS_REMOUNT, "size=64m"))
	at, err = d.get(t, f, "fcos-stable")
	must(t, err)
	d.arrived(t, f, at)
}

func TestAURLWithItsDigest(t *testing.T) {
	d := newDistributor(t)
	f, _ := d.fetcher(t)
	for _, pack := range [][]string{{"xz", "-0"}, {"gzip", "-1"}, {"bzip2", "-1"}, {"cat"}} {
		file := packed(t, d.image, pack...)
		ending := map[string]string{"xz": ".xz", "gzip": ".gz", "bzip2": ".bz2", "cat": ""}[pack[0]]
		d.files["/my.qcow2"+ending] = file
		i := stream.Image{URL: d.URL + "/my.qcow2" + ending, Format: "qcow2" + ending, SHA256: fmt.Sprintf("%x", sha256.Sum256(file))}
		path, err := f.Fetch(t.Context(), i)
		must(t, err)
		got, err := os.ReadFile(path)
		must(t, err)
		if !bytes.Equal(got, d.image) {
			t.Errorf("%s: other bytes", pack[0])
		}
		i.SHA256 = strings.Repeat("0", 64)
		if _, err := f.Fetch(t.Context(), i); err == nil || !strings.Contains(err.Error(), "has the sha256") {
			t.Errorf("%s: got %v", pack[0], err)
		}
	}
	if _, err := f.Fetch(t.Context(), stream.Image{URL: d.URL + "/my.qcow2"}); err == nil || !strings.Contains(err.Error(), "nothing vouches") {
		t.Errorf("without a digest: got %v", err)
	}
}
