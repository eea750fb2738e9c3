//go:build cgo && libvirt_dlopen

package libvirt

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"libvirt.org/go/libvirt"

	"coreos-libvirt/internal/engine"
)

// TestRefusalsThatGoBy are tried again until libvirt takes the call; others are not.
func TestRefusalsThatGoBy(t *testing.T) {
	conn := open(t)
	for _, refusal := range []error{
		libvirt.Error{Code: libvirt.ERR_OPERATION_TIMEOUT, Message: "cannot acquire state change lock (held by monitor=remoteDispatchDomainCreate)"},
		libvirt.Error{Code: libvirt.ERR_INTERNAL_ERROR, Message: "pool 'default' has asynchronous jobs running."},
		libvirt.Error{Code: libvirt.ERR_RESOURCE_BUSY, Message: "busy"},
	} {
		tries := 0
		err := conn.use(func(*libvirt.Connect) error {
			if tries++; tries < 3 {
				return refusal
			}
			return nil
		})
		if err != nil || tries != 3 {
			t.Errorf("%v: %d tries, %v", refusal, tries, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	conn.Until(ctx)
	time.AfterFunc(300*time.Millisecond, cancel)
	begin := time.Now()
	err := conn.use(func(*libvirt.Connect) error { return libvirt.Error{Code: libvirt.ERR_RESOURCE_BUSY} })
	if took := time.Since(begin); !errors.Is(err, context.Canceled) || took > restartPatience/2 {
		t.Errorf("interrupted: got %v after %s", err, took)
	}
	conn.Until(t.Context())
	tries := 0
	err = conn.use(func(*libvirt.Connect) error {
		tries++
		return libvirt.Error{Code: libvirt.ERR_NO_DOMAIN, Message: "no such domain"}
	})
	if err == nil || tries != 1 {
		t.Errorf("%d tries, %v", tries, err)
	}
}

// TestStartOfWhatDoesNotRun lets a paused domain go on, and boots one that was ended meanwhile.
func TestStartOfWhatDoesNotRun(t *testing.T) {
	conn := open(t)
	if _, err := conn.Define(definition("core01", ours)); err != nil {
		t.Fatal(err)
	}
	domains, err := conn.Domains()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Remove(domains["core01"].UUID, "/w") }()
	for _, before := range []func(*libvirt.Domain) error{(*libvirt.Domain).Create, (*libvirt.Domain).Suspend, (*libvirt.Domain).Destroy} {
		if err := conn.with("core01", before); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		if err := conn.Start("core01"); err != nil {
			t.Error(err)
		}
		if state, err := conn.State("core01"); err != nil || state != engine.Running {
			t.Errorf("got %s, %v", state, err)
		}
		if at := conn.Started("core01", begin); at.Before(begin) {
			t.Errorf("started at %s, before %s", at, begin)
		}
	}
}

func TestBusyChannels(t *testing.T) {
	for text, want := range map[string]bool{
		"operation failed: Active channel stream exists for this domain":                              true,
		"Requested device /dev/pts/3 is locked by lock file /var/lock/LCK..pts..3 held by process 99": true,
		"argument unsupported: cannot find channel x":                                                 false,
	} {
		if got := busy(errors.New(text)); got != want {
			t.Errorf("%s: got %t", text, got)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := open(t).Channel(ctx, "test", "x"); err == nil || errors.Is(err, engine.ErrBusy) {
		t.Errorf("got %v", err)
	}
}

// TestOnlyAnswersAboutKVMAreKept: a daemon that was away may have it all the same.
func TestOnlyAnswersAboutKVMAreKept(t *testing.T) {
	for _, e := range []struct {
		code libvirt.ErrorNumber
		want bool
	}{{libvirt.ERR_INVALID_ARG, true}, {libvirt.ERR_CONFIG_UNSUPPORTED, true}, {libvirt.ERR_RPC, false}, {libvirt.ERR_SYSTEM_ERROR, false}, {libvirt.ERR_INTERNAL_ERROR, false}} {
		if got := definite(fmt.Errorf("x: %w", libvirt.Error{Code: e.code})); got != e.want {
			t.Errorf("%d: got %t", e.code, got)
		}
	}
	conn := open(t)
	if has := conn.HasKVM("x86_64"); has {
		t.Error("libvirt's test driver has no KVM")
	}
	if _, kept := conn.kvm.Load("x86_64"); !kept {
		t.Error("its answer was definite, and is not kept")
	}
}

// TestALibvirtThatDoesNotSayMayHaveUEFI as its test driver does not.
func TestALibvirtThatDoesNotSayMayHaveUEFI(t *testing.T) {
	if has := open(t).HasUEFI("x86_64"); !has {
		t.Error("it has none")
	}
}
