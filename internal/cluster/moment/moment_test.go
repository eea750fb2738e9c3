package moment

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"coreos-libvirt/internal/engine"
)

// fakeEngine is an engine whose nodes are states and snapshots, and whose calls fail on demand.
type fakeEngine struct {
	mu      sync.Mutex
	states  map[string]engine.State
	has     map[string][]engine.Snapshot
	defined map[string]string
	fails   map[string]string // by node, the call that fails
	broken  []string          // what was done while nodes of two times could have run together
}

func newFake(nodes ...string) *fakeEngine {
	f := &fakeEngine{states: map[string]engine.State{}, has: map[string][]engine.Snapshot{}, defined: map[string]string{}, fails: map[string]string{}}
	for _, n := range nodes {
		f.states[n] = engine.Running
	}
	return f
}

func (f *fakeEngine) nodes() (all []engine.Domain) {
	for name, state := range f.states {
		all = append(all, engine.Domain{Name: name, State: state, XML: "now " + name, Disks: []string{name + ".qcow2"}})
	}
	slices.SortFunc(all, func(a, b engine.Domain) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func (f *fakeEngine) call(what, node string, do func()) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fails[node] == what {
		return errors.New(what + " fails")
	}
	do()
	return nil
}

func (f *fakeEngine) noneRuns(what string) {
	for name, state := range f.states {
		if state == engine.Running {
			f.broken = append(f.broken, fmt.Sprintf("%s while %s runs", what, name))
		}
	}
}

func (f *fakeEngine) Snapshots(node string) (all []engine.Snapshot, err error) {
	err = f.call("list", node, func() { all = slices.Clone(f.has[node]) })
	return all, err
}

func (f *fakeEngine) Pause(node string) error {
	return f.call("pause", node, func() { f.states[node] = engine.Paused })
}

func (f *fakeEngine) Start(node string) error {
	return f.call("start", node, func() { f.states[node] = engine.Running })
}

func (f *fakeEngine) Define(text string) (string, error) {
	_, node, _ := strings.Cut(text, " ")
	return text, f.call("define", node, func() { f.defined[node] = text })
}

func (f *fakeEngine) TakeSnapshot(node, name, note string) error {
	return f.call("take", node, func() {
		f.noneRuns("take")
		f.has[node] = append(f.has[node], engine.Snapshot{Name: name, Note: note, Made: time.Unix(7, 0), Memory: f.states[node] != engine.ShutOff, Disks: []string{node + ".qcow2"}})
	})
}

func (f *fakeEngine) Revert(node string, to engine.Snapshot) error {
	return f.call("revert", node, func() {
		f.noneRuns("revert")
		if f.states[node] = engine.ShutOff; to.Memory {
			f.states[node] = engine.Paused
		}
	})
}

func (f *fakeEngine) RemoveSnapshot(node, name, note string) error {
	return f.call("remove", node, func() {
		f.has[node] = slices.DeleteFunc(f.has[node], func(s engine.Snapshot) bool { return s.Name == name && s.Note == note })
	})
}

func (f *fakeEngine) take(t *testing.T, ctx context.Context) (Snapshot, error) {
	t.Helper()
	note := NewNote("core", f.nodes())
	err := Take(ctx, f, "clean", func(engine.Domain) Note { return note }, f.nodes())
	all, errList := Of(f, "core", f.nodes())
	if errList != nil || len(all) > 1 {
		t.Fatal(all, errList)
	}
	if len(all) == 0 {
		return Snapshot{}, err
	}
	return all[0], err
}

func (f *fakeEngine) all(state engine.State) bool {
	for _, s := range f.states {
		if s != state {
			return false
		}
	}
	return true
}

func TestASnapshotIsOfOneMomentOrNotThere(t *testing.T) {
	f := newFake("core01", "core02", "core03")
	m, err := f.take(t, t.Context())
	if err != nil || !m.Complete() || !m.Ours() || !m.Memory || len(f.broken) > 0 || !f.all(engine.Running) {
		t.Fatalf("got %+v, %v, %v, %v", m, err, f.broken, f.states)
	}
	for what, said := range map[string]string{"take": "core02: take fails", "pause": "core02: pause fails"} {
		f := newFake("core01", "core02", "core03")
		f.fails["core02"] = what
		if m, err := f.take(t, t.Context()); err == nil || err.Error() != said || m.Name != "" || !f.all(engine.Running) {
			t.Errorf("%s: got %v, %+v, %v", what, err, m, f.states)
		}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	f = newFake("core01", "core02")
	if m, err := f.take(t, ended); !errors.Is(err, context.Canceled) || m.Name != "" || !f.all(engine.Running) {
		t.Errorf("interrupted: got %v, %+v, %v", err, m, f.states)
	}
}

// TestARollbackIsOfAllNodes: if one does not go back none goes on, and the next rollback is the same again.
func TestARollbackIsOfAllNodes(t *testing.T) {
	f := newFake("core01", "core02", "core03")
	m, err := f.take(t, t.Context())
	if err != nil {
		t.Fatal(err)
	}
	done := 0
	f.fails["core02"] = "revert"
	end := func() error {
		f.noneRuns("end")
		done++
		return nil
	}
	if _, _, err := Rollback(f, m, f.nodes(), Definitions(f.nodes()), end); err == nil || err.Error() != "core02: revert fails" || !f.all(engine.Paused) || done != 0 {
		t.Errorf("got %v, %v, ended %d times", err, f.states, done)
	}
	delete(f.fails, "core02")
	on, boot, err := Rollback(f, m, f.nodes(), Definitions(f.nodes()), end)
	if err != nil || len(on) != 3 || len(boot) != 0 || !f.all(engine.Running) || done != 1 || len(f.broken) > 0 || f.defined["core02"] != "now core02" {
		t.Errorf("got %v, %v, %v, %v, ended %d times, %v", err, on, boot, f.states, done, f.broken)
	}
}

func TestWhatAClusterDoesNotGoBackTo(t *testing.T) {
	f := newFake("core01", "core02")
	m, err := f.take(t, t.Context())
	if err != nil || m.Check(f.nodes()).What != "" {
		t.Fatal(err, m.Check(f.nodes()))
	}
	f.states["core03"] = engine.Running
	if o := m.Check(f.nodes()); !o.Later || o.What != "core03 came to the cluster later" {
		t.Errorf("got %+v", o)
	}
	delete(f.states, "core03")
	moved := f.nodes()
	moved[1].Disks = append(moved[1].Disks, "data.qcow2")
	if o := m.Check(moved); o.What != "core02 had the disk core02.qcow2 then, and has core02.qcow2, data.qcow2 now" {
		t.Errorf("got %+v", o)
	}
	f.has["core02"] = nil
	all, err := Of(f, "core", f.nodes())
	if err != nil || len(all) != 1 || all[0].Check(f.nodes()) != (Obstacle{What: "it is incomplete: core01 has of it, core02 has not", Incomplete: true}) {
		t.Errorf("got %+v, %v", all, err)
	}
}

func TestNotes(t *testing.T) {
	n := Note{Cluster: "core", ID: "7", Nodes: []string{"core01", "core02"}, Boots: true}
	if got, ok := ParseNote(n.String()); !ok || fmt.Sprint(got) != fmt.Sprint(n) {
		t.Errorf("%q is %+v", n, got)
	}
	for _, text := range []string{"", "before the upgrade", "coreos-libvirt", "coreos-libvirt cluster=core id= nodes=core01", "cluster=core id=1 nodes=core01"} {
		if got, ok := ParseNote(text); ok {
			t.Errorf("%q is %+v", text, got)
		}
	}
}

// TestAClockIsSet by a shell whose sudo is a fake that only notes what it is told: this host's clock is no test's.
func TestAClockIsSet(t *testing.T) {
	told := filepath.Join(t.TempDir(), "told")
	const fake = `sudo() { case $4 in *'date -u -s "@$t"'*) echo now; read -r t; echo "$t" >"$TOLD"; date +%s.%N; esac; }; `
	before := time.Now()
	off, err := SetClock(func(command string) *exec.Cmd {
		cmd := exec.Command("bash", "-c", fake+command)
		cmd.Env = append(os.Environ(), "TOLD="+told)
		return cmd
	})
	text, errRead := os.ReadFile(told)
	seconds, errParse := strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
	at := time.UnixMicro(int64(seconds * 1e6))
	if err := errors.Join(err, errRead, errParse); err != nil || off > time.Since(before) || at.Before(before.Truncate(time.Millisecond)) || at.After(time.Now()) {
		t.Errorf("it was set to %s, is %s off, %v", at, off, err)
	}
	_, err = SetClock(func(string) *exec.Cmd { return exec.Command("sh", "-c", "echo a password is required >&2; exit 1") })
	if err == nil || !strings.Contains(err.Error(), "exit status 1: a password is required") {
		t.Errorf("got %v", err)
	}
}
