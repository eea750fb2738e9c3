package engine

import (
	"context"
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"
)

// recorder is an engine that can do all, and notes what it was asked for.
type recorder struct{ asked []string }

func (r *recorder) note(what string) { r.asked = append(r.asked, what) }

func (r *recorder) Domains() (map[string]Domain, error) { r.note("Domains"); return nil, nil }

func (r *recorder) Defined() (map[string]Domain, error) { r.note("Defined"); return nil, nil }

func (r *recorder) Running() (map[string]bool, error) { r.note("Running"); return nil, nil }

func (r *recorder) State(string) (State, error)   { r.note("State"); return "", nil }
func (r *recorder) Reason(string) (string, error) { r.note("Reason"); return "", nil }

func (r *recorder) Define(string) (string, error) { r.note("Define"); return "", nil }

func (r *recorder) Remove(string, ...string) error { r.note("Remove"); return nil }
func (r *recorder) Start(string) error             { r.note("Start"); return nil }
func (r *recorder) Shutdown(string) error          { r.note("Shutdown"); return nil }

func (r *recorder) Destroy(string) error { r.note("Destroy"); return nil }

func (r *recorder) Watch(string) (<-chan struct{}, func()) { r.note("Watch"); return nil, nil }

func (r *recorder) Started(string, time.Time) (at time.Time) { r.note("Started"); return at }
func (r *recorder) Reboots(string) int                       { r.note("Reboots"); return 0 }
func (r *recorder) Disks() Disks                             { return recordedDisks{r} }
func (r *recorder) Update(string, string) error              { r.note("Update"); return nil }

func (r *recorder) SetVCPUs(string, int) error       { r.note("SetVCPUs"); return nil }
func (r *recorder) Attach(string, string) error      { r.note("Attach"); return nil }
func (r *recorder) Resize(string, string, int) error { r.note("Resize"); return nil }

func (r *recorder) SetMemory(string, int) error { r.note("SetMemory"); return nil }

func (r *recorder) Autostart(string) (bool, error) { r.note("Autostart"); return false, nil }

func (r *recorder) SetAutostart(string) error                        { r.note("SetAutostart"); return nil }
func (r *recorder) Took(string, Metadata) error                      { r.note("Took"); return nil }
func (r *recorder) Lease(string, string) (a netip.Addr)              { return a }
func (r *recorder) AgentAddress(_, _ string) (a netip.Addr)          { return a }
func (r *recorder) NetworkBridge(string) (string, error)             { return "", nil }
func (r *recorder) Reserved(string, string) (a netip.Addr)           { return a }
func (r *recorder) HasKVM(string) bool                               { return true }
func (r *recorder) HasUEFI(string) bool                              { return false }
func (r *recorder) Console(context.Context, string) (Channel, error) { return nil, nil }
func (r *recorder) Channel(context.Context, string, string) (Channel, error) {
	r.note("Channel")
	return nil, nil
}

func (r *recorder) Snapshots(string) ([]Snapshot, error)        { return nil, nil }
func (r *recorder) Pause(string) error                          { r.note("Pause"); return nil }
func (r *recorder) TakeSnapshot(string, string, string) error   { r.note("TakeSnapshot"); return nil }
func (r *recorder) Revert(string, Snapshot) error               { r.note("Revert"); return nil }
func (r *recorder) RemoveSnapshot(string, string, string) error { r.note("RemoveSnapshot"); return nil }

func (r *recorder) Screen(context.Context, string, int64) ([]byte, error) { return nil, nil }

type recordedDisks struct{ r *recorder }

func (d recordedDisks) Seen(f Files) Files          { d.r.note("Seen"); return f }
func (d recordedDisks) Remove(Files) error          { d.r.note("Remove"); return nil }
func (d recordedDisks) Clear(Files) error           { d.r.note("Clear"); return nil }
func (d recordedDisks) Size(Files) (int64, int)     { d.r.note("Size"); return 0, 0 }
func (d recordedDisks) Under(Domain, string) string { d.r.note("Under"); return "" }
func (d recordedDisks) Log(Files) Log               { d.r.note("Log"); return nil }

func (d recordedDisks) WriteDocument(Files, []byte) error {
	d.r.note("WriteDocument")
	return nil
}

func (d recordedDisks) Document(Files) ([]byte, error) {
	d.r.note("Document")
	return nil, nil
}

func (d recordedDisks) BeginLog(Files) error {
	d.r.note("BeginLog")
	return nil
}

func (d recordedDisks) Look(context.Context, Files, Domain) (Disk, error) {
	d.r.note("Look")
	return Disk{}, nil
}

func (d recordedDisks) Prepare(context.Context, Files, string, int, []FurtherDisk) (Prepared, error) {
	d.r.note("Prepare")
	return nil, nil
}

func (d recordedDisks) Add(context.Context, Files, FurtherDisk) error {
	d.r.note("Add")
	return nil
}

func (d recordedDisks) Grow(context.Context, Files, FurtherDisk) error {
	d.r.note("Grow")
	return nil
}

func (d recordedDisks) Sweep(Files) error        { d.r.note("Sweep"); return nil }
func (d recordedDisks) Drop(Files, string) error { d.r.note("Drop"); return nil }

// TestAReadOnlyEngineOnlyLooks: whatever is not known to look only must be refused, and the engine must not see it. So a
// method that is new is refused or comes into this list.
func TestAReadOnlyEngineOnlyLooks(t *testing.T) {
	looks := []string{"Domains", "Defined", "Running", "State", "Reason", "Watch", "Started", "Reboots", "Channel", "Seen", "Look", "Size", "Under", "Document", "Log"}
	under := &recorder{}
	on := ReadOnly(under)
	for _, c := range []struct {
		of   any
		kind reflect.Type
	}{{on, reflect.TypeFor[Engine]()}, {on.Disks(), reflect.TypeFor[Disks]()}} {
		for method := range c.kind.Methods() {
			if method.Name == "Disks" { // looked at by itself
				continue
			}
			under.asked = nil
			err := call(reflect.ValueOf(c.of).MethodByName(method.Name))
			if slices.Contains(looks, method.Name) {
				if err != nil || !slices.Equal(under.asked, []string{method.Name}) {
					t.Errorf("%s: the engine was asked for %v; %v", method.Name, under.asked, err)
				}
			} else if !errors.Is(err, ErrReadOnly) || len(under.asked) > 0 {
				t.Errorf("%s: want that it is refused, got %v; the engine was asked for %v", method.Name, err, under.asked)
			}
		}
	}
}

// call calls the function with zero values, and gives its error.
func call(f reflect.Value) error {
	args := []reflect.Value{}
	for i := range f.Type().NumIn() {
		args = append(args, reflect.Zero(f.Type().In(i)))
	}
	do := f.Call
	if f.Type().IsVariadic() {
		do = f.CallSlice
	}
	for _, result := range do(args) {
		if err, ok := result.Interface().(error); ok {
			return err
		}
	}
	return nil
}

func TestWhatAReadOnlyEngineCanDoMore(t *testing.T) {
	on := ReadOnly(&recorder{})
	for name, c := range map[string][2]bool{
		"Addresses": {can[Addresses](on), true}, "Networks": {can[Networks](on), true}, "Reservations": {can[Reservations](on), true}, "Host": {can[Host](on), true}, "Screens": {can[Screens](on), true},
		"SnapshotList": {can[SnapshotList](on), true}, "Snapshots": {can[Snapshots](on), false},
		"Snapshots of the engine itself": {can[Snapshots](&recorder{}), true},
		"Autostarter":                    {can[Autostarter](on), false}, "Changer": {can[Changer](on), false}, "Consoles": {can[Consoles](on), false}, "Engine": {can[Engine](on), false},
		"Changer of the engine itself": {can[Changer](&recorder{}), true},
	} {
		if c[0] != c[1] {
			t.Errorf("%s: got %v", name, c[0])
		}
	}
	if _, ok := on.(Changer); ok {
		t.Error("a type assertion gives the engine's way to change domains")
	}
	if host := HostOf(on); !host.HasKVM("") || host.HasUEFI("") {
		t.Error("its host is the engine's")
	}
	type bare struct{ Engine } // which hides all else
	for _, e := range []Engine{bare{&recorder{}}, ReadOnly(bare{&recorder{}})} {
		if can[Addresses](e) {
			t.Error("an engine that knows no addresses is asked for them")
		}
		if host := HostOf(e); host.HasKVM("") || !host.HasUEFI("") {
			t.Error("a host that is not known has no KVM, and may have UEFI")
		}
	}
}

func can[T any](e Engine) bool {
	_, ok := As[T](e)
	return ok
}
