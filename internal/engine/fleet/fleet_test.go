//go:build cgo && libvirt_dlopen

package fleet

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/libvirt"
	"coreos-libvirt/internal/testkit/pace"
)

// definition is a domain of the test driver: the node of that number, or with 0 one of somebody else.
func definition(name string, number int) string {
	mark := ""
	if number > 0 {
		mark = fmt.Sprintf(`<node xmlns="urn:coreos-libvirt:node:1" workspace="/w" cluster="core" number="%d" ignition="aa" base="/b" definition="bb"/>`, number)
	}
	return fmt.Sprintf(`<domain type='test'><name>%s</name><uuid>00000000-0000-0000-0000-0000000000%02d</uuid><metadata>%s</metadata><memory unit='MiB'>64</memory>
		<os><type>hvm</type></os></domain>`, name, number+10, mark)
}

// specOf is a host: a libvirt of its own, with these domains.
func specOf(t *testing.T, name string, domains ...string) Spec {
	t.Helper()
	path := filepath.Join(t.TempDir(), name+".xml")
	if err := os.WriteFile(path, []byte("<node>"+strings.Join(domains, "")+"</node>"), 0o600); err != nil {
		t.Fatal(err)
	}
	uri := "test://" + path
	return Spec{Name: name, URI: uri, Open: func() (On, error) { return libvirt.Open(uri, func(error) string { return "no advice" }) }}
}

// silentSpec is a host whose libvirt never answers: a fake, as a real one cannot be made to on demand.
func silentSpec(t *testing.T, name string) Spec {
	ended := t.Context()
	return Spec{Name: name, URI: "fake://" + name, Open: func() (On, error) { <-ended.Done(); return nil, ended.Err() }}
}

func opened(t *testing.T, specs ...Spec) *Fleet {
	t.Helper()
	f := open(specs, libvirt.Definitions{}, 2*time.Second)
	t.Cleanup(f.Close)
	return f
}

func names[T any](m map[string]T) string { return strings.Join(slices.Sorted(maps.Keys(m)), " ") }

// TestEachDomainIsOnItsHost: what is asked or changed of a domain reaches the host that has it, and no other.
func TestEachDomainIsOnItsHost(t *testing.T) {
	f := opened(t, specOf(t, "a", definition("core01", 1)), specOf(t, "b", definition("core02", 2), definition("else", 0)))
	for _, list := range []func() (map[string]engine.Domain, error){f.Domains, f.Defined} {
		if all, err := list(); err != nil || names(all) != "core01 core02 else" {
			t.Fatalf("got %v, %v", names(all), err)
		}
	}
	if f.HostOf("core01") != "a" || f.HostOf("core02") != "b" || f.HostOf("core03") != "" {
		t.Errorf("got %s, %s and %s", f.HostOf("core01"), f.HostOf("core02"), f.HostOf("core03"))
	}
	if err := errors.Join(f.Destroy("core02"), f.Start("core02"), f.Destroy("core01")); err != nil {
		t.Fatal(err)
	}
	running, err := f.Running()
	if state, failed := f.State("core01"); state != engine.ShutOff || failed != nil || err != nil || running["core01"] || !running["core02"] {
		t.Errorf("got %s, %v; %v, %v", state, failed, running, err)
	}
	if err := f.Start("core07"); err == nil || err.Error() != "no host has a domain core07: hosts are a, b" {
		t.Errorf("got %v", err)
	}
}

// TestANewOneIsMadeWhereItWasAssigned, found there, and removed.
func TestANewOneIsMadeWhereItWasAssigned(t *testing.T) {
	f := opened(t, specOf(t, "a"), specOf(t, "b"))
	if _, err := f.Define(definition("core01", 1)); !errors.Is(err, errUnplaced) {
		t.Errorf("got %v", err)
	}
	f.Assign("core01", "b")
	if _, err := f.Define(definition("core01", 1)); err != nil {
		t.Fatal(err)
	}
	f.Assign("core01", "a") // it is there by now
	all, err := f.Domains()
	if err != nil || f.HostOf("core01") != "b" {
		t.Fatalf("got %v, %v", f.HostOf("core01"), err)
	}
	b, _ := f.named("b").engine()
	if on, err := b.Domains(); err != nil || on["core01"].Name == "" {
		t.Errorf("got %v, %v", on, err)
	}
	if err := errors.Join(f.Remove(all["core01"].UUID, "/w"), f.Remove(all["core01"].UUID, "/w")); err != nil {
		t.Fatal(err)
	}
	if all, err := f.Domains(); err != nil || len(all) > 0 {
		t.Errorf("got %v, %v", all, err)
	}
}

// TestWhatIsLeftOfANodeOnNoHost is found on the host that has it, and goes; where there is nothing, that is not an error.
func TestWhatIsLeftOfANodeOnNoHost(t *testing.T) {
	f := opened(t, specOf(t, "a"), specOf(t, "b"))
	dir := t.TempDir()
	files := engine.Files{Overlay: filepath.Join(dir, "core05.qcow2"), Ignition: filepath.Join(dir, "ignition.json"), Console: filepath.Join(dir, "console.log")}
	if disk, err := f.Disks().Look(t.Context(), files, engine.Domain{}); err != nil || disk.Exists || disk.HasData() {
		t.Errorf("nothing is left: got %+v, %v", disk, err)
	}
	if err := f.Disks().Clear(files); err != nil {
		t.Error(err)
	}
	if out, err := exec.Command("qemu-img", "create", "-q", "-f", "qcow2", files.Overlay, "1M").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if disk, err := f.Disks().Look(t.Context(), files, engine.Domain{}); err != nil || !disk.Exists {
		t.Errorf("its disk is left: got %+v, %v", disk, err)
	}
	if err := f.Disks().Clear(files); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(files.Overlay); !os.IsNotExist(err) {
		t.Errorf("its disk stays: %v", err)
	}
}

// TestAMove: the domain stays where it is until it is removed, and is made on the other host then.
func TestAMove(t *testing.T) {
	f := opened(t, specOf(t, "a", definition("core01", 1)), specOf(t, "b"))
	all, err := f.Domains()
	if err != nil {
		t.Fatal(err)
	}
	f.Move("core01", "b")
	if _, err := f.Define(definition("core01", 1)); err != nil || f.HostOf("core01") != "a" {
		t.Fatalf("got %v, %v", f.HostOf("core01"), err)
	}
	if err := f.Remove(all["core01"].UUID, "/w"); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	files := engine.Files{Overlay: filepath.Join(dir, "core01.qcow2"), Ignition: filepath.Join(dir, "ignition.json"), Console: filepath.Join(dir, "console.log")}
	if err := os.WriteFile(files.Overlay, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := f.Leave(files); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(files.Overlay); !os.IsNotExist(err) {
		t.Errorf("what the node had on its host stays: %v", err)
	}
	if _, err := f.Define(definition("core01", 1)); err != nil || f.HostOf("core01") != "b" {
		t.Errorf("got %v, %v", f.HostOf("core01"), err)
	}
	if all, err := f.Domains(); err != nil || len(all) != 1 || f.HostOf("core01") != "b" {
		t.Errorf("got %v, %v", all, err)
	}
}

// TestTwoHostsHaveOneNode: that is an error which names both. Of somebody else's domain of a node's name it is none.
func TestTwoHostsHaveOneNode(t *testing.T) {
	f := opened(t, specOf(t, "a", definition("core01", 1)), specOf(t, "b", definition("core01", 1)))
	if _, err := f.Domains(); err == nil || !strings.HasPrefix(err.Error(), "the hosts a and b both have a node core01, and it can be only on one of them\nhint: ") ||
		strings.Count(err.Error(), "virsh -c test:///") != 2 {
		t.Errorf("got %v", err)
	}
	f = opened(t, specOf(t, "a", definition("core01", 0)), specOf(t, "b", definition("core01", 1)), specOf(t, "c", definition("core01", 0)))
	if all, err := f.Domains(); err != nil || all["core01"].Metadata == nil || f.HostOf("core01") != "b" {
		t.Errorf("got %+v on %s, %v", all["core01"], f.HostOf("core01"), err)
	}
}

// TestASilentHost: what the others have is there, what it may have is not known, and the cause is said.
func TestASilentHost(t *testing.T) {
	broken := Spec{Name: "c", URI: "test:///nowhere", Open: func() (On, error) { return libvirt.Open("test:///nowhere", func(error) string { return "no advice" }) }}
	f := opened(t, specOf(t, "a", definition("core01", 1)), silentSpec(t, "b"), broken)
	all, err := f.Domains()
	if err != nil || names(all) != "core01" {
		t.Fatalf("got %v, %v", names(all), err)
	}
	silent := f.Silent()
	if names(silent) != "b c" || silent["b"].Error() != "the host b (fake://b) does not answer: no answer within 2s" ||
		!strings.HasPrefix(silent["c"].Error(), "the host c (test:///nowhere) does not answer: no libvirt at uri=test:///nowhere: ") {
		t.Errorf("got %v", silent)
	}
	began := time.Now()
	f.Assign("core02", "b")
	for _, err := range []error{f.Start("core02"), f.Start("core03"), f.Remove("00000000-0000-0000-0000-000000000099", "/w"), f.Disks().Clear(engine.Files{Overlay: filepath.Join(t.TempDir(), "core02.qcow2")})} {
		if cause := (*SilentError)(nil); !errors.As(err, &cause) {
			t.Errorf("got %v", err)
		}
	}
	if took := time.Since(began); took > 6*time.Second {
		t.Errorf("a host that does not answer was waited for again: %s", took)
	}
	if !f.HasUEFI("x86_64") || f.HasKVM("sparc") {
		t.Error("hosts that do not answer say nothing of the others")
	}
	if _, err := opened(t, silentSpec(t, "a"), broken).Domains(); err == nil || !strings.Contains(err.Error(), "the host a ") || !strings.Contains(err.Error(), "the host c ") {
		t.Errorf("none answers: got %v", err)
	}
}

// slow is a fake: an engine that takes its time for one kind of answer, and has the others at once or, if it is stuck, never.
type slow struct {
	On
	takes time.Duration
	stuck bool
}

func (s slow) Domains() (map[string]engine.Domain, error) {
	time.Sleep(s.takes)
	return s.On.Domains()
}

func (s slow) Running() (map[string]bool, error) {
	if s.stuck {
		time.Sleep(s.takes)
	}
	return s.On.Running()
}

// TestASlowHost is no silent one: what counts is that it shows life, when it is connected to, too.
func TestASlowHost(t *testing.T) {
	patience := pace.Limit(2)
	slowly := func(name string, opens, takes time.Duration, stuck bool) Spec {
		real := specOf(t, name, definition("core0"+name, 1))
		return Spec{Name: name, URI: real.URI, IsOn: func() bool { return true }, Open: func() (On, error) {
			time.Sleep(opens)
			on, err := real.Open()
			return slow{on, takes, stuck}, err
		}}
	}
	f := open([]Spec{slowly("1", 3*patience/2, 0, false), slowly("2", 0, 3*patience/2, false), slowly("3", 0, 9*patience, true)}, libvirt.Definitions{}, patience)
	t.Cleanup(f.Close)
	all, err := f.Domains()
	if err != nil || names(all) != "core01 core02" || names(f.Silent()) != "3" || !strings.HasSuffix(f.Silent()["3"].Error(), fmt.Sprintf("no answer within %s", patience)) {
		t.Errorf("got %v, %v, %v", names(all), f.Silent(), err)
	}
}

// TestAHostComesBack: a run that goes on for long sees its domains again.
func TestAHostComesBack(t *testing.T) {
	real, tries := specOf(t, "b", definition("core02", 2)), 0
	back := real
	back.Open = func() (On, error) {
		if tries++; tries == 1 {
			return nil, errors.New("the network is down")
		}
		return real.Open()
	}
	f := open([]Spec{specOf(t, "a"), back}, libvirt.Definitions{}, 500*time.Millisecond)
	t.Cleanup(f.Close)
	if all, err := f.Domains(); err != nil || len(all) != 0 && names(f.Silent()) != "b" {
		t.Fatalf("got %v, %v", all, err)
	}
	for { // until the test's own end
		if all, err := f.Domains(); err == nil && names(all) == "core02" && len(f.Silent()) == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// TestAReadOnlyFleet looks at all, tells where nodes are, and changes nothing.
func TestAReadOnlyFleet(t *testing.T) {
	f := opened(t, specOf(t, "a", definition("core01", 1)), specOf(t, "b"))
	on := engine.ReadOnly(f)
	if _, err := on.Domains(); err != nil || engine.HostNamed(on, "core01") != "a" {
		t.Errorf("got %q, %v", engine.HostNamed(on, "core01"), err)
	}
	if _, can := engine.As[engine.Leaver](on); can {
		t.Error("it removes files")
	}
	if err := on.Start("core01"); !errors.Is(err, engine.ErrReadOnly) {
		t.Errorf("got %v", err)
	}
	if has, err := engine.HostsOf(on).PerHost(); err != nil || names(has) != "a b" || has["a"].CPUs == 0 {
		t.Errorf("got %v, %v", has, err)
	}
	if _, err := on.Disks().Look(context.Background(), engine.Files{Overlay: filepath.Join(t.TempDir(), "core01.qcow2")}, engine.Domain{}); err != nil {
		t.Error(err)
	}
}
