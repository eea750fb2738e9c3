//go:build cgo && libvirt_dlopen

package leases_test

import (
	"errors"
	"testing"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/libvirt"
)

const (
	one   = "0c2b4e0e-5a0f-4b36-8e36-0a9f7f1d0001"
	other = "0c2b4e0e-5a0f-4b36-8e36-0a9f7f1d0002"
)

// TestOneClientHasALease: of two clients the second is refused until the first has given the lease back, whatever stands in it.
func TestOneClientHasALease(t *testing.T) {
	on, err := libvirt.Open("test:///default", func(error) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	defer on.Close()
	if _, there, err := on.LeaseOf("lease"); there || err != nil {
		t.Fatalf("got %v, %v; there is none", there, err)
	}
	for _, text := range []string{"a <b> & \"c\"", "renewed"} {
		if err := on.PutLease("lease", engine.Lease{ID: one, Text: text}); err != nil {
			t.Fatal(err)
		}
		if got, there, err := on.LeaseOf("lease"); !there || err != nil || got != (engine.Lease{ID: one, Text: text}) {
			t.Fatalf("got %+v, %v, %v", got, there, err)
		}
		if err := on.PutLease("lease", engine.Lease{ID: other}); !errors.Is(err, engine.ErrLeased) {
			t.Fatalf("got %v, want that another client has it", err)
		}
	}
	if err := on.DropLease(other); err != nil { // which is not there
		t.Fatal(err)
	}
	if err := errors.Join(on.DropLease(one), on.DropLease(one), on.PutLease("lease", engine.Lease{ID: other})); err != nil {
		t.Fatal(err)
	}
	if got, _, _ := on.LeaseOf("lease"); got.ID != other {
		t.Errorf("got %+v", got)
	}
	if err := on.DropLease(other); err != nil {
		t.Fatal(err)
	}
}

// TestAForeignNetworkIsNoLease: a network of that name that somebody else made is left alone.
func TestAForeignNetworkIsNoLease(t *testing.T) {
	on, err := libvirt.Open("test:///default", func(error) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	defer on.Close()
	got, there, err := on.LeaseOf("default")
	if !there || err != nil || got.Text != "" || got.ID == "" {
		t.Errorf("got %+v, %v, %v", got, there, err)
	}
	if err := on.PutLease("default", engine.Lease{ID: one, Text: "mine"}); !errors.Is(err, engine.ErrLeased) {
		t.Errorf("got %v", err)
	}
}

// TestCapacity: the host has something, by the same connection.
func TestCapacity(t *testing.T) {
	on, err := libvirt.Open("test:///default", func(error) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	defer on.Close()
	got, err := on.Capacity()
	if err != nil || got.CPUs < 1 || got.Memory < 1 || got.Free == 0 {
		t.Errorf("got %+v, %v", got, err)
	}
	t.Logf("%+v", got)
}
