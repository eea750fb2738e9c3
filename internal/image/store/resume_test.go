package store

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"coreos-libvirt/internal/testkit/distributor"
)

// cutting serves the file, and cuts the first connection at 60 %.
func cutting(d *distributor.Server, path string, then func()) http.HandlerFunc {
	var asked atomic.Int32
	return func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) > 1 {
			d.File(w, r)
			return
		}
		data := d.Files[path]
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

// both are the distributors' newest images, and where their servers have them.
var both = map[string]string{"fcos-stable": distributor.FCOSPath, "flatcar-stable": flatcarPath}

func TestResumeWithinARun(t *testing.T) {
	for name, path := range both {
		d := distributor.New(t)
		f, _ := fetcher(t, d)
		d.Serve[path] = cutting(d, path, nil)
		arrives(t, d, f, name)
		if got := d.Sent(path); got != len(d.Files[path]) {
			t.Errorf("%s: sent %d bytes of %d", name, got, len(d.Files[path]))
		}
	}
}

func TestResumeAcrossRuns(t *testing.T) {
	for name, path := range both {
		d := distributor.New(t)
		f, said := fetcher(t, d)
		f.Client.Tries = 0
		d.Serve[path] = cutting(d, path, nil)
		if at, err := get(t, d, f, name); err == nil {
			t.Fatalf("%s: it was not cut: %s", name, at)
		}
		for _, file := range files(t, f.Dir) { // nothing there may boot
			data, err := os.ReadFile(filepath.Join(f.Dir, file))
			distributor.Must(t, err)
			if strings.HasSuffix(file, ".part") && bytes.HasPrefix(data, []byte(magic)) {
				t.Errorf("%s begins as an image", file)
			}
		}
		arrives(t, d, f, name)
		if got := d.Sent(path); got != len(d.Files[path]) {
			t.Errorf("%s: sent %d bytes of %d", name, got, len(d.Files[path]))
		}
		if !strings.Contains(said.String(), "going on at") {
			t.Errorf("said %q", said)
		}
	}
}

func TestResumeOfAFileThatChanged(t *testing.T) {
	d := distributor.New(t)
	f, said := fetcher(t, d)
	newer := distributor.Packed(t, d.Image, "xz", "-1")
	d.Serve[distributor.FCOSPath] = cutting(d, distributor.FCOSPath, func() {
		d.Files[distributor.FCOSPath], d.Files[distributor.FCOSPath+".sig"] = newer, distributor.Sign(t, d.Key, newer, nil)
	})
	// what it was looked up as is not what it is now: an error, and the next run is good
	if at, err := get(t, d, f, "fcos-stable"); err == nil {
		t.Fatalf("got %s", at)
	}
	if !strings.Contains(said.String(), "from the begin again") {
		t.Errorf("said %q", said)
	}
	d.FCOS(t, newer)
	arrives(t, d, f, "fcos-stable")
}

func TestAServerWithoutRanges(t *testing.T) {
	d := distributor.New(t)
	f, _ := fetcher(t, d)
	cut := cutting(d, distributor.FCOSPath, nil)
	d.Serve[distributor.FCOSPath] = func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Range")
		cut(w, r)
	}
	arrives(t, d, f, "fcos-stable")
}

func TestBytesOfAnEarlierRunThatAreWrong(t *testing.T) {
	d := distributor.New(t)
	f, _ := fetcher(t, d)
	f.Client.Tries = 0
	d.Serve[distributor.FCOSPath] = cutting(d, distributor.FCOSPath, nil)
	_, err := get(t, d, f, "fcos-stable")
	if err == nil {
		t.Fatal("it was not cut")
	}
	part := f.Path(streamImage()) + ".part"
	data, err := os.ReadFile(part)
	distributor.Must(t, err)
	distributor.Must(t, os.WriteFile(part, flipped(data, len(data)-10), 0o600))
	arrives(t, d, f, "fcos-stable")
}
