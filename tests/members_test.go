//go:build lab

package tests

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/testkit/pace"
)

// load is a writer of one key after the other to the cluster's etcd, from the lab's host, and a record of
// what was acknowledged when.
type load struct {
	c    clone
	dir  string
	cmd  *exec.Cmd
	urls []string
	with []string // curl's options for members with TLS
}

// writer tries the members in turn, by etcd's JSON gateway, each for PATIENCE seconds, and rests for REST seconds after each write.
// Arguments: folder, client URLs.
const writer = `dir=$0; i=0
while [[ ! -e $dir/stop ]]; do
  i=$((i+1))
  key=$(printf 'k%06d' $i | base64)
  for url in "$@"; do
    if curl -sf $WITH -m $PATIENCE -o /dev/null -d '{"key":"'$key'","value":"'$(printf 'v%d' $i | base64)'"}' "$url/v3/kv/put"; then
      echo "$i $EPOCHREALTIME" >>$dir/acknowledged
      break
    fi
  done
  sleep $REST
done`

var addresses = regexp.MustCompile(`(?m)^core\d\d +core\d\d +(10\.77\.0\.\d+) `)

// rest is for the writer where nodes boot meanwhile: emulated members take a tenth of a second of processor time for a write, and one
// write after the other would take a processor from those nodes.
const rest = 500 * time.Millisecond

func startLoad(t *testing.T, c clone, up string, pause time.Duration, with ...string) load {
	t.Helper()
	l, scheme := load{c: c, dir: t.TempDir(), with: with}, "http"
	if len(with) > 0 {
		scheme = "https"
	}
	for _, row := range addresses.FindAllStringSubmatch(up, -1) {
		l.urls = append(l.urls, scheme+"://"+row[1]+":2379")
	}
	l.cmd = c.world().Command(t.Context(), "bash", append([]string{"-c", writer, l.dir}, l.urls...)...)
	l.cmd.Env = append(os.Environ(), fmt.Sprintf("PATIENCE=%.0f", pace.Limit(1).Seconds()), fmt.Sprintf("REST=%.1f", pause.Seconds()), "WITH="+strings.Join(with, " "))
	if err := l.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return l
}

func (l load) stop(t *testing.T) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(l.dir, "stop"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_ = l.cmd.Wait()
}

// end stops the writer and looks whether every write that was acknowledged is there, and whether there was
// a time without any.
func (l load) end(t *testing.T) {
	t.Helper()
	l.stop(t)
	there := l.keys(t)
	text, err := os.ReadFile(filepath.Join(l.dir, "acknowledged"))
	if err != nil {
		t.Fatal(err)
	}
	lost, last, longest := 0, 0.0, 0.0
	for line := range strings.Lines(string(text)) {
		number, at, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, _ := strconv.Atoi(number)
		if there[fmt.Sprintf("k%06d", n)] != fmt.Sprintf("v%d", n) {
			lost++
		}
		now, _ := strconv.ParseFloat(at, 64)
		if last > 0 {
			longest = max(longest, now-last)
		}
		last = now
	}
	t.Logf("%d writes were acknowledged, the longest time between two was %.1f s", strings.Count(string(text), "\n"), longest)
	if lost > 0 || longest > pace.Limit(7.5).Seconds() || strings.Count(string(text), "\n") < 30 {
		t.Errorf("%d acknowledged writes are lost; %.1f s without any", lost, longest)
	}
}

// keys are all that was written, with their values.
func (l load) keys(t *testing.T) map[string]string {
	t.Helper()
	const all = `{"key":"aw==","range_end":"bA=="}` // k to l
	var answer struct {
		KVs []struct{ Key, Value []byte } `json:"kvs"`
	}
	if err := json.Unmarshal([]byte(l.c.inLab(t, "curl", slices.Concat(l.with, []string{"-sf", "-d", all, l.urls[0] + "/v3/kv/range"})...)), &answer); err != nil {
		t.Fatal(err)
	}
	there := map[string]string{}
	for _, kv := range answer.KVs {
		there[string(kv.Key)] = string(kv.Value)
	}
	return there
}

// most is to how many members the cluster grows: five emulated guests are too many for CI's two cores.
var most = flag.Int("members", 4, "to how many members TestLab's cluster grows")

var leads = regexp.MustCompile(`(?m)^(core\d\d) .* healthy, leader, `)

// changes is an `up` by which members come or go. It is refused while a member does not answer within some seconds.
func (c clone) changes(t *testing.T, words ...string) string {
	t.Helper()
	return c.unlessSlow(t, "while etcd is not healthy no member is added, replaced or taken out", append([]string{"lab", "up"}, words...)...)
}

// unlessSlow is a target that must succeed. It is asked again if it fails with these words, as may be where the machine is slow.
func (c clone) unlessSlow(t *testing.T, slow string, words ...string) string {
	t.Helper()
	for deadline := time.Now().Add(pace.Limit(60)); ; {
		out, err := c.try(words...)
		if err == nil {
			return out
		}
		if !strings.Contains(out, slow) || time.Now().After(deadline) {
			t.Fatalf("%v: %v\n%s", words, err, out)
		}
		t.Logf("%v: asked again, after\n%s", words, out)
	}
}

// living has one of three nodes break and be replaced, and another one come and go, while somebody writes.
func living(t *testing.T, c clone) {
	l := startLoad(t, c, c.mage(t, "lab", "up", "nodes=3"), rest)
	broken(t, c)
	three := []string{"core01", "core02", "core03"}
	before := c.startsOf(t, three...)
	if out := c.changes(t, "nodes=4"); len(readyNode.FindAllString(out, -1)) != 4 {
		t.Errorf("3 to 4: got\n%s", out)
	}
	if after := c.startsOf(t, three...); after != before {
		t.Errorf("the three were booted anew: %q, then %q", before, after)
	}
	if out := c.changes(t, "nodes=3"); len(readyNode.FindAllString(out, -1)) != 3 || strings.Count(out, "has left etcd") != 1 {
		t.Errorf("back to 3: got\n%s", out)
	}
	l.end(t)
}

// members grows and shrinks the cluster, and replaces the member that leads, while somebody writes.
func members(t *testing.T, c clone) {
	out := c.mage(t, "lab", "up", "nodes=3")
	before := c.bootIDs(t)
	l := startLoad(t, c, out, 0)
	time.Sleep(2 * time.Second)
	more := fmt.Sprintf("nodes=%d", *most)
	begin := time.Now()
	if out = c.changes(t, more); len(readyNode.FindAllString(out, -1)) != *most {
		t.Errorf("3 to more: got\n%s", out)
	}
	t.Logf("%s after %s", more, time.Since(begin).Round(time.Second))
	if after := c.bootIDs(t); after != before {
		t.Errorf("the three were booted anew: %q, then %q", before, after)
	}
	leader := leads.FindStringSubmatch(out)[1]
	out = c.changes(t, more, "recreate="+leader)
	if len(readyNode.FindAllString(out, -1)) != *most || strings.Count(out, ": recreated") != 1 || !strings.Contains(out, leader+": recreated") {
		t.Errorf("recreate=%s: got\n%s", leader, out)
	}
	if out := c.mage(t, "lab", "etcd"); strings.Count(out, " yes ") != *most || strings.Count(out, "leader") != 1 {
		t.Errorf("etcd: got\n%s", out)
	}
	if out := c.mage(t, "lab", "up"); len(readyNode.FindAllString(out, -1)) != *most || strings.Contains(out, "has left etcd") {
		t.Errorf("nobody said that there shall be fewer: got\n%s", out)
	}
	if out := c.changes(t, "nodes=3"); len(readyNode.FindAllString(out, -1)) != 3 || strings.Count(out, "has left etcd") != *most-3 {
		t.Errorf("back to 3: got\n%s", out)
	}
	l.end(t)
	t.Logf("all of it in %s", time.Since(begin).Round(time.Second))
	if out := c.mage(t, "lab", "etcd"); strings.Count(out, " yes ") != 3 {
		t.Errorf("etcd: got\n%s", out)
	}
}

// backedUp has every key in a new cluster, from a snapshot of the one before.
func backedUp(t *testing.T, c clone) {
	l := startLoad(t, c, c.mage(t, "lab", "up", "nodes=3"), 0)
	time.Sleep(5 * time.Second)
	l.stop(t)
	before := l.keys(t)
	file := "file=" + filepath.Join(l.dir, "core.db")
	c.mage(t, "lab", "backup", file)
	c.mage(t, "lab", "down", "all=true", "yes=true")
	if out := c.mage(t, "lab", "restore", file, "nodes=3"); !strings.Contains(out, fmt.Sprintf("on 3 nodes: %d keys, revision ", len(before))) || len(readyNode.FindAllString(out, -1)) != 3 {
		t.Errorf("got\n%s", out)
	}
	if after := l.keys(t); len(before) == 0 || !maps.Equal(before, after) {
		t.Errorf("%d keys were there, %d are", len(before), len(after))
	}
}

// killedWhileGrowing ends a run with kill -9 between `member add` and the vote, and one that has taken a member out
// to make it anew: the next ends what they began.
func killedWhileGrowing(t *testing.T, c clone) {
	l := startLoad(t, c, c.mage(t, "lab", "up", "nodes=3"), 0)
	neverComesUp(t, c)
	killAfter(t, c, "core04: joins etcd as a learner", pace.Limit(1.5), "nodes=4")
	out := c.mage(t, "lab", "up", "nodes=4")
	if len(readyNode.FindAllString(out, -1)) != 4 {
		t.Errorf("got\n%s", out)
	}
	killAfter(t, c, "core02: has left etcd", 0, "nodes=4", "recreate=core02")
	out = c.mage(t, "lab", "up", "nodes=4")
	if len(readyNode.FindAllString(out, -1)) != 4 || !strings.Contains(out, "core02: joins etcd as a learner") {
		t.Errorf("recreate=core02 killed, then up: got\n%s", out)
	}
	l.end(t)
	inUse(t, c, "http://"+addresses.FindStringSubmatch(out)[1]+":2379")
	if out := c.mage(t, "lab", "etcd"); strings.Count(out, " yes ") != 4 {
		t.Errorf("etcd: got\n%s", out)
	}
	c.mage(t, "lab", "down", "all=true", "yes=true")
	c.nothingIsLeft(t)
}

// neverComesUp pulls core04's plug in its second boot: etcd is as it was, and that is said.
func neverComesUp(t *testing.T, c clone) {
	t.Helper()
	cmd := c.command("lab", "up", "nodes=4")
	said := waitFor(t, cmd, "core04: joins etcd as a learner")
	for deadline := time.Now().Add(pace.Limit(60)); strings.Count(said(), "core04: booting") < 2 && time.Now().Before(deadline); {
		time.Sleep(100 * time.Millisecond)
	}
	c.inLab(t, "virsh", "-q", "destroy", "core04")
	if err := cmd.Wait(); err == nil || !strings.Contains(said(), "core04: it was taken out of etcd again, which has 3 members") {
		t.Errorf("got %v\n%s", err, said())
	}
	if out := c.mage(t, "lab", "etcd"); strings.Count(out, " yes ") != 3 || strings.Contains(out, "learner") {
		t.Errorf("etcd: got\n%s", out)
	}
}

// brokenEtcd has an etcd that does not start: its own words are told. Once it does the cluster is recreated without
// more ado, but not when it lives.
func brokenEtcd(t *testing.T, c clone) {
	c.mage(t, "lab", "down", "all=true", "yes=true") // where another part left its nodes
	good := c.read(t, "ignition/files/etcd.sh")
	c.write(t, "ignition/files/etcd.sh", strings.Replace(good, "--heartbeat-interval=", "--no-such-flag=", 1))
	c.mage(t, "lab", "define", "nodes=1")
	c.mage(t, "lab", "start")
	out, err := c.try("lab", "up", "nodes=1", pace.Setting("timeout", 7.5))
	c.write(t, "ignition/files/etcd.sh", good)
	if err == nil || !strings.Contains(out, "etcd: 0 of 1 members are healthy") || !strings.Contains(out, "core01: its etcd wrote last\n") || !strings.Contains(out, "-no-such-flag") {
		t.Errorf("got %v\n%s", err, out)
	}
	if out := c.mage(t, "lab", "up", "nodes=1", "recreate=changed"); len(readyNode.FindAllString(out, -1)) != 1 || !strings.Contains(out, "a new token for 1 members") {
		t.Errorf("recreate=changed: got\n%s", out)
	}
	if out, err := c.try("lab", "up", "nodes=1", "recreate=all"); err == nil || !strings.Contains(out, "the data of its 1 members would be lost") || !strings.Contains(out, "nodes=1 recreate=all force=true` makes the new cluster") {
		t.Errorf("recreate=all: got %v\n%s", err, out)
	}
	if out, err := c.try("lab", "up", "nodes=2", "ready=off"); err == nil || !strings.Contains(out, "ready=off: nodes do not say where they are") {
		t.Errorf("ready=off: got %v\n%s", err, out)
	}
	c.mage(t, "lab", "stop", "grace=1s")
	if out, err := c.try("lab", "etcd"); err == nil {
		t.Errorf("nothing runs: got\n%s", out)
	}
	c.mage(t, "lab", "down", "all=true", "yes=true")
	c.nothingIsLeft(t)
}

// inUse has core04's member taken out by somebody: the node has been in use, and is not recreated before
// the user says so.
func inUse(t *testing.T, c clone, url string) {
	t.Helper()
	var answer struct {
		Members []struct{ ID, Name string } `json:"members"`
	}
	if err := json.Unmarshal([]byte(c.inLab(t, "curl", "-sf", "-d", "{}", url+"/v3/cluster/member/list")), &answer); err != nil {
		t.Fatal(err)
	}
	for _, m := range answer.Members {
		if m.Name == "core04" {
			c.inLab(t, "curl", "-sf", "-d", `{"ID":"`+m.ID+`"}`, url+"/v3/cluster/member/remove")
		}
	}
	if out := c.mage(t, "lab", "up", "nodes=4"); !strings.Contains(out, "core04: its etcd is not a member of the cluster") || strings.Contains(out, "recreated\n") {
		t.Errorf("got\n%s", out)
	}
	if out := c.mage(t, "lab", "up", "nodes=4", "recreate=core04"); len(readyNode.FindAllString(out, -1)) != 4 {
		t.Errorf("got\n%s", out)
	}
}
