//go:build lab

package tests

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/testkit/pace"
)

// writes puts as many keys as it says into etcd. Arguments: their number, a client URL.
const writes = `for i in $(seq "$0"); do
  curl -sf -o /dev/null -d '{"key":"'$(printf 'kz%05d' $i | base64)'","value":"bGF0ZXI="}' "$1/v3/kv/put" || exit 1
done`

// goneBack has 200 writes after a snapshot, and the cluster go back to it: each member has then what it had before.
func goneBack(t *testing.T, c clone) {
	l := load{c: c, dir: t.TempDir()}
	for _, row := range addresses.FindAllStringSubmatch(c.mage(t, "lab", "up", "nodes=3"), -1) {
		l.urls = append(l.urls, "http://"+row[1]+":2379")
	}
	c.inLab(t, "bash", "-c", writes, "7", l.urls[0])
	before := l.keys(t)
	booted := c.bootIDs(t)
	begin := time.Now()
	out := c.mage(t, "lab", "snapshot", "name=clean")
	t.Logf("after %s\n%s", time.Since(begin), out)
	if !strings.Contains(out, "snapshot: clean is of core01, core02, core03 with memory, paused for ") || strings.Count(out, ": its clock is set, less than ") != 3 {
		t.Errorf("got\n%s", out)
	}
	c.inLab(t, "bash", "-c", writes, "200", l.urls[0])
	if now := l.keys(t); len(now) != len(before)+193 {
		t.Errorf("%d keys were there, %d are", len(before), len(now))
	}
	begin = time.Now()
	out = c.mage(t, "lab", "rollback", "name=clean")
	t.Logf("after %s\n%s", time.Since(begin), out)
	if !strings.Contains(out, "etcd: healthy, 3 members") || strings.Count(out, ": its clock is set, less than ") != 3 {
		t.Errorf("got\n%s", out)
	}
	for _, url := range l.urls {
		if now := (load{c: c, urls: []string{url}}).keys(t); len(before) == 0 || !maps.Equal(before, now) {
			t.Errorf("%s: %d keys were there, %d are", url, len(before), len(now))
		}
	}
	c.hasTheTime(t)
	if out := c.mage(t, "lab", "plan", "nodes=3"); c.bootIDs(t) != booted || strings.Count(out, "defined, unchanged") != 3 {
		t.Errorf("they were booted, or would be changed: got\n%s", out)
	}
	c.mage(t, "lab", "snapshots", "name=clean", "remove=true")
}

// hasTheTime looks at the clocks of three guests.
func (c clone) hasTheTime(t *testing.T) {
	t.Helper()
	for i := range 3 {
		asked := time.Now().Add(-time.Second)
		text := strings.TrimSpace(c.mage(t, "lab", "ssh", fmt.Sprintf("node=core%02d", i+1), "cmd=date +%s"))
		seconds, err := strconv.ParseInt(text, 10, 64)
		if at := time.Unix(seconds, 0); err != nil || at.Before(asked.Add(-pace.Limit(1))) || at.After(time.Now().Add(pace.Limit(1))) {
			t.Errorf("core%02d has the time %s, and it is %s", i+1, text, time.Now())
		}
	}
}
