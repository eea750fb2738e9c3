// Package distributor is, for tests, a server of both distributors' streams: over https with a CA of its own,
// signed by an OpenPGP key of its own.
package distributor

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// FCOSVersion is what all of Fedora CoreOS' streams are at.
const FCOSVersion = "43.20260101.3.0"

// FlatcarVersion is what all of Flatcar's channels are at.
const FlatcarVersion = "4230.2.1"

// FCOSFile is the name of Fedora CoreOS' image.
const FCOSFile = "fedora-coreos-" + FCOSVersion + "-qemu.x86_64.qcow2.xz"

// Server is a server of both distributors' streams, over https with a CA of its own, signed by a key
// of its own. A test changes its files, or how it serves one.
type Server struct {
	*httptest.Server
	Files map[string][]byte
	Serve map[string]http.HandlerFunc // instead of the file
	Key   *openpgp.Entity
	Image []byte // qcow2

	mu   sync.Mutex
	sent map[string]int // bytes of bodies, by path
}

func (d *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	counted := &counter{ResponseWriter: w, add: func(n int) {
		d.mu.Lock()
		d.sent[r.URL.Path] += n
		d.mu.Unlock()
	}}
	if serve := d.Serve[r.URL.Path]; serve != nil {
		serve(counted, r)
		return
	}
	d.File(counted, r)
}

// File serves the file as a good server does: with a strong ETag, and ranges.
func (d *Server) File(w http.ResponseWriter, r *http.Request) {
	data, ok := d.Files[r.URL.Path]
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

// Must is for what cannot fail in a test that makes sense.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Qcow2 is a real image of the size in MiB, of which the first half is filled.
func Qcow2(t testing.TB, mib int) []byte {
	t.Helper()
	dir, err := os.MkdirTemp("", "coreos-libvirt-image-")
	Must(t, err)
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "image.qcow2")
	script := fmt.Sprintf(`set -e; cd "$(dirname "$0")"
		head -c %dM /dev/urandom | base64 -w0 | head -c %dM > raw; truncate -s %dM raw
		qemu-img convert -O qcow2 raw "$0"`, mib/2, mib/2, mib)
	if out, err := exec.Command("sh", "-c", script, path).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	data, err := os.ReadFile(path)
	Must(t, err)
	return data
}

// Packed is the data as the program makes it.
func Packed(t testing.TB, data []byte, program ...string) []byte {
	t.Helper()
	cmd := exec.Command(program[0], program[1:]...)
	cmd.Stdin = bytes.NewReader(data)
	out, err := cmd.Output()
	Must(t, err)
	return out
}

// NewKey is a key that signs; config may be nil.
func NewKey(t testing.TB, config *packet.Config) *openpgp.Entity {
	t.Helper()
	if config == nil {
		config = &packet.Config{Time: func() time.Time { return Released.AddDate(-1, 0, 0) }}
	}
	config.Algorithm = packet.PubKeyAlgoEd25519
	key, err := openpgp.NewEntity("test", "", "test@example.org", config)
	Must(t, err)
	return key
}

// Discard shows nobody what is written to it, as a meter that nobody looks at.
type Discard struct{}

// Write takes all.
func (Discard) Write(p []byte) (int, error) { return len(p), nil }

// Close does nothing.
func (Discard) Close() error { return nil }

// Released is when the server's images were signed, days after what their versions say.
var Released = time.Date(2026, 1, 12, 12, 0, 0, 0, time.UTC)

// Sign is a detached signature by the key; config may be nil: it is then of Released.
func Sign(t testing.TB, key *openpgp.Entity, data []byte, config *packet.Config) []byte {
	t.Helper()
	if config == nil {
		config = &packet.Config{Time: func() time.Time { return Released }}
	}
	var out bytes.Buffer
	Must(t, openpgp.DetachSign(&out, []*openpgp.Entity{key}, bytes.NewReader(data), config))
	return out.Bytes()
}

// Small is an image of 8 MiB and how Fedora CoreOS packs it, made once.
func Small(t testing.TB) (image, file []byte) {
	t.Helper()
	shared.Do(func() {
		shared.image = Qcow2(t, 8)
		shared.file = Packed(t, shared.image, "xz", "-T0", "-0", "--block-size=1MiB")
	})
	return shared.image, shared.file
}

var shared struct {
	sync.Once
	image, file []byte
}

// New is a running server with a small image.
func New(t testing.TB) *Server {
	t.Helper()
	image, file := Small(t)
	d := &Server{
		Files: map[string][]byte{}, Serve: map[string]http.HandlerFunc{}, sent: map[string]int{},
		Key: NewKey(t, nil), Image: image,
	}
	d.Server = httptest.NewTLSServer(d)
	t.Cleanup(d.Close)
	d.FCOS(t, file)
	d.Flatcar(t)
	return d
}

// FCOSPath is where the server has Fedora CoreOS' image.
const FCOSPath = "/prod/streams/stable/builds/" + FCOSVersion + "/x86_64/" + FCOSFile

// FCOS puts the compressed image and all that Fedora serves about it on the server.
func (d *Server) FCOS(t testing.TB, file []byte) {
	d.Files[FCOSPath] = file
	d.Files[FCOSPath+".sig"] = Sign(t, d.Key, file, nil)
	sum, unpacked := sha256.Sum256(file), sha256.Sum256(d.Image)
	d.Files["/streams/stable.json"] = fmt.Appendf(nil, `{"stream":"stable","metadata":{"last-modified":"2026-01-02T00:00:00Z"},
		"architectures":{"x86_64":{"artifacts":{"qemu":{"release":%q,"formats":{"qcow2.xz":{"disk":{
		"location":%q,"signature":%q,"sha256":"%x","uncompressed-sha256":"%x"}}}}}}}}`,
		FCOSVersion, d.URL+FCOSPath, d.URL+FCOSPath+".sig", sum, unpacked)
	d.Files["/prod/streams/stable/releases.json"] = fmt.Appendf(nil, `{"releases":[
		{"version":%q,"commits":[{"architecture":"x86_64","checksum":"x"}],"metadata":"x"}]}`, FCOSVersion)
	meta, err := json.Marshal(map[string]any{"images": map[string]any{"qemu": map[string]any{
		"path": FCOSFile, "sha256": fmt.Sprintf("%x", sum), "uncompressed-sha256": fmt.Sprintf("%x", unpacked), "uncompressed-size": len(d.Image),
	}}})
	Must(t, err)
	d.Files[filepath.Dir(FCOSPath)+"/meta.json"] = meta
	d.Files[filepath.Dir(FCOSPath)+"/commitmeta.json"] = []byte(`{"rpmostree.rpmdb.pkglist":[["ignition","0","2.26.0","1.fc43","x86_64"]]}`)
}

// The names of Flatcar's image. amd64 has it by both, arm64 by the second.
const (
	FlatcarFile     = "flatcar_production_qemu_image.img"
	FlatcarUEFIFile = "flatcar_production_qemu_uefi_image.img"
)

// Flatcar puts the image and all that Flatcar serves about it on the server.
func (d *Server) Flatcar(t testing.TB) { d.FlatcarBoard(t, "amd64-usr", FlatcarFile, FlatcarFile) }

// FlatcarBoard does so for a board, under the file's name; its digest is that of the file that is named.
func (d *Server) FlatcarBoard(t testing.TB, board, file, name string) {
	text := []byte("FLATCAR_BUILD=4230\nFLATCAR_VERSION=" + FlatcarVersion + "\n")
	d.Files["/"+board+"/current/version.txt"] = text
	folder := "/" + board + "/" + FlatcarVersion + "/"
	d.Files[folder+"version.txt"] = text
	d.Files[folder+"flatcar_production_image_packages.txt"] = []byte("sys-apps/ignition-2.20.0::coreos-overlay\n")
	base := folder + file
	d.Files[base] = d.Image
	d.Files[base+".sig"] = Sign(t, d.Key, d.Image, nil)
	d.Files[base+".DIGESTS"] = fmt.Appendf(nil, "# MD5 HASH\nabc  %s\n# SHA512 HASH\nabc  other.img\n%x  %s\n", name, sha512.Sum512(d.Image), name)
}

// Keyring is a file of public keys.
func Keyring(t testing.TB, keys ...*openpgp.Entity) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys.gpg")
	var out bytes.Buffer
	for _, key := range keys {
		Must(t, key.Serialize(&out))
	}
	Must(t, os.WriteFile(path, out.Bytes(), 0o600))
	return path
}

// Authority is a file with the CA's certificate, for SSL_CERT_FILE.
func (d *Server) Authority(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: d.Certificate().Raw})
	Must(t, os.WriteFile(path, block, 0o600))
	return path
}

// Sent is how many bytes of the path's file were sent.
func (d *Server) Sent(path string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sent[path]
}
