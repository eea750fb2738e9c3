//go:build cgo && libvirt_dlopen

package command

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"coreos-libvirt/internal/cluster/blueprint"
	"coreos-libvirt/internal/engine/libvirt"
	"coreos-libvirt/internal/image/store"
	"coreos-libvirt/internal/image/stream"
)

// stocked puts an image of the stream's version into the store, as a fetch would, and gives its name.
func stocked(t *testing.T, name, version string) string {
	t.Helper()
	kept := store.Store{Dir: run(t).Store}
	system, _, _ := strings.Cut(name, "-")
	i := stream.Image{Name: name, OS: system, Version: version, Arch: run(t).Arch, URL: "https://example.org/x.qcow2", Format: "qcow2"}
	if out, err := exec.Command("qemu-img", "create", "-q", "-f", "qcow2", kept.Path(i), "64M").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	record, _ := json.Marshal(store.Record{Image: i})
	save(t, kept.Path(i)+".json", string(record))
	return name + "@" + version
}

func prune(t *testing.T) (string, error) {
	t.Helper()
	r := run(t)
	err := Prune(t.Context(), r)
	return r.said(), err
}

// TestPruneWaitsForNodesThatAreMadeAnew has a cluster whose nodes still stand on the old image while the new one
// is there: nothing shows yet that it is used.
func TestPruneWaitsForNodesThatAreMadeAnew(t *testing.T) {
	inClone(t)
	mustUp(t, "image="+stocked(t, "fcos-stable", "43.1.3.0"))
	r := run(t, "image="+stocked(t, "fcos-stable", "43.2.3.0"), "recreate=changed")
	through(t, r.Fetch, r.Transpile, r.Discovery, r.Render, r.Define)
	if said, err := prune(t); err == nil || !strings.Contains(err.Error(), "about to use an image") {
		t.Errorf("got %v\n%s", err, said)
	}
	if err := r.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.unlockAll()
	if said, err := prune(t); err != nil || !strings.Contains(said, "fcos-43.1.3.0-x86_64.qcow2 removed") || strings.Contains(said, "43.2") {
		t.Errorf("got %v\n%s", err, said)
	}
}

// TestAKeptNodeHasTheFirmwareOfItsOwnImage has nodes of Fedora CoreOS, and then a Flatcar that wants UEFI and
// another Ignition key: they are told of, and not defined for what they do not boot.
func TestAKeptNodeHasTheFirmwareOfItsOwnImage(t *testing.T) {
	inClone(t)
	mustUp(t, "image="+stocked(t, "fcos-stable", "43.1.3.0"), "nodes=1")
	flatcar := stocked(t, "flatcar-stable", "4593.1.0")
	plans(t, 2, "core01 outdated defined, unchanged; the base image changed: fcos-43.1.3.0-x86_64 → flatcar-4593.1.0-x86_64 since it was made: `… recreate=changed` recreates it",
		"image="+flatcar, "nodes=1")
	plans(t, 2, "core01 recreate the base image changed: fcos-43.1.3.0-x86_64 → flatcar-4593.1.0-x86_64", "image="+flatcar, "nodes=1", "recreate=changed")
	mustUp(t, "image="+flatcar, "nodes=1", "recreate=changed")
	definition, err := os.ReadFile("vm/core01/domain.xml")
	if err != nil || !strings.Contains(string(definition), `firmware="efi"`) && !strings.Contains(string(definition), `firmware='efi'`) ||
		!strings.Contains(string(definition), blueprint.IgnitionKey("flatcar")) {
		t.Errorf("made anew it is for Flatcar: got %v\n%s", err, definition)
	}
}

// uefi is a host that has it, or has not.
// TestANodeKeepsItsFirmware whatever would be chosen by now, and also where it was made by a commit that did not note it.
func TestANodeKeepsItsFirmware(t *testing.T) {
	inClone(t)
	t.Setenv("COREOS_NODES", "1")
	t.Setenv("COREOS_IMAGE", stocked(t, "flatcar-stable", "4593.1.0"))
	mustUp(t, "firmware=bios")
	bootDomain(t, "core01")
	plans(t, 0, "core01 unchanged defined, unchanged") // it would be UEFI
	plans(t, 0, "core01 unchanged defined, unchanged", "firmware=bios")
	const drift = "; firmware= changed from bios to uefi since it was made: `… recreate=changed` recreates it"
	plans(t, 2, "core01 recreate needed defined, left as it is"+drift, "firmware=uefi")
	plans(t, 2, "core01 recreate needed defined, left as it is"+drift, "firmware=uefi", "ram=512")
	mustUp(t, "firmware=uefi", "ram=512")
	if d := theDomain(t, "core01"); strings.Contains(d.XML, "524288") {
		t.Errorf("it was redefined:\n%s", d.XML)
	}
	mustUp(t, "ram=512")
	if d := theDomain(t, "core01"); d.Firmware != "bios" || d.Metadata.Firmware != "bios" || !strings.Contains(d.XML, "524288") {
		t.Errorf("a node that is kept: %s, noted as %s\n%s", d.Firmware, d.Metadata.Firmware, d.XML)
	}
	stopAll(t)
	unnoted := strings.Replace(theDomain(t, "core01").XML, ` firmware="bios"`, "", 1)
	for _, path := range []string{"vm/core01/domain.xml", "vm/core01/defined.xml"} {
		save(t, path, strings.Replace(contents(t, path), ` firmware="bios"`, "", 1))
	}
	if _, err := holderOf(t).Define(unnoted); err != nil {
		t.Fatal(err)
	}
	if d := theDomain(t, "core01"); d.Metadata.Firmware != "" {
		t.Fatalf("it is noted still: %s", d.XML)
	}
	plans(t, 2, "core01 recreate needed defined, left as it is"+drift, "ram=512", "firmware=uefi")
	plans(t, 2, "core01 start it does not run", "ram=512")
	if err := holderOf(t).Remove(theDomain(t, "core01").UUID, run(t).Workspace); err != nil {
		t.Fatal(err)
	}
	mustUp(t, "ram=512") // its domain is made anew on its disk
	if d := theDomain(t, "core01"); d.Firmware != "bios" {
		t.Errorf("a node whose domain is gone: %s", d.Firmware)
	}
	mustUp(t, "recreate=all", "firmware=auto")
	if d := theDomain(t, "core01"); d.Firmware != "uefi" || d.Metadata.Firmware != "uefi" {
		t.Errorf("made anew: %s, noted as %s", d.Firmware, d.Metadata.Firmware)
	}
}

// holderOf is a connection to the driver.
func holderOf(t *testing.T) *libvirt.Conn {
	t.Helper()
	conn, err := run(t).libvirt()
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// TestAnImageOfADiskThatCannotBeRead is in use: a running node's disk is its own user's.
func TestAnImageOfADiskThatCannotBeRead(t *testing.T) {
	inClone(t)
	mustUp(t, "nodes=1", "image="+stocked(t, "fcos-stable", "43.1.3.0"))
	save(t, overlayOf("core01"), "not to be read")
	r := run(t)
	domains, err := r.domains()
	if err != nil {
		t.Fatal(err)
	}
	entries, err := images(r.Store).List()
	if err != nil || len(entries) != 1 {
		t.Fatalf("got %v, %v", entries, err)
	}
	users, err := images(r.Store).Users(t.Context(), entries, mayUse(domains))
	if got := users[entries[0].Path]; err != nil || len(got) != 1 || filepath.Base(got[0]) != "core01.qcow2" {
		t.Errorf("got %v, %v", users, err)
	}
	if said, err := prune(t); err != nil || !strings.Contains(said, "nothing to remove") {
		t.Errorf("got %v\n%s", err, said)
	}
}
