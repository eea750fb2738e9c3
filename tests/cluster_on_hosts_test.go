//go:build lab

package tests

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"coreos-libvirt/internal/testkit/distributor"
	"coreos-libvirt/internal/testkit/pace"
)

// TestClusterOnHosts is one story of full guests with an etcd that is spread over three hosts of the lab. Hosts have few seconds for an
// answer: nothing runs beside it.
func TestClusterOnHosts(t *testing.T) {
	onlyInFull(t)
	c := newClone(t)
	c.env = append(c.env, "COREOS_TIMEOUT="+pace.Limit(300).String(), "COREOS_UNITS=warn")
	c.compile(t)
	t.Cleanup(func() { c.mage(t, "labdown") })
	for _, part := range []part{
		{"a healthy etcd, a member on each host", oneMemberAHost},
		{"a second up has nothing to do", nothingToDo},
		{"ssh, logs, journal, backup", usedAsOnOneHost},
		{"a changed config replaces one member after the other", replacedOnHosts},
		{"one more, and one less", grownOnHosts},
		{"a host's cable is pulled during status", cutWhileLooking},
		{"a host's cable is pulled during a boot", cutWhileBooting},
		{"a host without power: etcd goes on, and nothing is made twice", memberOff},
		{"a member moves, a host is evacuated", nodesMove},
		{"etcd is healthy after that", healthyOnHosts},
		{"down leaves nothing on any host", goneFromHosts},
	} {
		begin := time.Now()
		if !t.Run(part.says, func(t *testing.T) { part.test(t, c) }) {
			return
		}
		t.Logf("%s: %s", part.says, time.Since(begin).Round(time.Second))
	}
}

// healthy are as many members as the table that `up` ends with has to have.
func (c clone) healthy(t *testing.T, out string, members int) {
	t.Helper()
	if rows := readyNode.FindAllString(out, -1); len(rows) != members || strings.Count(out, "leader, ") != 1 {
		t.Errorf("want %d healthy members, got\n%s", members, out)
	}
}

func oneMemberAHost(t *testing.T, c clone) {
	c.healthy(t, c.mustOnHosts(t, "up", "hosts=3", "nodes=3"), 3)
	for i, domains := range c.domains(t) {
		if len(strings.Fields(domains)) != 2 {
			t.Errorf("hv%d has %q", i+1, domains)
		}
	}
}

func healthyOnHosts(t *testing.T, c clone) { c.healthy(t, c.mustOnHosts(t, "up"), 3) }

func usedAsOnOneHost(t *testing.T, c clone) {
	all := c.mustOnHosts(t, "ssh", "all=true", "cmd=hostname")
	for i, name := range []string{"core01", "core02", "core03"} {
		if !strings.Contains(all, name+" "+name+"\n") {
			t.Errorf("ssh: %s: got\n%s", name, all)
		}
		if logs := c.mustOnHosts(t, "logs", "node="+name); !strings.Contains(logs, name+" login:") {
			t.Errorf("logs of %s, on hv%d:\n%s", name, i+1, logs)
		}
	}
	if lines := c.mustOnHosts(t, "journal", "node=core02"); !strings.Contains(lines, "systemd") {
		t.Errorf("journal:\n%s", lines)
	}
	if out := c.mustOnHosts(t, "backup", "file=snapshot.db"); !strings.Contains(out, "snapshot.db") {
		t.Errorf("backup:\n%s", out)
	}
	if info, err := os.Stat(filepath.Join(c.dir, "snapshot.db")); err != nil || info.Size() == 0 {
		t.Errorf("backup: got %v, %v", info, err)
	}
}

// uuid is that of a domain as domains lists it.
var uuid = regexp.MustCompile(` [0-9a-f-]{36}`)

func replacedOnHosts(t *testing.T, c clone) {
	before := c.domains(t)
	good := c.read(t, "ignition/ignition.yml")
	c.write(t, "ignition/ignition.yml", strings.Replace(good, "inline: Node_Name", "inline: Node_Name.lan", 1))
	c.healthyNamed(t, c.mustOnHosts(t, "up", "recreate=changed"), ".lan")
	c.write(t, "ignition/ignition.yml", good)
	c.healthy(t, c.mustOnHosts(t, "up", "recreate=changed"), 3)
	for i, after := range c.domains(t) {
		if uuid.ReplaceAllString(after, "") != uuid.ReplaceAllString(before[i], "") {
			t.Errorf("hv%d had %q, and has %q", i+1, before[i], after)
		}
	}
}

// healthyNamed is healthy of three nodes whose host names end so.
func (c clone) healthyNamed(t *testing.T, out, ending string) {
	t.Helper()
	c.healthy(t, regexp.MustCompile(`(?m)^(core\d\d +core\d\d)`+regexp.QuoteMeta(ending)).ReplaceAllString(out, "$1"), 3)
}

func grownOnHosts(t *testing.T, c clone) {
	c.healthy(t, c.mustOnHosts(t, "up", "nodes=4"), 4)
	c.healthy(t, c.mustOnHosts(t, "up", "nodes=3"), 3)
	if all := strings.Join(c.domainsOf(t), " "); strings.Contains(all, "core04") {
		t.Errorf("core04 is there yet: %s", all)
	}
}

// domainsOf are the domains of all hosts.
func (c clone) domainsOf(t *testing.T) []string {
	t.Helper()
	all := c.domains(t)
	return all[:]
}

func cutWhileLooking(t *testing.T, c clone) {
	hv3 := c.world().Host(3)
	c.mustOnHosts(t, "status")
	cmd, out := c.command("lab", "status"), &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = out, out
	distributor.Must(t, cmd.Start())
	time.Sleep(200 * time.Millisecond)
	distributor.Must(t, hv3.Cut(t.Context()))
	begin := time.Now()
	_ = cmd.Wait()
	t.Logf("the status that ran ended after %s", time.Since(begin).Round(time.Second))
	begin = time.Now()
	if out, _ := c.onHosts(t, "hv3", "status"); !strings.Contains(out, "hv3    UNKNOWN: ") || strings.Contains(out, "absent") {
		t.Errorf("status:\n%s", out)
	}
	t.Logf("the next status ended after %s", time.Since(begin).Round(time.Second))
	distributor.Must(t, hv3.Mend(t.Context()))
	if out := c.mustOnHosts(t, "status"); strings.Contains(out, "UNKNOWN") {
		t.Errorf("status after it:\n%s", out)
	}
}

// said is what a command has printed so far.
type said struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (s *said) Write(text []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.Write(text)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.String()
}

// cutWhileBooting: the run that made the node may end with an error that names the host; the next one ends it, and nothing is there twice.
func cutWhileBooting(t *testing.T, c clone) {
	hv3 := c.world().Host(3)
	cmd, out := c.command("lab", "up", "recreate=core03"), &said{}
	cmd.Stdout, cmd.Stderr = out, out
	distributor.Must(t, cmd.Start())
	for deadline := time.Now().Add(pace.Limit(120)); !strings.Contains(out.String(), "core03: booting"); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it does not boot:\n%s", out)
		}
	}
	distributor.Must(t, hv3.Cut(t.Context()))
	time.Sleep(15 * time.Second)
	distributor.Must(t, hv3.Mend(t.Context()))
	err := cmd.Wait()
	t.Logf("up: %v\n%s", err, out)
	if err != nil && !strings.Contains(out.String(), "hv3") {
		t.Errorf("the error names no host")
	}
	c.healthy(t, c.mustOnHosts(t, "up"), 3)
	if all := strings.Join(c.domainsOf(t), " "); strings.Count(all, "core") != 3 {
		t.Errorf("there are %s", all)
	}
}

func memberOff(t *testing.T, c clone) {
	before := c.domains(t)
	l := startLoad(t, c, c.mustOnHosts(t, "up"), rest)
	hv3 := c.world().Host(3)
	distributor.Must(t, hv3.Off(t.Context()))
	out, err := c.onHosts(t, "hv3", "up")
	if err == nil || !strings.Contains(out, "core03: it is not known how it is: the host hv3 ") || len(readyNode.FindAllString(out, -1)) != 2 {
		t.Errorf("up: %v\n%s", err, out)
	}
	t.Logf("up, while hv3 is off:\n%s", out)
	distributor.Must(t, hv3.On(t.Context()))
	c.healthy(t, c.mustOnHosts(t, "up"), 3)
	if after := c.domains(t); after != before {
		t.Errorf("there were %q, and are %q", before, after)
	}
	l.end(t)
}
