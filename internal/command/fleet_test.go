//go:build cgo && libvirt_dlopen

package command

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/fleet"
	"coreos-libvirt/internal/engine/libvirt"
	"coreos-libvirt/internal/terminal/hint"
)

// testHost is a host of its own: a libvirt of the test driver, and a folder that has its nodes' files.
type testHost struct {
	name, uri, dir string
	conn           *libvirt.Conn
	off            error         // why it does not answer; nil: it does
	room           *room         // what it says of itself; nil: nothing
	dies           chan struct{} // if it is not nil: whoever removes a domain there ends then, as if it was killed
}

// stays is a connection that several runs have in turn.
type stays struct{ farAway }

func (stays) Close() {}

// dies is a fake of a process that is killed: a call that does not come back.
type dies struct {
	stays
	removed chan struct{}
}

func (d dies) Remove(uuid string, owners ...string) error {
	_ = d.stays.Remove(uuid, owners...)
	close(d.removed)
	select {}
}

func (h *testHost) spec() fleet.Spec {
	return fleet.Spec{Name: h.name, URI: h.uri, Open: func() (fleet.On, error) {
		on := stays{farAway{h.conn, h.dir}}
		if h.dies != nil {
			return dies{on, h.dies}, h.off
		}
		if h.room != nil {
			return roomy{on, *h.room}, h.off
		}
		return on, h.off
	}}
}

// has are the names of the nodes that the host has, and of those whose files it has.
func (h *testHost) has(t testing.TB) string {
	t.Helper()
	domains, err := h.conn.Defined()
	if err != nil {
		t.Fatal(err)
	}
	words := []string{}
	for _, name := range []string{"core01", "core02", "core03", "core04"} {
		if _, is := domains[name]; is {
			words = append(words, name)
		}
		if files, _ := filepath.Glob(filepath.Join(h.dir, name, "*.qcow2")); len(files) > 0 {
			words = append(words, "("+name+")")
		}
	}
	return strings.Join(words, " ")
}

// testFleet are hosts that a clone's nodes are spread over.
type testFleet []*testHost

// inFleet is inClone with hosts of these names.
func inFleet(t testing.TB, names ...string) (hosts testFleet) {
	t.Helper()
	inClone(t)
	if err := os.Unsetenv("COREOS_URI"); err != nil { // inClone's, which is put back at the end
		t.Fatal(err)
	}
	words := []string{}
	for _, name := range names {
		path := filepath.Join(t.TempDir(), name+".xml")
		if err := os.WriteFile(path, []byte("<node/>"), 0o600); err != nil {
			t.Fatal(err)
		}
		h := &testHost{name: name, uri: "test://" + path, dir: t.TempDir()}
		var err error
		if h.conn, err = libvirt.Open(h.uri, func(error) string { return "" }); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(h.conn.Close)
		hosts, words = append(hosts, h), append(words, h.uri+" name="+name)
	}
	t.Setenv("COREOS_HOSTS", strings.Join(words, ","))
	return hosts
}

// run is a run on the hosts, as they are.
func (f testFleet) run(t testing.TB, words ...string) *Run {
	t.Helper()
	r := run(t, words...)
	r.close()
	f.into(r)
	t.Cleanup(r.unlockAll)
	return r
}

// into has the run go to the hosts.
func (f testFleet) into(r *Run) {
	specs := []fleet.Spec{}
	for _, h := range f {
		specs = append(specs, h.spec())
	}
	assignNoted(r.openAll(specs), r.at())
}

// silentRun is a run that has asked all hosts.
func (f testFleet) silentRun(t *testing.T) *Run {
	t.Helper()
	r := f.run(t)
	if _, err := r.domains(); err != nil {
		t.Fatal(err)
	}
	return r
}

// down is `mage down`.
func (f testFleet) down(t *testing.T) error {
	t.Helper()
	r := f.run(t, "yes=true")
	defer r.unlockAll()
	return r.Down(t.Context())
}

// up is `mage up`, and what it printed.
func (f testFleet) up(t testing.TB, words ...string) (string, error) {
	t.Helper()
	r := f.run(t, words...)
	defer r.unlockAll()
	for _, stage := range []func(context.Context) error{r.Preflight, r.Claim, r.Fetch, r.Transpile, r.Discovery, r.Render, r.Define, r.Up} {
		if err := stage(t.Context()); err != nil {
			return r.said(), err
		}
	}
	return r.said(), nil
}

func (f testFleet) mustUp(t testing.TB, words ...string) string {
	t.Helper()
	said, err := f.up(t, words...)
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	return said
}

// are compares what each host has with what it shall have.
func (f testFleet) are(t *testing.T, want ...string) {
	t.Helper()
	for i, h := range f {
		if got := h.has(t); got != want[i] {
			t.Errorf("%s has %q, want %q", h.name, got, want[i])
		}
	}
}

// nodeLines are the lines of nodes in what a run said, their spaces made one.
func nodeLines(said string) string {
	got := []string{}
	for line := range strings.Lines(said) {
		if strings.HasPrefix(line, "core") || strings.HasPrefix(line, "NODE") {
			got = append(got, strings.Join(strings.Fields(line), " "))
		}
	}
	return strings.Join(got, "\n")
}

// TestNodesAreSpreadOverHosts from nothing to nothing: each host has its nodes and their files, the second run does nothing.
func TestNodesAreSpreadOverHosts(t *testing.T) {
	f := inFleet(t, "a", "b", "c")
	t.Setenv("COREOS_NODES", "4")
	r := f.run(t, "nodes=4", "diff=false")
	_ = r.Plan(t.Context())
	if want := "NODE HOST ACTION REASON\ncore01 a create new\ncore02 b create new\ncore03 c create new\ncore04 a create new"; nodeLines(r.said()) != want {
		t.Errorf("plan: got\n%s\nwant\n%s", nodeLines(r.said()), want)
	}
	f.are(t, "", "", "")
	f.mustUp(t, "nodes=4")
	f.are(t, "core01 (core01) core04 (core04)", "core02 (core02)", "core03 (core03)")
	domains, err := f[1].conn.Defined()
	if mark := domains["core02"].Metadata; err != nil || mark.Libvirt != f[1].uri {
		t.Errorf("its mark says %+v, %v", mark, err)
	}
	if said := f.mustUp(t); strings.Contains(said, "booting") || strings.Contains(said, "new") {
		t.Errorf("nothing is to be done, got\n%s", said)
	}
	r = f.run(t, "diff=false")
	if err := r.Plan(t.Context()); err != nil || !strings.Contains(nodeLines(r.said()), "core03 c unchanged defined, unchanged") {
		t.Errorf("got %v\n%s", err, r.said())
	}
	r = f.run(t)
	if err := Status(t.Context(), r); err != nil || !strings.Contains(nodeLines(r.said()), "NODE HOST STATE") || !strings.Contains(nodeLines(r.said()), "core03 c running") {
		t.Errorf("got %v\n%s", err, r.said())
	}
	if err := f.down(t); err != nil {
		t.Fatal(err)
	}
	f.are(t, "", "", "")
	if left, _ := filepath.Glob("vm/core*"); len(left) > 0 {
		t.Errorf("left are %v", left)
	}
}

// TestAHostThatDoesNotAnswer: its nodes are unknown. Nothing is made twice, nothing removed, and the others go on.
func TestAHostThatDoesNotAnswer(t *testing.T) {
	f := inFleet(t, "a", "b")
	f.mustUp(t)
	f[1].off = errors.New("ssh: connect to host b port 22: No route to host")
	cause := "the host b (" + f[1].uri + ") does not answer: ssh: connect to host b port 22: No route to host"
	r := f.run(t, "nodes=3", "diff=false")
	err := r.Plan(t.Context())
	want := "NODE HOST ACTION REASON\ncore01 a unchanged defined, unchanged\ncore02 b refused it is not known how it is: " + cause +
		"\ncore03 - refused it may be on a host that does not answer: " + cause
	if got := nodeLines(r.said()); got != want || err == nil || !strings.Contains(err.Error(), "core02: it is not known how it is: "+cause+"\nhint: ") {
		t.Errorf("plan: got\n%s\nwant\n%s\n%v", got, want, err)
	}
	if err := f[0].conn.Destroy("core01"); err != nil {
		t.Fatal(err)
	}
	said, err := f.up(t, "nodes=3")
	if err == nil || !strings.Contains(err.Error(), "core02: it is not known how it is: "+cause) || !strings.Contains(said, "core01: booting") || strings.Contains(said, "core02: booting") {
		t.Errorf("up: got %v\n%s", err, said)
	}
	if _, err := f.up(t, "recreate=all"); err != nil && !strings.Contains(err.Error(), cause) {
		t.Errorf("recreate=all: got %v", err)
	}
	f.are(t, "core01 (core01)", "core02 (core02)")
	r = f.run(t)
	if err := Status(t.Context(), r); err != nil || !strings.Contains(nodeLines(r.said()), "core02 b UNKNOWN: it is not known how it is: "+cause) {
		t.Errorf("status: got %v\n%s", err, r.said())
	}

	if err := f.down(t); err == nil || !strings.Contains(err.Error(), "core02: it is not known how it is: "+cause) {
		t.Errorf("down: got %v", err)
	}
	f.are(t, "", "core02 (core02)")
	if _, err := os.Stat("vm/core02/domain.xml"); err != nil {
		t.Errorf("what is known of the node is gone: %v", err)
	}

	f[1].off = nil
	f.mustUp(t, "nodes=3")
	f.are(t, "core01 (core01) core03 (core03)", "core02 (core02)")
	if err := f.down(t); err != nil {
		t.Fatal(err)
	}
	f.are(t, "", "")
}

// TestNoHostAnswers: nothing is known, and all is left as it is.
func TestNoHostAnswers(t *testing.T) {
	f := inFleet(t, "a", "b")
	f.mustUp(t)
	f[0].off, f[1].off = errors.New("no route"), errors.New("no route")
	before := snapshot(t)
	for name, target := range map[string]func(*Run) error{
		"up": func(r *Run) error { defer r.unlockAll(); return r.Define(t.Context()) }, "down": func(r *Run) error { defer r.unlockAll(); return r.Down(t.Context()) },
		"status": func(r *Run) error { return Status(t.Context(), r) },
	} {
		if err := target(f.run(t)); err == nil || !strings.Contains(err.Error(), "the host a (") || !strings.Contains(err.Error(), "the host b (") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if after := snapshot(t); after != before {
		t.Errorf("vm/ was\n%s\nand is\n%s", before, after)
	}
	r := f.run(t)
	if err := Hosts(t.Context(), r); err != nil || strings.Count(r.said(), "does not answer: no route") != 2 || !strings.Contains(r.said(), "core02 (not known)") {
		t.Errorf("hosts: got %v\n%s", err, r.said())
	}
}

// TestPins: a new node goes where the cluster file wants it; one that is elsewhere stays, and plan says how it is moved.
func TestPins(t *testing.T) {
	f := inFleet(t, "a", "b")
	save(t, "clusters/core.yml", "nodes: {core01: {host: b}, core02: {host: b}}\n")
	f.mustUp(t)
	f.are(t, "", "core01 (core01) core02 (core02)")
	save(t, "clusters/core.yml", "nodes: {core01: {host: a}}\n")
	r := f.run(t, "diff=false")
	if err := r.Plan(t.Context()); err != nil || !strings.Contains(r.said(), "core01: it is on the host b, and `host: a` wants it on a: `") || !strings.Contains(r.said(), " move ") ||
		!strings.Contains(r.said(), "node=core01 host=a` moves it") {
		t.Errorf("got %v\n%s", err, r.said())
	}
	f.mustUp(t)
	f.are(t, "", "core01 (core01) core02 (core02)")
}

// TestHostsWithOneNodeTwice: the error names both, and nothing is done.
func TestHostsWithOneNodeTwice(t *testing.T) {
	f := inFleet(t, "a", "b")
	f.mustUp(t)
	domains, err := f[0].conn.Defined()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f[1].conn.Define(domains["core01"].XML); err != nil {
		t.Fatal(err)
	}
	if _, err := f.up(t); err == nil || !strings.HasPrefix(err.Error(), "the hosts a and b both have a node core01") {
		t.Errorf("got %v", err)
	}
	f.are(t, "core01 (core01)", "core01 core02 (core02)")
}

// TestMove: the node is made again on the other host, and nothing of it is left where it was.
func TestMove(t *testing.T) {
	f := inFleet(t, "a", "b")
	f.mustUp(t)
	move := func(words ...string) (string, error) {
		r := f.run(t, words...)
		err := Move(t.Context(), r)
		r.unlockAll()
		return r.said(), err
	}
	if said, err := move("node=core01", "host=b"); err != nil || !strings.Contains(said, "core01: will be recreated: moved from the host a to b") {
		t.Fatalf("got %v\n%s", err, said)
	}
	f.are(t, "", "core01 (core01) core02 (core02)")
	domains, err := f[1].conn.Domains()
	if d := domains["core01"]; err != nil || d.Metadata.Libvirt != f[1].uri || !d.InUse() {
		t.Errorf("got %+v, %v", d, err)
	}
	if said := f.mustUp(t); strings.Contains(said, "booting") || strings.Contains(said, "new") {
		t.Errorf("nothing is to be done, got\n%s", said)
	}
	if said, err := move("node=core01", "host=b"); err != nil || !strings.Contains(said, "core01: it is on the host b already") {
		t.Errorf("got %v\n%s", err, said)
	}
	for want, words := range map[string][]string{
		"node= says what is moved, and host= where to":                    {"node=core01"},
		"host c: there is no host of that name, and none with that label": {"node=core01", "host=c"},
		"node=core09 is not a node of this workspace":                     {"node=core09", "host=a"},
		"recreate=core01": {"node=core01", "host=a", "protect=true"},
	} {
		if _, err := move(words...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: got %v", words, err)
		}
	}
	f[0].off = errors.New("no route")
	if _, err := move("node=core01", "host=a"); err == nil || !strings.Contains(err.Error(), "the host a does not answer, and it must be made there") {
		t.Errorf("got %v", err)
	}
	f.are(t, "", "core01 (core01) core02 (core02)")
}

// TestAMoveThatIsKilled at its worst moment: its disk is on the new host, its domain is gone from the old one, and its files there are not.
// The next `up` makes it on the new host, and `down` in its place leaves nothing on either.
func TestAMoveThatIsKilled(t *testing.T) {
	f := inFleet(t, "a", "b")
	killed := func() {
		f.mustUp(t)
		f[0].dies = make(chan struct{})
		r := f.run(t, "node=core01", "host=b")
		moved := make(chan error, 1)
		go func() { moved <- Move(t.Context(), r) }()
		select {
		case err := <-moved:
			t.Fatalf("%v\n%s", err, r.said())
		case <-f[0].dies:
		}
		f[0].dies = nil
		r.unlockAll()
		f.are(t, "(core01)", "core02 (core02)") // and the new disk, which has no name yet
	}
	killed()
	r := f.run(t, "diff=false")
	_ = r.Plan(t.Context())
	if got := nodeLines(r.said()); !strings.Contains(got, "core01 b create ") {
		t.Errorf("plan: got\n%s", got)
	}
	f.mustUp(t)
	f.are(t, "", "core01 (core01) core02 (core02)")
	if err := f.down(t); err != nil {
		t.Fatal(err)
	}
	f.are(t, "", "")
	killed()
	if err := f.down(t); err != nil {
		t.Fatal(err)
	}
	f.are(t, "", "")
}

// TestEvacuate moves all nodes of a host.
func TestEvacuate(t *testing.T) {
	f := inFleet(t, "a", "b", "c")
	t.Setenv("COREOS_NODES", "4")
	f.mustUp(t)
	r := f.run(t, "host=a")
	if err := Evacuate(t.Context(), r); err != nil {
		t.Fatalf("%v\n%s", err, r.said())
	}
	r.unlockAll()
	f.are(t, "", "core01 (core01) core02 (core02)", "core03 (core03) core04 (core04)")
	r = f.run(t, "host=a")
	if err := Evacuate(t.Context(), r); err != nil || !strings.Contains(r.said(), "the host a has no node of the cluster core") {
		t.Errorf("got %v\n%s", err, r.said())
	}
	r.unlockAll()
	f[1].off = errors.New("no route")
	if err := Evacuate(t.Context(), f.run(t, "host=b")); err == nil || !strings.Contains(err.Error(), "does not answer: no route") {
		t.Errorf("got %v", err)
	}
}

// roomy is a fake: a host that says how much memory and disk space it has. libvirt's test driver says neither.
type roomy struct {
	stays
	room room
}

type room struct {
	mib   int
	bytes int64
}

func (h roomy) Capacity() (engine.Capacity, error) {
	return engine.Capacity{CPUs: 2, Memory: 8192, Free: h.room.mib}, nil
}

func (h roomy) FreeSpace() (bytes int64, pool string, err error) { return h.room.bytes, "pool", nil }

// TestHostsWithoutRoom: before anything is made each host is looked at that gets something, as one host is.
func TestHostsWithoutRoom(t *testing.T) {
	f := inFleet(t, "a", "b", "c")
	t.Setenv("COREOS_RAM", "1024")
	f[0].room, f[1].room, f[2].room = &room{4096, 100 << 30}, &room{2048, 2 << 30}, &room{512, 0}
	said := f.mustUp(t)
	want := "b: warning: disk space: the storage pool pool has 2 GiB free, the nodes and a base image want some 6 GiB (hint: mage prune uri=" + f[1].uri + ")\n"
	if !strings.Contains(said, want) || strings.Count(said, "warning:") != 1 || strings.Index(said, want) > strings.Index(said, "core01: defined") {
		t.Errorf("no %q in\n%s", want, said)
	}
	f.are(t, "core01 (core01)", "core02 (core02)", "")
	if said := f.mustUp(t); strings.Contains(said, "warning:") {
		t.Errorf("nothing is started:\n%s", said)
	}
	if err := f[1].conn.Destroy("core02"); err != nil {
		t.Fatal(err)
	}
	f[1].room.mib = 800
	if said := f.mustUp(t); !strings.Contains(said, "b: warning: memory: 1 nodes of 1024 MiB want 1024 MiB, 800 MiB are available (hint: ram=768 is what fits)") || strings.Contains(said, "disk space") {
		t.Errorf("got\n%s", said)
	}
	if _, err := f.up(t, "nodes=5", "ram=6000"); err == nil || !strings.Contains(err.Error(), "it needs 6000 MiB of memory, and no host has so much left") {
		t.Errorf("got %v", err)
	}
	f.are(t, "core01 (core01)", "core02 (core02)", "")
}

// TestHosts prints what each host has, for people and for programs, of one host, too.
func TestHosts(t *testing.T) {
	f := inFleet(t, "a", "b")
	f.mustUp(t)
	f[1].off = hint.Errorf("`ssh b` once", "no route")
	if r := f.run(t); Hosts(t.Context(), r) != nil || !strings.HasSuffix(r.said(), "\nb: hint: `ssh b` once\n") {
		t.Errorf("got\n%s", r.said())
	}
	if err := silentHosts(f.silentRun(t)); err == nil || !strings.Contains(err.Error(), "does not answer: no route\nhint: `ssh b` once; `") {
		t.Errorf("got %v", err)
	}
	r := f.run(t, "format=json")
	if err := Hosts(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	var all []hostStatus
	if err := json.Unmarshal([]byte(r.said()), &all); err != nil || len(all) != 2 {
		t.Fatalf("got %v\n%s", err, r.said())
	}
	a, b := all[0], all[1]
	if !a.Answers || a.CPUs == 0 || a.Memory == 0 || strings.Join(a.Nodes, " ") != "core01" || strings.Join(a.Images, " ") != "base" {
		t.Errorf("got %+v", a)
	}
	if b.Answers || b.Cause != "no route" || b.Advice != "`ssh b` once" || strings.Join(b.Unknown, " ") != "core02" || len(b.Nodes) > 0 {
		t.Errorf("got %+v", b)
	}
	t.Setenv("COREOS_URI", "test:///default")
	t.Setenv("COREOS_HOSTS", "")
	one := run(t)
	if err := Hosts(t.Context(), one); err != nil || !strings.Contains(one.said(), "localhost   answers") {
		t.Errorf("got %v\n%s", err, one.said())
	}
}

// TestTwoClientsAtOneCluster: a second client, with the workspace in a folder of its own, hears who changes the cluster, and goes on when
// that has ended. down leaves no lease.
func TestTwoClientsAtOneCluster(t *testing.T) {
	f := inFleet(t, "a", "b")
	f.mustUp(t)
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	first := f.run(t)
	if err := first.lock(t.Context(), "core"); err != nil {
		t.Fatal(err)
	}
	second := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(second, os.DirFS(here)); err != nil {
		t.Fatal(err)
	}
	t.Chdir(second)
	r := f.run(t, "wait=false")
	if err := r.lock(t.Context(), "core"); err == nil || !strings.Contains(err.Error(), ", in "+here+", since ") || !strings.Contains(err.Error(), " is changing this cluster\nhint: add wait=true") {
		t.Errorf("got %v", err)
	}
	r.unlockAll()
	end := Begin(first)
	inner := Begin(first)
	inner()
	r = f.run(t, "wait=false")
	if err := r.lock(t.Context(), "core"); err == nil {
		t.Error("a stage's end gave the lease back before the target's")
	}
	r.unlockAll()
	end()
	r = f.run(t, "wait=false")
	if err := r.lock(t.Context(), "core"); err != nil {
		t.Fatal(err)
	}
	GiveBack(r)
	for _, h := range f {
		if left, there, err := h.conn.LeaseOf(leaseName(r, "core")); there || err != nil {
			t.Errorf("%s: left is %+v, %v", h.name, left, err)
		}
	}
	one := run(t, "uri=test:///default", "hosts=")
	if err := one.lock(t.Context(), "other"); err != nil || len(one.leases.giveBack) > 0 {
		t.Errorf("of this machine's own libvirt the lock is enough: got %v", err)
	}
	one.unlockAll()
}
