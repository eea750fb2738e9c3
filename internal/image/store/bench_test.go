package store

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"coreos-libvirt/internal/image/distributor"
	"coreos-libvirt/internal/image/download"
	"coreos-libvirt/internal/image/stream"
)

// BenchmarkFetch gets an image of 1 GiB from a loopback server: by the pipeline, by the pipeline where
// the system has no xz, and by the programs that one would take by hand. The programs write nothing to a
// disk; the pipeline does, and checks a signature.
func BenchmarkFetch(b *testing.B) {
	benchmark(b, 1024, "pipeline", "programs")
	benchmark(b, 64, "pipeline", "library") // Go's own xz is slow
}

func benchmark(b *testing.B, mib int, ways ...string) {
	dir := b.TempDir()
	unpacked, size := serveImage(b, dir, mib)
	key := distributor.NewKey(b, nil)
	packedSum := signPacked(b, dir, key)
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	b.Cleanup(server.Close)
	i := stream.Image{
		OS: "fcos", Version: "1", Arch: "x86_64", URL: server.URL + "/image.qcow2.xz", Signature: server.URL + "/image.qcow2.xz.sig",
		Format: "qcow2.xz", SHA256: hex.EncodeToString(packedSum[:]), UnpackedSHA256: hex.EncodeToString(unpacked[:]), UnpackedSize: size,
	}
	ring := distributor.Keyring(b, key)
	fetch := func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			f := Fetcher{
				Store: Store{b.TempDir()}, Client: download.New(http.DefaultTransport), Keyring: ring,
				Say: func(string, ...any) {}, Meter: func(int64, int64) Meter { return discard{} },
			}
			path, err := f.Fetch(b.Context(), i)
			distributor.Must(b, err)
			distributor.Must(b, os.Remove(path))
		}
	}
	programs := func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			out, err := exec.Command("sh", "-c", `curl -s "$0" | xz -dc -T0 | sha256sum`, i.URL).Output()
			distributor.Must(b, err)
			if !strings.HasPrefix(string(out), i.UnpackedSHA256) {
				b.Fatalf("got %s", out)
			}
		}
	}
	library := func(b *testing.B) {
		path := b.TempDir()
		qemu, err := exec.LookPath("qemu-img")
		distributor.Must(b, err)
		distributor.Must(b, os.Symlink(qemu, filepath.Join(path, "qemu-img")))
		b.Setenv("PATH", path)
		fetch(b)
	}
	for _, way := range ways {
		b.Run(fmt.Sprintf("%dMiB/%s", mib, way), map[string]func(*testing.B){"pipeline": fetch, "programs": programs, "library": library}[way])
	}
}

// serveImage leaves image.qcow2.xz in the folder, and gives the image's digest and size.
func serveImage(b *testing.B, dir string, mib int) (sum [sha256.Size]byte, size int64) {
	image := distributor.Qcow2(b, mib)
	distributor.Must(b, os.WriteFile(filepath.Join(dir, "image.qcow2"), image, 0o600))
	distributor.Must(b, exec.Command("sh", "-c", `cd "$0" && xz -T0 -0 image.qcow2`, dir).Run())
	return sha256.Sum256(image), int64(len(image))
}

// signPacked leaves its signature beside it, and gives its digest.
func signPacked(b *testing.B, dir string, key *openpgp.Entity) [sha256.Size]byte {
	file, err := os.ReadFile(filepath.Join(dir, "image.qcow2.xz"))
	distributor.Must(b, err)
	distributor.Must(b, os.WriteFile(filepath.Join(dir, "image.qcow2.xz.sig"), distributor.Sign(b, key, file, nil), 0o600))
	return sha256.Sum256(file)
}
