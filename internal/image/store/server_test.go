package store

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"coreos-libvirt/internal/image/download"
	"coreos-libvirt/internal/image/stream"
)

const (
	fcosVersion    = "43.20260101.3.0"
	flatcarVersion = "4230.2.1"
	fcosFile       = "fedora-coreos-43.20260101.3.0-qemu.x86_64.qcow2.xz"
)

// distributor is a server of both distributors' streams, over https with a CA of its own, signed by a key
// of its own. A test changes its files, or how it serves one.
type distributor struct {
	*httptest.Server
	files map[string][]byte
	serve map[string]http.HandlerFunc // instead of the file
	key   *openpgp.Entity
	image []byte // qcow2

	mu   sync.Mutex
	sent map[string]int // bytes of bodies, by path
}

func (d *distributor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	counted := &counter{ResponseWriter: w, add: func(n int) {
		d.mu.Lock()
		d.sent[r.URL.Path] += n
		d.mu.Unlock()
	}}
	if serve := d.serve[r.URL.Path]; serve != nil {
		serve(counted, r)
		return
	}
	d.file(counted, r)
}

// file serves the file as a good server does: with a strong ETag, and ranges.
func (d *distributor) file(w http.ResponseWriter, r *http.Request) {
	data, ok := d.files[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256(data)))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

type counter struct {
	http.ResponseWriter
	add func(int)
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.add(n)
	return n, err
}

func (c *counter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// must is for what cannot fail in a test that makes sense.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// qcow2 is a real image of the size in MiB, of which the first half is filled.
func qcow2(t testing.TB, mib int) []byte {
	t.Helper()
	dir, err := os.MkdirTemp("", "coreos-libvirt-image-")
	must(t, err)
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "image.qcow2")
	script := fmt.Sprintf(`set -e; cd "$(dirname "$0")"
		head -c %dM /dev/urandom | base64 -w0 | head -c %dM > raw; truncate -s %dM raw
		qemu-img convert -O qcow2 raw "$0"`, mib/2, mib/2, mib)
	if out, err := exec.Command("sh", "-c", script, path).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	data, err := os.ReadFile(path)
	must(t, err)
	return data
}

// packed is the data as the program makes it.
func packed(t testing.TB, data []byte, program ...string) []byte {
	t.Helper()
	cmd := exec.Command(program[0], program[1:]...)
	cmd.Stdin = bytes.NewReader(data)
	out, err := cmd.Output()
	must(t, err)
	return out
}

func newKey(t testing.TB, config *packet.Config) *openpgp.Entity {
	t.Helper()
	if config == nil {
		config = &packet.Config{}
	}
	config.Algorithm = packet.PubKeyAlgoEd25519
	key, err := openpgp.NewEntity("test", "", "test@example.org", config)
	must(t, err)
	return key
}

func sign(t testing.TB, key *openpgp.Entity, data []byte, config *packet.Config) []byte {
	t.Helper()
	var out bytes.Buffer
	must(t, openpgp.DetachSign(&out, []*openpgp.Entity{key}, bytes.NewReader(data), config))
	return out.Bytes()
}

// small is an image of 8 MiB and how Fedora CoreOS packs it, made once.
func small(t testing.TB) (image, file []byte) {
	t.Helper()
	shared.Do(func() {
		shared.image = qcow2(t, 8)
		shared.file = packed(t, shared.image, "xz", "-T0", "-0", "--block-size=1MiB")
	})
	return shared.image, shared.file
}

var shared struct {
	sync.Once
	image, file []byte
}

func newDistributor(t testing.TB) *distributor {
	t.Helper()
	image, file := small(t)
	d := &distributor{
		files: map[string][]byte{}, serve: map[string]http.HandlerFunc{}, sent: map[string]int{},
		key: newKey(t, nil), image: image,
	}
	d.Server = httptest.NewTLSServer(d)
	t.Cleanup(d.Close)
	d.fcos(t, file)
	d.flatcar(t)
	return d
}

// fcosPath is where the server has Fedora CoreOS' image.
const fcosPath = "/prod/streams/stable/builds/" + fcosVersion + "/x86_64/" + fcosFile

// fcos puts the compressed image and all that Fedora serves about it on the server.
func (d *distributor) fcos(t testing.TB, file []byte) {
	d.files[fcosPath] = file
	d.files[fcosPath+".sig"] = sign(t, d.key, file, nil)
	sum, unpacked := sha256.Sum256(file), sha256.Sum256(d.image)
	d.files["/streams/stable.json"] = fmt.Appendf(nil, `{"stream":"stable","metadata":{"last-modified":"2026-01-02T00:00:00Z"},
		"architectures":{"x86_64":{"artifacts":{"qemu":{"release":%q,"formats":{"qcow2.xz":{"disk":{
		"location":%q,"signature":%q,"sha256":"%x","uncompressed-sha256":"%x"}}}}}}}}`,
		fcosVersion, d.URL+fcosPath, d.URL+fcosPath+".sig", sum, unpacked)
	d.files["/prod/streams/stable/releases.json"] = fmt.Appendf(nil, `{"releases":[
		{"version":%q,"commits":[{"architecture":"x86_64","checksum":"x"}],"metadata":"x"}]}`, fcosVersion)
	meta, err := json.Marshal(map[string]any{"images": map[string]any{"qemu": map[string]any{
		"path": fcosFile, "sha256": fmt.Sprintf("%x", sum), "uncompressed-sha256": fmt.Sprintf("%x", unpacked), "uncompressed-size": len(d.image),
	}}})
	must(t, err)
	d.files[filepath.Dir(fcosPath)+"/meta.json"] = meta
}

func (d *distributor) flatcar(t testing.TB) {
	const name = "flatcar_production_qemu_image.img"
	text := []byte("FLATCAR_BUILD=4230\nFLATCAR_VERSION=" + flatcarVersion + "\n")
	d.files["/amd64-usr/current/version.txt"] = text
	d.files["/amd64-usr/"+flatcarVersion+"/version.txt"] = text
	base := "/amd64-usr/" + flatcarVersion + "/" + name
	d.files[base] = d.image
	d.files[base+".sig"] = sign(t, d.key, d.image, nil)
	d.files[base+".DIGESTS"] = fmt.Appendf(nil, "# MD5 HASH\nabc  %s\n# SHA512 HASH\nabc  other.img\n%x  %s\n", name, sha512.Sum512(d.image), name)
}

// keyring is a file of public keys.
func keyring(t testing.TB, keys ...*openpgp.Entity) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys.gpg")
	var out bytes.Buffer
	for _, key := range keys {
		must(t, key.Serialize(&out))
	}
	must(t, os.WriteFile(path, out.Bytes(), 0o600))
	return path
}

// fetcher gets images from the server into a store of its own; said are its lines.
func (d *distributor) fetcher(t testing.TB) (f Fetcher, said *strings.Builder) {
	t.Helper()
	client := download.New(d.Client().Transport)
	client.Wait, client.Stall = time.Millisecond, 2*time.Second
	said = &strings.Builder{}
	return Fetcher{
		Store: Store{t.TempDir()}, Client: client, Keyring: keyring(t, d.key),
		Say:   func(format string, args ...any) { fmt.Fprintf(said, format+"\n", args...) },
		Meter: func(int64, int64) Meter { return discard{} },
	}, said
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) Close() error                { return nil }

// get looks the name up and fetches it.
func (d *distributor) get(t testing.TB, f Fetcher, name string) (string, error) {
	t.Helper()
	parsed, ok, err := stream.Parse(name)
	if !ok || err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	source := stream.Source{FCOS: d.URL, Flatcar: d.URL, Get: f.Client.Document}
	image, err := source.Lookup(t.Context(), parsed, "x86_64")
	if err != nil {
		return "", err
	}
	return f.Fetch(t.Context(), image)
}

// bytesOf is how many bytes of the path's file were sent.
func (d *distributor) bytesOf(path string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sent[path]
}
