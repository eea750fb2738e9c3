//go:build cgo && libvirt_dlopen

package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/libvirt"
)

func foreignDomain(t *testing.T, name, uuid string) *Run {
	t.Helper()
	r := run(t)
	if _, err := r.libvirt(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.conn.Define("<domain type='test'><name>" + name + "</name><uuid>" + uuid + "</uuid><memory unit='MiB'>64</memory><os><type>hvm</type></os></domain>"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // it takes metadata to remove it
		const marked = "<domain type='test'><name>{{.Name}}</name><uuid>{{.UUID}}</uuid><metadata>{{.Metadata}}</metadata><memory unit='MiB'>64</memory><os><type>hvm</type></os></domain>"
		definition, err := libvirt.Definitions{}.Fill(marked, engine.Hardware{Name: name, UUID: uuid})
		if err != nil {
			t.Error(err)
			return
		}
		text, _ := definition.With(engine.Metadata{Workspace: r.Workspace})
		_, _ = r.conn.Define(text)
		_ = r.conn.Remove(uuid, r.Workspace)
	})
	return r
}

// TestSomebodyElseIsFaster: a domain of the node's name that comes while the run is on its way.
func TestSomebodyElseIsFaster(t *testing.T) {
	const uuid = "1c0b0ed3-8e5e-5b4e-9c0c-00000000000b"
	inClone(t)
	r := run(t, "nodes=1")
	defer r.unlockAll()
	through(t, r.Claim, r.Fetch, r.Transpile, r.Discovery, r.Render)
	m, err := madeOf(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	p, err := makePlan(t.Context(), r, m, false, askAll(r, r.log))
	if err != nil {
		t.Fatal(err)
	}
	foreignDomain(t, "core01", uuid)
	if out := r.applier(p.domains).Define(t.Context(), p.plan.Steps); len(out.Made) > 0 || len(out.Failed) != 1 {
		t.Errorf("it was defined: %+v", out)
	}
	if d := theDomain(t, "core01"); d.UUID != uuid {
		t.Errorf("somebody else's domain was removed: %+v", d)
	}
}

func TestNothingIsMadeWhereSomethingIsInTheWay(t *testing.T) {
	inClone(t)
	foreignDomain(t, "core02", "1c0b0ed3-8e5e-5b4e-9c0c-00000000000c")
	if said, err := up(t); err == nil || !strings.Contains(err.Error(), "core02: libvirt has a domain of this name that this project did not make") {
		t.Errorf("got %v\n%s", err, said)
	}
	if left := folders(t); left != "" {
		t.Errorf("made were %s", left)
	}
}

func TestADiskBehindASymbolicLink(t *testing.T) {
	inClone(t)
	save(t, overlayOf("core02"), "somebody else's")
	here, _ := os.Getwd()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(here, link); err != nil {
		t.Fatal(err)
	}
	r := foreignDomain(t, "other", "1c0b0ed3-8e5e-5b4e-9c0c-00000000000a")
	if _, err := r.conn.Define("<domain type='test'><name>other</name><uuid>1c0b0ed3-8e5e-5b4e-9c0c-00000000000a</uuid><memory unit='MiB'>64</memory><os><type>hvm</type></os><devices><disk type='file' device='disk'><source file='" + filepath.Join(link, overlayOf("core02")) + "'/><target dev='vda'/></disk></devices></domain>"); err != nil {
		t.Fatal(err)
	}
	if _, err := up(t); err == nil || !strings.Contains(err.Error(), "belongs to the domain other") {
		t.Errorf("got %v", err)
	}
}
