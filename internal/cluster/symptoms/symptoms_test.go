package symptoms

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/testkit/etcdnodes"
	"coreos-libvirt/internal/testkit/etcdserver"
	"coreos-libvirt/internal/testkit/pace"
)

func TestMain(m *testing.M) {
	status := m.Run()
	etcdserver.Clean()
	os.Exit(status)
}

// line is how a test's hints call targets.
func line(target string, words ...string) string {
	return "mage " + target + " " + strings.Join(words, " ")
}

// journalctl and date are fakes: the bed has no journal, and the machine has one clock.
const (
	journalctl = "#!/bin/sh\ncat \"${0%/*}/../journal\"\n"
	anHourOff  = "#!/bin/sh\n[ \"$1\" = +%s ] && exec echo $(($(/bin/date +%s) - 3600))\nexec /bin/date \"$@\"\n"
)

// silent is after what time a member counts as one that does not answer, as in a run.
const silent = 3 * time.Second

// find is what is wrong with the members now.
func find(b *etcdnodes.Bed, within time.Duration) []string {
	b.T.Helper()
	nodes := b.Nodes()
	status, err := b.StatusOf(b.Within(), nodes)
	b.Must(err)
	lines := []string{}
	for _, s := range Find(b.Within(), b.View, nodes, status, within, line) {
		lines = append(lines, s.String()+"\n"+s.Advice)
	}
	return lines
}

// TestFaultsOfRealMembers: each is named with its member, and what to do.
func TestFaultsOfRealMembers(t *testing.T) {
	b := etcdnodes.New(t, "../../..", 3, false)
	b.LetIn(etcdnodes.Superuser, nil)
	for _, node := range b.Options.Nodes {
		b.Save(b.In(node.Number, "bin/journalctl"), journalctl, 0o755)
		b.Save(b.In(node.Number, "journal"), "ready to serve\n", 0o600)
		b.Start(node.Number)
	}
	b.Must(b.Healthy())
	if found := find(b, pace.Hang); len(found) > 0 {
		t.Errorf("all are well: got %q", found)
	}
	patient := b.Options.Helper.Patience
	is := func(fault string, want ...string) {
		t.Helper()
		if b.Options.Helper.Patience = patient; len(want) > 0 {
			b.Options.Helper.Patience = silent
		}
		found := find(b, pace.Answer)
		if len(want) > 0 { // a slow machine's members may be silent, too: the others are not judged
			node, _, _ := strings.Cut(want[0], " ")
			found = slices.DeleteFunc(found, func(line string) bool { return !strings.HasPrefix(line, node) })
		}
		if len(found) != len(want) {
			t.Fatalf("%s: got %q", fault, found)
		}
		for i := range want {
			for part := range strings.SplitSeq(want[i], " … ") {
				if !strings.Contains(found[i], part) {
					t.Errorf("%s: got %q, without %q", fault, found[i], part)
				}
			}
		}
	}

	b.Signal(2, syscall.SIGSTOP)
	b.Save(b.In(2, "bin/date"), anHourOff, 0o755)
	is("SIGSTOP, and its clock is off", "core02: its clock is 1h0m0s behind this machine's",
		"core02: its etcd stands still: somebody has stopped process … (SIGSTOP) … `mage ssh node=core02 cmd='sudo kill -CONT ")
	b.Must(os.Remove(b.In(2, "bin/date")))
	b.Signal(2, syscall.SIGCONT)
	b.Must(b.Healthy())
	is("it goes on")

	b.Signal(3, syscall.SIGKILL)
	is("SIGKILL", "core03: its etcd does not run (etcd.service is inactive); it wrote last: ready to serve … `mage ssh node=core03 cmd='sudo systemctl restart etcd.service'` starts it")
	b.Save(b.In(3, "journal"), "wal: open /var/lib/etcd/0.tmp: no space left on device\n", 0o600)
	is("its journal says that there is no room", "core03: the file system that has its data is full … du -xhd2")

	// its node says another address than etcd knows
	nodes := b.Nodes()
	nodes[2].Report.Interfaces[0].Addresses[0].Local = b.Address(9)
	status, err := b.StatusOf(b.Within(), nodes)
	b.Must(err)
	found := Find(b.Within(), b.View, nodes, status, pace.Answer, line)
	if len(found) == 0 || found[0].String() != "core03: its address has changed: the other members look for it at http://"+b.Address(3)+":2380, and the node is at "+b.Address(9) ||
		!strings.Contains(found[0].Advice, "`mage up recreate=core03`") {
		t.Errorf("moved: got %v", found)
	}
}

// TestAFileSystemThatIsFull is seen on the node by df(1): a real one, as small as can be.
func TestAFileSystemThatIsFull(t *testing.T) {
	b := etcdnodes.New(t, "../../..", 1, false)
	b.LetIn(etcdnodes.Superuser, nil)
	data := b.In(1, "data")
	b.Must(os.MkdirAll(data, 0o755))
	// etcd takes two segments of its log, of 64 MiB each, when it starts: with less room it may end before it has answered anybody
	if err := syscall.Mount("tmpfs", data, "tmpfs", 0, "size=200m"); err != nil {
		t.Skipf("only root mounts a small file system: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(data, syscall.MNT_DETACH) })
	b.Save(b.In(1, "unit"), "ExecStart=/usr/bin/etcd --data-dir="+data+"\n", 0o600)
	b.Save(b.In(1, "bin/journalctl"), journalctl, 0o755)
	b.Start(1, "--data-dir="+data)
	b.Must(b.Healthy())
	filler, err := os.Create(filepath.Join(data, "filler"))
	b.Must(err)
	for err == nil {
		_, err = filler.Write(make([]byte, 1<<20))
	}
	_ = filler.Close()
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	b.Signal(1, syscall.SIGKILL)
	b.Options.Helper.Patience = silent
	want := "core01: the file system that has its data is full (" + data + ")"
	if found := find(b, pace.Answer); len(found) != 1 || !strings.HasPrefix(found[0], want) || !strings.Contains(found[0], "sudo du -xhd2 ") {
		t.Fatalf("got %q", found)
	}
}

// TestWhatIsSeenMeans what it says; what is not seen, nothing.
func TestWhatIsSeenMeans(t *testing.T) {
	t.Parallel()
	for want, m := range map[string]Member{
		"": {Node: "core01", State: &State{Unit: "etcd.service"}, Said: etcd.Member{Healthy: true}},
		"core01: its clock is 1h0m0s ahead of this machine's: leases and certificates end at the wrong time": {
			Node: "core01", Said: etcd.Member{Healthy: true}, Clock: etcd.Clock{Ahead: time.Hour, Known: true},
		},
		"core01: the file system that has its data is full (/var)": {
			Node: "core01", State: &State{Unit: "etcd.service", Process: 7, Letter: "S", Disk: Disk{At: "/var", Free: 5 << 30, fixed: true}},
		},
		"core01: its etcd runs (process 7), and has no leader: it cannot reach most of the other members": {
			Node: "core01", Said: etcd.Member{ID: "8e9e05c52164694d", Leader: "0"}, State: &State{Unit: "etcd.service", Process: 7, Letter: "S", Disk: Disk{At: "/var", Free: 5 << 30, Inodes: 9, fixed: true}},
		},
	} {
		lines := []string{}
		for _, s := range m.Of(line) {
			lines = append(lines, s.String())
		}
		if got := strings.Join(lines, "\n"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	late := Member{Node: "core01", State: &State{Unit: "etcd.service", Process: 7, Letter: "S"}}
	if found := late.Of(line); len(found) != 1 || !strings.Contains(found[0].What, "slow to answer") || len(Sure(found)) > 0 {
		t.Errorf("who waits shortly is not sure: got %+v", found)
	}
	nameless := Member{Node: "core01", Addresses: []string{"10.0.0.9"}, Said: etcd.Member{Healthy: true}, Peer: etcd.Peer{URLs: []string{"http://core01.example:2380"}}}
	if found := nameless.Of(line); len(found) > 0 {
		t.Errorf("a name is no address: got %v", found)
	}
}

// TestExplain puts what helps against the symptoms in place of what was said, and keeps the rest.
func TestExplain(t *testing.T) {
	t.Parallel()
	bare := errors.New("etcd: 2 of 3 members are healthy")
	err := Explain(hint.Errorf("look", "%w", bare), []Symptom{{Node: "core02", What: "it stands still", Advice: "let it go on"}})
	if want := "etcd: 2 of 3 members are healthy\n    core02: it stands still\nhint: core02: let it go on"; err.Error() != want || !errors.Is(err, bare) {
		t.Errorf("got %q", err)
	}
	if !errors.Is(Explain(bare, nil), bare) || Explain(nil, nil) != nil || Error(nil) != nil {
		t.Error("nothing was found")
	}
}

// TestOfHealthyMembers there are only warnings. That all clocks are off one way is this machine's; that no member is looked for at its node's
// address is the network's.
func TestOfHealthyMembers(t *testing.T) {
	t.Parallel()
	member := func(node, at, peer string, ahead time.Duration) Member {
		return Member{
			Node: node, Addresses: []string{at}, Said: etcd.Member{Healthy: true}, Peer: etcd.Peer{URLs: []string{"http://" + peer + ":2380"}},
			Clock: etcd.Clock{Ahead: ahead, Known: true},
		}
	}
	for name, c := range map[string]struct {
		members  []Member
		warnings string
	}{
		"all is well": {[]Member{member("core01", "10.0.0.1", "10.0.0.1", 0), member("core02", "10.0.0.2", "10.0.0.2", 0)}, ""},
		"one clock":   {[]Member{member("core01", "10.0.0.1", "10.0.0.1", 0), member("core02", "10.0.0.2", "10.0.0.2", time.Hour)}, "core02: its clock is 1h0m0s ahead of this machine's"},
		"all clocks": {
			[]Member{member("core01", "10.0.0.1", "10.0.0.1", time.Minute), member("core02", "10.0.0.2", "10.0.0.2", time.Minute+time.Second)},
			"this machine: its clock is 1m0s behind the members' (hint: `timedatectl` shows",
		},
		"one moved":         {[]Member{member("core01", "10.0.0.1", "10.0.0.1", 0), member("core02", "10.0.0.9", "10.0.0.2", 0)}, "core02: its address has changed"},
		"a network between": {[]Member{member("core01", "10.0.2.2", "10.244.0.5", 0), member("core02", "10.0.2.2", "10.244.0.6", 0)}, ""},
	} {
		forgetPeers(c.members)
		found := thisMachine(c.members)
		for _, m := range c.members {
			found = append(found, m.Of(line)...)
		}
		wrong, warnings := Split(found)
		if got := strings.Join(warnings, "\n"); len(wrong) > 0 || !strings.HasPrefix(got, c.warnings) || (c.warnings == "") != (got == "") || len(warnings) > 1 {
			t.Errorf("%s: got %v and %q", name, wrong, got)
		}
	}
}
