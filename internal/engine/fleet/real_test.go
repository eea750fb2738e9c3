//go:build cgo && libvirt_dlopen

package fleet

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/libvirt"
	"coreos-libvirt/internal/testkit/hypervisor"
)

// real is a domain that QEMU could run.
const real = `<domain type='qemu'><name>core01</name><uuid>00000000-0000-0000-0000-000000000011</uuid>
	<metadata><node xmlns="urn:coreos-libvirt:node:1" workspace="/w" cluster="core" number="1" ignition="aa" base="/b" definition="bb"/></metadata>
	<memory unit='MiB'>64</memory><os><type arch='x86_64'>hvm</type></os></domain>`

// TestHostsBehindSSH: two real libvirts by ssh. One that stands still is silent in time, and its domains are there when it goes on; a lease is
// of one client of theirs, too.
func TestHostsBehindSSH(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("makes namespaces")
	}
	if _, err := exec.LookPath("libvirtd"); err != nil {
		t.Skip("there is no libvirtd")
	}
	const cache = "/var/cache/coreos-libvirt/lab-libvirt" // what the lab's libvirt has found out of QEMU, if it has
	one, two := hypervisor.Start(t, "hv1", cache), hypervisor.Start(t, "hv2", cache)
	specs := []Spec{}
	for _, h := range []*hypervisor.Host{one, two} {
		specs = append(specs, Spec{Name: h.Name, URI: h.URI, Open: func() (On, error) { return libvirt.Open(h.URI, func(error) string { return "" }) }})
	}
	f := open(specs, libvirt.Definitions{}, 5*time.Second)
	t.Cleanup(f.Close)
	f.Assign("core01", "hv2")
	for { // a libvirt that has just started may take longer than a run waits
		if all, err := f.Domains(); err == nil && len(all) == 0 && len(f.Silent()) == 0 {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if _, err := f.Define(real); err != nil {
		t.Fatal(err)
	}
	if has, err := f.PerHost(); err != nil || has["hv1"].Free <= 0 || has["hv2"].CPUs == 0 {
		t.Errorf("got %+v, %v", has, err)
	}
	leased(t, f)

	two.Run(t, "kill -STOP $(pidof libvirtd)")
	began := time.Now()
	all, err := f.Domains()
	took := time.Since(began)
	if err != nil || len(all) > 0 || !strings.Contains(f.Silent()["hv2"].Error(), "the host hv2 ("+two.URI+") does not answer: no answer within 5s") {
		t.Errorf("got %v, %v, %v", all, f.Silent(), err)
	}
	t.Logf("that hv2 does not answer is known after %s", took)
	two.Run(t, "kill -CONT $(pidof libvirtd)")
	for {
		if all, err := f.Domains(); err == nil && all["core01"].Name != "" && f.HostOf("core01") == "hv2" {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	files := engine.Files{Overlay: filepath.Join(t.TempDir(), "core01.qcow2")}
	if err := errors.Join(f.Remove("00000000-0000-0000-0000-000000000011", "/w"), f.Disks().Remove(files)); err != nil {
		t.Error(err)
	}
}

// leased has two clients of hv1 ask for one lease.
func leased(t *testing.T, f *Fleet) {
	t.Helper()
	on, err := f.OnHost("hv1")
	if err != nil {
		t.Fatal(err)
	}
	client, err := libvirt.Open(f.named("hv1").URI, func(error) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	mine, _ := engine.As[engine.Leases](on)
	lease := engine.Lease{ID: "0c2b4e0e-5a0f-4b36-8e36-0a9f7f1d0001", Text: "mine"}
	other := engine.Lease{ID: "0c2b4e0e-5a0f-4b36-8e36-0a9f7f1d0002", Text: "other"}
	if err := errors.Join(mine.PutLease("lease", lease), mine.PutLease("lease", lease)); err != nil {
		t.Fatal(err)
	}
	if err := client.PutLease("lease", other); !errors.Is(err, engine.ErrLeased) {
		t.Errorf("got %v", err)
	}
	if seen, there, err := client.LeaseOf("lease"); !there || seen != lease || err != nil {
		t.Errorf("got %+v, %v", seen, err)
	}
	if err := errors.Join(mine.DropLease(lease.ID), client.PutLease("lease", other), client.DropLease(other.ID)); err != nil {
		t.Error(err)
	}
}
