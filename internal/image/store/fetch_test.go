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
	"syscall"
	"testing"

	"coreos-libvirt/internal/image/stream"
	"coreos-libvirt/internal/testkit/distributor"
)

// arrived makes sure that the image is at its path, read-only, and nothing beside it but its record.
func arrived(t testing.TB, d *distributor.Server, f Fetcher, path string) {
	t.Helper()
	got, err := os.ReadFile(path)
	distributor.Must(t, err)
	if !bytes.Equal(got, d.Image) {
		t.Errorf("%s holds other bytes", path)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o444 {
		t.Errorf("its mode is %v", info.Mode())
	}
	if left := files(t, f.Dir); fmt.Sprint(left) != fmt.Sprint([]string{filepath.Base(path), filepath.Base(path) + ".json"}) {
		t.Errorf("the store has %v", left)
	}
	var record Record
	distributor.Must(t, readJSON(recordOf(path), &record))
	if record.Signer != fmt.Sprintf("%X", d.Key.PrimaryKey.Fingerprint) || record.Fetched.IsZero() || record.URL == "" {
		t.Errorf("the record is %+v", record)
	}
}

// arrives gets an image that must arrive, and gives its path.
func arrives(t testing.TB, d *distributor.Server, f Fetcher, name string) (path string) {
	t.Helper()
	path, err := get(t, d, f, name)
	distributor.Must(t, err)
	arrived(t, d, f, path)
	return path
}

// files are the names of the files in the folder, without those of folders below.
func files(t testing.TB, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	distributor.Must(t, err)
	for _, e := range entries {
		if !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

func TestFetch(t *testing.T) {
	for name, file := range map[string]string{
		"fcos-stable":                               "fcos-" + distributor.FCOSVersion + "-x86_64.qcow2",
		"fcos-stable@" + distributor.FCOSVersion:    "fcos-" + distributor.FCOSVersion + "-x86_64.qcow2",
		"flatcar-stable":                            "flatcar-" + distributor.FlatcarVersion + "-x86_64.qcow2",
		"flatcar-lts@" + distributor.FlatcarVersion: "flatcar-" + distributor.FlatcarVersion + "-x86_64.qcow2",
	} {
		t.Run(name, func(t *testing.T) {
			d := distributor.New(t)
			f, said := fetcher(t, d)
			if path := arrives(t, d, f, name); filepath.Base(path) != file {
				t.Errorf("it is at %s", path)
			}
			if !strings.Contains(said.String(), "fetched and verified") {
				t.Errorf("said %q", said)
			}
		})
	}
}

func TestOnlyOneFetches(t *testing.T) {
	d := distributor.New(t)
	f, _ := fetcher(t, d)
	f.Say = func(string, ...any) {}
	done := make(chan error)
	for range 4 {
		go func() { _, err := get(t, d, f, "fcos-stable"); done <- err }()
	}
	for range 4 {
		distributor.Must(t, <-done)
	}
	if got := d.Sent(distributor.FCOSPath); got != len(d.Files[distributor.FCOSPath]) {
		t.Errorf("sent %d bytes of an image of %d", got, len(d.Files[distributor.FCOSPath]))
	}
}

func TestAnErrorOfTheServerIsTriedAgain(t *testing.T) {
	d := distributor.New(t)
	f, _ := fetcher(t, d)
	for _, path := range []string{"/streams/stable.json", distributor.FCOSPath, distributor.FCOSPath + ".sig"} {
		var asked atomic.Int32
		d.Serve[path] = func(w http.ResponseWriter, r *http.Request) {
			if asked.Add(1) == 1 {
				http.Error(w, "overloaded", http.StatusInternalServerError)
				return
			}
			d.File(w, r)
		}
	}
	arrives(t, d, f, "fcos-stable")
}

func TestDiskFull(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting a small tmpfs needs root")
	}
	d := distributor.New(t)
	f, _ := fetcher(t, d)
	small := t.TempDir()
	distributor.Must(t, syscall.Mount("tmpfs", small, "tmpfs", 0, "size=6m"))
	t.Cleanup(func() { _ = syscall.Unmount(small, 0) })
	f.Dir = small
	at, err := get(t, d, f, "fcos-stable")
	if err == nil || !strings.Contains(err.Error(), "has no room for it") || !strings.Contains(err.Error(), "hint: `mage prune`") {
		t.Fatalf("got %q and %v", at, err)
	}
	if left := files(t, small); len(left) > 0 {
		t.Errorf("left are %v", left)
	}
	distributor.Must(t, syscall.Mount("tmpfs", small, "tmpfs", syscall.MS_REMOUNT, "size=64m"))
	arrives(t, d, f, "fcos-stable")
}

func TestAURLWithItsDigest(t *testing.T) {
	d := distributor.New(t)
	f, _ := fetcher(t, d)
	for _, pack := range [][]string{{"xz", "-0"}, {"gzip", "-1"}, {"bzip2", "-1"}, {"cat"}} {
		file := distributor.Packed(t, d.Image, pack...)
		ending := map[string]string{"xz": ".xz", "gzip": ".gz", "bzip2": ".bz2", "cat": ""}[pack[0]]
		d.Files["/my.qcow2"+ending] = file
		i := stream.Image{URL: d.URL + "/my.qcow2" + ending, Format: "qcow2" + ending, SHA256: fmt.Sprintf("%x", sha256.Sum256(file))}
		path, err := f.Fetch(t.Context(), i)
		distributor.Must(t, err)
		got, err := os.ReadFile(path)
		distributor.Must(t, err)
		if !bytes.Equal(got, d.Image) {
			t.Errorf("%s: other bytes", pack[0])
		}
		i.SHA256 = strings.Repeat("0", 64)
		if _, err := f.Fetch(t.Context(), i); err == nil || !strings.Contains(err.Error(), "has the sha256") {
			t.Errorf("%s: got %v", pack[0], err)
		}
	}
	secret := strings.Replace(d.URL, "https://", "https://me:geheim@", 1) + "/my.qcow2?token=geheim"
	if _, err := f.Fetch(t.Context(), stream.Image{URL: secret}); err == nil || !strings.Contains(err.Error(), "cannot be verified") || strings.Contains(err.Error(), "geheim") {
		t.Errorf("without a digest: got %v", err)
	}
}
