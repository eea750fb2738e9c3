package store

import (
	"bytes"
	"crypto/sha512"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"testing"

	"coreos-libvirt/internal/image/stream"
	"coreos-libvirt/internal/testkit/distributor"
)

const flatcarPath = "/amd64-usr/" + distributor.FlatcarVersion + "/flatcar_production_qemu_image.img"

// TestFaultsOfFlatcar is TestFaults where the image is kept as it comes: no program sees that bytes are wrong.
func TestFaultsOfFlatcar(t *testing.T) {
	for name, c := range map[string]struct {
		breaks func(t *testing.T, d *distributor.Server)
		want   string
	}{
		"a truncated body": {func(_ *testing.T, d *distributor.Server) {
			d.Files[flatcarPath] = d.Files[flatcarPath][:3<<20]
		}, "the signature does not hold"},
		"a flipped byte in the image": {func(_ *testing.T, d *distributor.Server) {
			d.Files[flatcarPath] = flipped(d.Files[flatcarPath], 3<<20)
		}, "the signature does not hold"},
		"a flipped byte in the signature": {func(_ *testing.T, d *distributor.Server) {
			signature := d.Files[flatcarPath+".sig"]
			d.Files[flatcarPath+".sig"] = flipped(signature, len(signature)-8)
		}, "the signature does not hold"},
		"a missing signature": {func(_ *testing.T, d *distributor.Server) { delete(d.Files, flatcarPath+".sig") }, "no signature: "},
		"a signature by another key": {func(t *testing.T, d *distributor.Server) {
			d.Files[flatcarPath+".sig"] = distributor.Sign(t, distributor.NewKey(t, nil), d.Image, nil)
		}, "by a key that is not trusted"},
		"a sha512 that does not fit": {func(_ *testing.T, d *distributor.Server) {
			right := fmt.Appendf(nil, "%x", sha512.Sum512(d.Image))
			d.Files[flatcarPath+".DIGESTS"] = bytes.ReplaceAll(d.Files[flatcarPath+".DIGESTS"], right, bytes.Repeat([]byte("a"), 128))
		}, "has the sha512"},
		"digests without one": {func(_ *testing.T, d *distributor.Server) {
			d.Files[flatcarPath+".DIGESTS"] = []byte("# MD5 HASH\nabc  flatcar_production_qemu_image.img\n")
		}, "the DIGESTS have no SHA512"},
		"a version that is none": {func(_ *testing.T, d *distributor.Server) {
			d.Files["/amd64-usr/current/version.txt"] = []byte("FLATCAR_VERSION=../x\n")
		}, "404"},
		"a 404": {func(_ *testing.T, d *distributor.Server) { delete(d.Files, flatcarPath) }, "404 Not Found"},
		"no version text": {func(_ *testing.T, d *distributor.Server) {
			d.Files["/amd64-usr/current/version.txt"] = []byte("<html>")
		}, "names no FLATCAR_VERSION"},
		"a bomb past its size": {func(t *testing.T, d *distributor.Server) {
			d.Files[flatcarPath] = bomb(d.Image)
			d.Files[flatcarPath+".sig"] = distributor.Sign(t, d.Key, d.Files[flatcarPath], nil)
		}, "larger than it may be"},
		"a redirect to http": {func(_ *testing.T, d *distributor.Server) {
			d.Serve[flatcarPath] = http.RedirectHandler("http://127.0.0.1:1/x", http.StatusFound).ServeHTTP
		}, "from https to http"},
		"a server that cuts each time": {func(_ *testing.T, d *distributor.Server) {
			d.Serve[flatcarPath] = func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
		}, "flatcar_production_qemu_image.img: "},
	} {
		t.Run(name, func(t *testing.T) {
			d := distributor.New(t)
			d.Config.ErrorLog = nil
			f, _ := fetcher(t, d)
			good := snapshotOf(d)
			c.breaks(t, d)
			if path, err := get(t, d, f, "flatcar-stable"); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("want an error with %q, got %q and %v", c.want, path, err)
			}
			if left := files(t, f.Dir); len(left) > 0 {
				t.Errorf("left are %v", left)
			}
			restore(d, good)
			arrives(t, d, f, "flatcar-stable")
		})
	}
}

// TestFlatcarsImageByEachOfItsNames: the file is one, and .DIGESTS may have it by the other name. arm64 has only the second.
func TestFlatcarsImageByEachOfItsNames(t *testing.T) {
	const first, second = distributor.FlatcarFile, distributor.FlatcarUEFIFile
	for _, c := range []struct{ arch, board, file, named string }{
		{"x86_64", "amd64-usr", first, second},
		{"x86_64", "amd64-usr", second, second},
		{"x86_64", "amd64-usr", second, first},
		{"aarch64", "arm64-usr", second, second},
		{"aarch64", "arm64-usr", second, first},
		{"aarch64", "arm64-usr", first, first},
	} {
		d := distributor.New(t)
		clear(d.Files)
		d.FlatcarBoard(t, c.board, c.file, c.named)
		f, _ := fetcher(t, d)
		path, err := getFor(t, d, f, "flatcar-stable", c.arch)
		if err != nil {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		arrived(t, d, f, path)
		if got := d.Sent("/" + c.board + "/" + distributor.FlatcarVersion + "/" + c.file); got != len(d.Image) {
			t.Errorf("%+v: %d bytes were sent", c, got)
		}
	}
}

// TestFlatcarWithoutAnImage tells of every name that was tried.
func TestFlatcarWithoutAnImage(t *testing.T) {
	d := distributor.New(t)
	delete(d.Files, flatcarPath+".DIGESTS")
	f, _ := fetcher(t, d)
	if _, err := get(t, d, f, "flatcar-stable"); err == nil || strings.Count(err.Error(), "404 Not Found") != 2 || !strings.Contains(err.Error(), distributor.FlatcarUEFIFile) {
		t.Errorf("got %v", err)
	}
	d.Flatcar(t)
	d.Serve[flatcarPath+".DIGESTS"] = func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) }
	if _, err := get(t, d, f, "flatcar-stable"); err == nil || !strings.Contains(err.Error(), "403") || strings.Contains(err.Error(), distributor.FlatcarUEFIFile) {
		t.Errorf("what is refused is not looked for elsewhere: got %v", err)
	}
}

// TestRedirectsToHTTP of what is not the image.
func TestRedirectsToHTTP(t *testing.T) {
	for _, path := range []string{"/streams/stable.json", distributor.FCOSPath + ".sig", "/fedora.gpg"} {
		d := distributor.New(t)
		f, _ := fetcher(t, d)
		pin(t, d, &f, d.Key, d.Key)
		d.Serve[path] = http.RedirectHandler("http://127.0.0.1:1/x", http.StatusFound).ServeHTTP
		if at, err := get(t, d, f, "fcos-stable"); err == nil || !strings.Contains(err.Error(), "from https to http") {
			t.Errorf("%s: got %q, %v", path, at, err)
		}
	}
}

// TestAFileThatChangedSinceTheLastRun is cut in the first run; in the second it is another one, with metadata
// that fit.
func TestAFileThatChangedSinceTheLastRun(t *testing.T) {
	for name, path := range both {
		d := distributor.New(t)
		f, said := fetcher(t, d)
		tries := f.Client.Tries
		f.Client.Tries = 0
		d.Serve[path] = cutting(d, path, nil)
		if at, err := get(t, d, f, name); err == nil {
			t.Fatalf("%s: it was not cut: %s", name, at)
		}
		f.Client.Tries = tries
		d.Image = distributor.Qcow2(t, 6)
		d.FCOS(t, distributor.Packed(t, d.Image, "xz", "-1"))
		d.Flatcar(t)
		arrives(t, d, f, name)
		if !strings.Contains(said.String(), "from the begin again: ") {
			t.Errorf("%s: said %q", name, said)
		}
	}
}

func TestAnImageWithItsDataElsewhere(t *testing.T) {
	d := distributor.New(t)
	f, _ := fetcher(t, d)
	dir := t.TempDir()
	distributor.Packed(t, nil, "qemu-img", "create", "-q", "-f", "qcow2", "-o", "data_file="+dir+"/data", dir+"/x", "1M")
	var err error
	d.Image, err = os.ReadFile(dir + "/x")
	distributor.Must(t, err)
	d.FCOS(t, distributor.Packed(t, d.Image, "xz"))
	if path, err := get(t, d, f, "fcos-stable"); err == nil || !strings.Contains(err.Error(), "keeps its data in another file") {
		t.Errorf("got %q, %v", path, err)
	}
}

// TestBytesOfAnotherBody has a body of zeros come where a file of before was not cut to nothing.
func TestBytesOfAnotherBody(t *testing.T) {
	path := t.TempDir() + "/x"
	distributor.Must(t, os.WriteFile(path, bytes.Repeat([]byte{0xff}, 2*headSize), 0o600))
	distributor.Must(t, os.WriteFile(headOf(path), []byte("short"), 0o600))
	w, err := openWithheld(path)
	distributor.Must(t, err)
	defer w.Close()
	want := append([]byte("short"), make([]byte, 2*headSize-5)...)
	if _, err := w.Write(want[5:]); err != nil {
		t.Fatal(err)
	}
	distributor.Must(t, w.release())
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("other bytes, %v", err)
	}
}

func TestPathsOfURLs(t *testing.T) {
	s := Store{Dir: "/s"}
	for url, want := range map[string]string{
		"https://x.org/a/my.qcow2.xz":         "/s/my-0123456789ab.qcow2",
		"https://x.org/a/my.img?b=/c/d.qcow2": "/s/my-0123456789ab.qcow2",
		"https://me:secret@x.org":             "/s/image-0123456789ab.qcow2",
		"https://x.org/%2e%2e%2f":             "/s/image-0123456789ab.qcow2",
	} {
		if got := s.Path(stream.Image{URL: url, SHA256: strings.Repeat("0123456789abcdef", 4)}); got != want {
			t.Errorf("%s: got %s", url, got)
		}
	}
}

func TestTheNewestOfAStream(t *testing.T) {
	s := Store{Dir: t.TempDir()}
	for _, i := range []stream.Image{
		{Name: "fcos-stable", OS: "fcos", Version: "43.20260101.3.0", Arch: "x86_64"},
		{Name: "fcos-stable", OS: "fcos", Version: "9.20260101.3.0", Arch: "x86_64"},
		{Name: "fcos-stable", OS: "fcos", Version: "44.20260101.3.0", Arch: "aarch64"},
		{Name: "fcos-next", OS: "fcos", Version: "45.20260101.1.0", Arch: "x86_64"},
		{Name: "fcos-stable", OS: "fcos", Version: "46.20260101.3.0", Arch: "x86_64"},
	} {
		distributor.Must(t, writeJSON(recordOf(s.Path(i)), Record{Image: i}))
		if i.Version[:2] != "46" { // of this there is but a record
			distributor.Must(t, os.WriteFile(s.Path(i), nil, 0o600))
		}
	}
	name := stream.Name{OS: "fcos", Channel: "stable"}
	for not, want := range map[string]string{"": "43.20260101.3.0", "43.20260101.3.0": "9.20260101.3.0"} {
		if got, ok := s.Newest(name, "x86_64", not); !ok || got.Version != want {
			t.Errorf("got %+v", got)
		}
	}
	if got, ok := s.Newest(stream.Name{OS: "flatcar", Channel: "stable"}, "x86_64", ""); ok {
		t.Errorf("got %+v", got)
	}
	if _, err := s.RecordAt(s.Path(stream.Image{OS: "fcos", Version: "46.20260101.3.0", Arch: "x86_64"})); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a record without an image: got %v", err)
	}
}
