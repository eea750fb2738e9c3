package store

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"coreos-libvirt/internal/image/download"
	"coreos-libvirt/internal/image/stream"
	"coreos-libvirt/internal/testkit/distributor"
)

// BenchmarkFetch gets an image of 1 GiB from a loopback server, in turn by the pipeline and by the programs that
// one would take by hand, which write nothing to a disk and check no signature: each as fast as its fastest of
// rounds.
func BenchmarkFetch(b *testing.B) {
	b.Run("1024MiB", func(b *testing.B) {
		w := newWays(b, 1024)
		for b.Loop() {
			pipeline, programs := used{time.Hour, time.Hour}, used{time.Hour, time.Hour}
			for range rounds {
				programs = programs.least(measured(func() { w.programs(b) }))
				pipeline = pipeline.least(measured(func() { w.fetch(b) }))
			}
			b.ReportMetric(w.rate(pipeline.time), "pipeline-MB/s")
			b.ReportMetric(w.rate(programs.time), "programs-MB/s")
			b.ReportMetric(programs.time.Seconds()/pipeline.time.Seconds(), "ratio")
			b.ReportMetric(pipeline.cpu.Seconds(), "pipeline-cpu-s")
			b.ReportMetric(programs.cpu.Seconds(), "programs-cpu-s")
		}
	})
}

// rounds of each way, of which the fastest counts: other processes only ever make it slower.
const rounds = 3

// used is what a way took: time, and that of processors, of this process with its server and of the programs.
type used struct{ time, cpu time.Duration }

func (u used) least(v used) used { return used{min(u.time, v.time), min(u.cpu, v.cpu)} }

func measured(run func()) used {
	begin, before := time.Now(), processors()
	run()
	return used{time.Since(begin), processors() - before}
}

func processors() (all time.Duration) {
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if syscall.Getrusage(who, &u) == nil {
			all += time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
	}
	return all
}

// ways to get an image.
type ways struct {
	image stream.Image
	ring  string
}

func newWays(b *testing.B, mib int) ways {
	dir := b.TempDir()
	unpacked, size := serveImage(b, dir, mib)
	key := distributor.NewKey(b, nil)
	packedSum := signPacked(b, dir, key)
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	b.Cleanup(server.Close)
	return ways{ring: distributor.Keyring(b, key), image: stream.Image{
		OS: "fcos", Version: "1", Arch: "x86_64", URL: server.URL + "/image.qcow2.xz", Signature: server.URL + "/image.qcow2.xz.sig",
		Format: "qcow2.xz", SHA256: hex.EncodeToString(packedSum[:]), UnpackedSHA256: hex.EncodeToString(unpacked[:]), UnpackedSize: size,
	}}
}

func (w ways) rate(d time.Duration) float64 { return float64(w.image.UnpackedSize) / d.Seconds() / 1e6 }

func (w ways) fetch(b *testing.B) {
	f := Fetcher{
		Store: Store{b.TempDir()}, Client: download.New(http.DefaultTransport), Keyring: w.ring,
		Say: func(string, ...any) {}, Meter: func(int64, int64) Meter { return distributor.Discard{} },
	}
	path, err := f.Fetch(b.Context(), w.image)
	distributor.Must(b, err)
	distributor.Must(b, os.Remove(path))
}

func (w ways) programs(b *testing.B) {
	out, err := exec.Command("sh", "-c", `curl -s "$0" | xz -dc -T0 | sha256sum`, w.image.URL).Output()
	distributor.Must(b, err)
	if !strings.HasPrefix(string(out), w.image.UnpackedSHA256) {
		b.Fatalf("got %s", out)
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
