package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/image/download"
	"coreos-libvirt/internal/image/stream"
	"coreos-libvirt/internal/testkit/distributor"
)

// fetcher gets images from the server into a store of its own; said are its lines.
func fetcher(t testing.TB, d *distributor.Server) (f Fetcher, said *strings.Builder) {
	t.Helper()
	client := download.New(d.Client().Transport)
	client.Wait, client.Stall = time.Millisecond, time.Minute
	said = &strings.Builder{}
	return Fetcher{
		Store: Store{t.TempDir()}, Client: client, Keyring: distributor.Keyring(t, d.Key),
		Say:   func(format string, args ...any) { fmt.Fprintf(said, format+"\n", args...) },
		Meter: func(int64, int64) Meter { return distributor.Discard{} },
	}, said
}

// get looks the name up and fetches it.
func get(t testing.TB, d *distributor.Server, f Fetcher, name string) (string, error) {
	t.Helper()
	return getFor(t, d, f, name, "x86_64")
}

func getFor(t testing.TB, d *distributor.Server, f Fetcher, name, arch string) (string, error) {
	t.Helper()
	parsed, ok, err := stream.Parse(name)
	if !ok || err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	source := stream.Source{FCOS: d.URL, Flatcar: d.URL, Get: f.Client.Document}
	image, err := source.Lookup(t.Context(), parsed, arch)
	if err != nil {
		return "", err
	}
	return f.Fetch(t.Context(), image)
}
