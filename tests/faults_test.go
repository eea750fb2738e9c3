//go:build lab

package tests

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/testkit/pace"
)

// TestFaults does to members of etcd what happens to them in the field, while somebody writes: the message says which, what, and what helps, and that
// does help.
func TestFaults(t *testing.T) {
	onlyInFull(t)
	story(t, []part{
		{"members that are stopped, full, off the time, and moved", faults},
		{"the lab goes", labGoes},
	})
}

func faults(t *testing.T, c clone) {
	l := startLoad(t, c, c.mage(t, "lab", "up", "nodes=3"), rest)
	time.Sleep(10 * rest)
	stopped(t, c)
	filled(t, c)
	offTheTime(t, c)
	addressMoved(t, c)
	l.end(t)
}

// stopped is a member that somebody has stopped with SIGSTOP.
func stopped(t *testing.T, c clone) {
	t.Helper()
	c.mage(t, "lab", "ssh", "node=core02", "cmd=sudo systemctl kill --signal=STOP etcd")
	out := c.says(t, "core02: its etcd stands still: somebody has stopped process ")
	c.follow(t, out, ` ssh node=core02 cmd='sudo kill -CONT \d+'`)
	c.well(t)
}

// filled is a member whose file system is full, and whose etcd has ended of that.
func filled(t *testing.T, c clone) {
	t.Helper()
	const fill = `cd /var/lib/etcd
for i in 1 2 3; do set -- $(stat -f -c "%f %S" .); fallocate -l $(($1 * $2 / 100 * 99)) filling$i; done
dd if=/dev/zero bs=4k of=filling status=none
systemctl restart etcd`
	c.mage(t, "lab", "ssh", "node=core03", "cmd=sudo sh -c '"+fill+"'")
	out := c.says(t, "core03: the file system that has its data is full (")
	if taken := c.follow(t, out, ` ssh node=core03 cmd='sudo du -xhd2 .* tail'`); !strings.Contains(taken, "/var/lib/etcd") {
		t.Errorf("what takes the room: got\n%s", taken)
	}
	c.mage(t, "lab", "ssh", "node=core03", "cmd=sudo sh -c 'rm /var/lib/etcd/filling*'")
	c.follow(t, out, ` ssh node=core03 cmd='sudo systemctl restart etcd[^']*'`)
	c.well(t)
}

// offTheTime is a healthy member whose clock is an hour ahead.
func offTheTime(t *testing.T, c clone) {
	t.Helper()
	shift := func(by string) {
		c.mage(t, "lab", "ssh", "node=core01", "cmd=sudo date -s @$(($(date +%s) "+by+"))")
	}
	shift("+ 3600")
	if out := c.mage(t, "lab", "etcd"); !strings.Contains(out, "warning: core01: its clock is 1h0m0s ahead of this machine's: leases and certificates end at the wrong time (hint: ") {
		t.Errorf("an hour ahead: got\n%s", out)
	}
	shift("- 3600")
	c.well(t)
}

// addressMoved is a member whose node has another address than the others look for it at: it becomes a new one.
func addressMoved(t *testing.T, c clone) {
	t.Helper()
	was := strings.TrimSpace(c.mage(t, "lab", "ssh", "node=core02", `cmd=ip -4 -o route get 10.77.0.1 | sed 's/.* src \([0-9.]*\).*/\1/;q'`))
	const to = "10.77.0.9"
	const move = `card=$(ip -4 -o route get 10.77.0.1 | sed 's/.* dev \([^ ]*\).*/\1/;q') && sudo systemd-run --on-active=1 sh -c "ip address add %s/24 dev $card; ip address delete %s/24 dev $card"`
	c.mage(t, "lab", "ssh", "node=core02", "cmd="+fmt.Sprintf(move, to, was))
	out := c.says(t, "core02: its address has changed: the other members look for it at http://"+was+":2380, and the node is at "+to)
	if out := c.follow(t, out, ` up [^`+"`"+`]*recreate=core02`); len(readyNode.FindAllString(out, -1)) != 3 || !strings.Contains(out, "core02: recreated") {
		t.Errorf("made anew: got\n%s", out)
	}
	c.well(t)
}

// says asks `mage etcd` until it fails with these words: a member's fault is seen when it has not answered for some time.
func (c clone) says(t *testing.T, want string) (out string) {
	t.Helper()
	return c.asksEtcd(t, "it never says "+want, func(out string, err error) bool { return err != nil && strings.Contains(out, want) })
}

// well waits until all three members are, and nothing is said of any.
func (c clone) well(t *testing.T) {
	t.Helper()
	c.asksEtcd(t, "three members are not well", func(out string, err error) bool {
		return err == nil && strings.Count(out, " yes ") == 3 && !strings.Contains(out, "warning")
	})
}

// asksEtcd asks `mage etcd` until what it prints is as it should be, else the test fails with these words.
func (c clone) asksEtcd(t *testing.T, fault string, is func(out string, err error) bool) (out string) {
	t.Helper()
	for deadline := time.Now().Add(pace.Limit(60)); ; {
		out, err := c.try("lab", "etcd")
		if is(out, err) {
			return out
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: got %v\n%s", fault, err, out)
		}
	}
}

// follow types the command between the backticks of a hint, and gives what it prints.
func (c clone) follow(t *testing.T, said, command string) string {
	t.Helper()
	line := regexp.MustCompile("`([^`\n]*" + command + ")`").FindStringSubmatch(said)
	if line == nil {
		t.Fatalf("no hint has %q:\n%s", command, said)
	}
	return c.run(t, line[1])
}
