//go:build cgo && libvirt_dlopen

package command

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/workspace/session"
)

// HostCheck prints each check, and fails where one does.
func TestHostCheck(t *testing.T) {
	inClone(t)
	r := run(t, "bridge=no-such-bridge", "accel=tcg")
	var status session.ExitStatus
	if err := HostCheck(t.Context(), r); !errors.As(err, &status) || status != 1 {
		t.Errorf("got %v", err)
	}
	for _, want := range []string{
		"ok    programs             qemu-img, ssh\n", "ok    libvirt              test:///default, libvirt ", "ok    KVM                  not used: accel=tcg\n",
		"FAIL  QEMU                 QEMU 0.0.2 does not know -fw_cfg, 2.4 does\n      use a newer distribution\n", // the in-process driver's own version
		"FAIL  network              there is no bridge no-such-bridge\n      sudo env PATH=\"$PATH\" mage host:setup bridge=no-such-bridge apply=true",
	} {
		if !strings.Contains(r.said(), want) {
			t.Errorf("no %q in\n%s", want, r.said())
		}
	}
	r = run(t, "accel=auto", "network=default")
	_ = HostCheck(t.Context(), r)
	for _, want := range []string{
		"FAIL  KVM                  libvirt offers no KVM for ", "ok    network              network default, on virbr0\n",
		"ok    packet filter        no bridge of the host's is used\n", // whatever bridge= is
	} {
		if !strings.Contains(r.said(), want) {
			t.Errorf("no %q in\n%s", want, r.said())
		}
	}
}

// BenchmarkPreflight is the look that `up` takes first, less the connection to libvirt.
func BenchmarkPreflight(b *testing.B) {
	inClone(b)
	r := run(b, "bridge=lo")
	for b.Loop() {
		host.RunAll(b.Context(), toBeRun(r, 3).Preflight())
	}
}

// With format=json, programs read it.
func TestHostCheckJSON(t *testing.T) {
	inClone(t)
	r := run(t, "format=json", "accel=tcg", "bridge=no-such-bridge")
	var status session.ExitStatus
	if err := HostCheck(t.Context(), r); !errors.As(err, &status) || status != 1 {
		t.Errorf("got %v", err)
	}
	results := []host.Result{}
	if err := json.Unmarshal([]byte(r.said()), &results); err != nil {
		t.Fatalf("%v\n%s", err, r.said())
	}
	find := func(name string) host.Result {
		i := slices.IndexFunc(results, func(r host.Result) bool { return r.Check == name })
		if i < 0 {
			t.Fatalf("no %s in %+v", name, results)
		}
		return results[i]
	}
	if got := find("network"); got.OK || got.Warning || got.Found != "there is no bridge no-such-bridge" || !strings.Contains(got.Remedy, "mage host:setup bridge=no-such-bridge apply=true") {
		t.Errorf("got %+v", got)
	}
	if got := find("KVM"); !got.OK || got.Remedy != "" {
		t.Errorf("got %+v", got)
	}
}

// Memory and disk are asked for the nodes that do not run yet.
func TestHostCheckCountsWhatIsToStart(t *testing.T) {
	inClone(t)
	mustUp(t)
	for words, want := range map[string]string{"nodes=2": "0 nodes want 0 MiB", "nodes=3": "1 nodes want 1024 MiB"} {
		r := run(t, words, "ram=1024")
		_ = HostCheck(t.Context(), r)
		if !strings.Contains(r.said(), want) {
			t.Errorf("%s: no %q in\n%s", words, want, r.said())
		}
	}
}

// Without libvirt the checks that ask it say so, and the others look on.
func TestHostCheckWithoutLibvirt(t *testing.T) {
	inClone(t)
	r := run(t, "uri=qemu+unix:///system?socket=/nowhere", "accel=kvm")
	_ = HostCheck(t.Context(), r)
	for _, want := range []string{"FAIL  libvirt              no libvirt at uri=qemu+unix:///system?socket=/nowhere", "FAIL  QEMU                 not looked at: there is no libvirt to ask", "FAIL  KVM                  not looked at", "2 nodes want "} {
		if !strings.Contains(r.said(), want) {
			t.Errorf("no %q in\n%s", want, r.said())
		}
	}
}

// Nothing of this host is said of another one, and what to try by hand is said if that has no libvirt to ask.
func TestHostCheckOfAnotherHost(t *testing.T) {
	inClone(t)
	r := run(t, "uri=qemu+ssh://me@hv.invalid:2222/system", "accel=kvm", "bridge=lo")
	var status session.ExitStatus
	if err := HostCheck(t.Context(), r); !errors.As(err, &status) || status != 1 {
		t.Errorf("got %v", err)
	}
	for _, want := range []string{
		"FAIL  libvirt              no libvirt at uri=qemu+ssh://me@hv.invalid:2222/system: ", "      `ssh -p 2222 me@hv.invalid virsh version` must work without a question",
		"ok    rights               not looked at: remote\n", "ok    packet filter        not looked at: remote\n", "ok    confinement          not looked at: remote\n", "ok    clock                not looked at: remote\n",
		"FAIL  network              not looked at: there is no libvirt to ask\n", "FAIL  memory               not looked at: there is no libvirt to ask\n", "FAIL  disk space           not looked at: there is no libvirt to ask\n",
		"ok    programs             qemu-img, ssh, on this host\n",
	} {
		if !strings.Contains(r.said(), want) {
			t.Errorf("no %q in\n%s", want, r.said())
		}
	}
	for _, never := range []string{"vm/ for QEMU", "MiB available", "group libvirt"} {
		if strings.Contains(r.said(), never) {
			t.Errorf("it says %q of this host:\n%s", never, r.said())
		}
	}
}

// A network of libvirt's that does not run is one for the set-up to start; one that is not there is a wrong name.
func TestHostCheckOfANetwork(t *testing.T) {
	inClone(t)
	r := run(t, "network=default")
	conn, err := r.libvirt()
	if err != nil {
		t.Fatal(err)
	}
	if found, err := toBeRun(r, 0).Look(); err != nil || found != "network default, on virbr0" {
		t.Errorf("got %s, %v", found, err)
	}
	conn.Close()
	r = run(t, "network=default", "uri=qemu+unix:///system?socket=/nowhere")
	if _, err := toBeRun(r, 0).Look(); err == nil || !strings.Contains(err.Error(), "\nhint: sudo env PATH=\"$PATH\" mage host:setup network=default apply=true") {
		t.Errorf("got %v", err)
	}
	r = run(t, "network=no-such-network")
	if _, err := toBeRun(r, 0).Look(); err == nil || !strings.Contains(err.Error(), "hint: libvirt has network=default") {
		t.Errorf("got %v", err)
	}
}
