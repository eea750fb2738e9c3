//go:build lab

package tests

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// load is a writer of one key after the other to the cluster's etcd, from the lab's host, and a record of
// what was acknowledged when.
type load struct {
	c    clone
	dir  string
	cmd  *exec.Cmd
	urls []string
}

// writer tries the members in turn, by etcd's JSON gateway. Arguments: folder, client URLs.
const writer = `dir=$0; i=0
while [[ ! -e $dir/stop ]]; do
  i=$((i+1))
  key=$(printf 'k%06d' $i | base64)
  for url in "$@"; do
    if curl -sf -m 2 -o /dev/null -d '{"key":"'$key'","value":"djE="}' "$url/v3/kv/put"; then
      echo "$i $EPOCHREALTIME" >>$dir/acknowledged
      break
    fi
  done
done`

var addresses = regexp.MustCompile(`(?m)^core\d\d +core\d\d +(10\.77\.0\.\d+) `)

func startLoad(t *testing.T, c clone, up string) load {
	t.Helper()
	l := load{c: c, dir: t.TempDir()}
	for _, row := range addresses.FindAllStringSubmatch(up, -1) {
		l.urls = append(l.urls, "http://"+row[1]+":2379")
	}
	l.cmd = c.world().Command(t.Context(), "bash", append([]string{"-c", writer, l.dir}, l.urls...)...)
	if err := l.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return l
}

// end stops the writer and looks whether every write that was acknowledged is there, and whether there was
// a time without any.
func (l load) end(t *testing.T) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(l.dir, "stop"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_ = l.cmd.Wait()
	there := l.keys(t)
	text, err := os.ReadFile(filepath.Join(l.dir, "acknowledged"))
	if err != nil {
		t.Fatal(err)
	}
	lost, last, longest := 0, 0.0, 0.0
	for line := range strings.Lines(string(text)) {
		number, at, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, _ := strconv.Atoi(number)
		if !there[fmt.Sprintf("k%06d", n)] {
			lost++
		}
		now, _ := strconv.ParseFloat(at, 64)
		if last > 0 {
			longest = max(longest, now-last)
		}
		last = now
	}
	t.Logf("%d writes were acknowledged, the longest time between two was %.1f s", strings.Count(string(text), "\n"), longest)
	if lost > 0 || longest > 15 || strings.Count(string(text), "\n") < 100 {
		t.Errorf("%d acknowledged writes are lost; %.1f s without any", lost, longest)
	}
}

func (l load) keys(t *testing.T) map[string]bool {
	t.Helper()
	const all = `{"key":"aw==","range_end":"bA==","keys_only":true}` // k to l
	var answer struct {
		KVs []struct {
			Key string `json:"key"`
		} `json:"kvs"`
	}
	if err := json.Unmarshal([]byte(l.c.inLab(t, "curl", "-sf", "-d", all, l.urls[0]+"/v3/kv/range")), &answer); err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, kv := range answer.KVs {
		key, _ := base64.StdEncoding.DecodeString(kv.Key)
		there[string(key)] = true
	}
	return there
}

// members grows and shrinks the cluster, and replaces a member, while somebody writes.
func members(t *testing.T, c clone) {
	out := c.mage(t, "lab", "up", "nodes=3")
	l := startLoad(t, c, out)
	time.Sleep(2 * time.Second)
	if out := c.mage(t, "lab", "up", "nodes=4"); len(readyNode.FindAllString(out, -1)) != 4 {
		t.Errorf("3 to 4: got\n%s", out)
	}
	out = c.mage(t, "lab", "up", "nodes=4", "recreate=core02")
	if len(readyNode.FindAllString(out, -1)) != 4 || !strings.Contains(out, "core02: made anew") || strings.Contains(out, "core01: made anew") {
		t.Errorf("recreate: got\n%s", out)
	}
	if out := c.mage(t, "lab", "etcd"); strings.Count(out, " yes ") != 4 || strings.Count(out, "leader") != 1 {
		t.Errorf("etcd: got\n%s", out)
	}
	if out := c.mage(t, "lab", "up"); strings.Count(out, "left as it is, nodes=3 would remove it") != 1 {
		t.Errorf("nobody said that there shall be fewer: got\n%s", out)
	}
	if out := c.mage(t, "lab", "up", "nodes=3"); len(readyNode.FindAllString(out, -1)) != 3 || strings.Count(out, "has left etcd") != 1 {
		t.Errorf("4 to 3: got\n%s", out)
	}
	l.end(t)
	if out := c.mage(t, "lab", "etcd"); strings.Count(out, " yes ") != 3 {
		t.Errorf("etcd: got\n%s", out)
	}
	backedUp(t, c, l)
}

// backedUp has every key in a new cluster, from a snapshot of the one before.
func backedUp(t *testing.T, c clone, l load) {
	t.Helper()
	before := l.keys(t)
	file := "file=" + filepath.Join(l.dir, "core.db")
	c.mage(t, "lab", "backup", file)
	c.mage(t, "lab", "down")
	c.mage(t, "lab", "up", "nodes=3")
	if out := c.mage(t, "lab", "restore", file); !strings.Contains(out, fmt.Sprintf("restore: %d keys", len(before))) {
		t.Errorf("got\n%s", out)
	}
	if after := l.keys(t); !maps.Equal(before, after) {
		t.Errorf("%d keys were there, %d are", len(before), len(after))
	}
}

// killedWhileGrowing ends a run with kill -9 between `member add` and the vote: the next ends what it began.
func killedWhileGrowing(t *testing.T, c clone) {
	killAfter(t, c, "core04: joins etcd as a learner", 3*time.Second, "nodes=4")
	out := c.mage(t, "lab", "up", "nodes=4")
	if len(readyNode.FindAllString(out, -1)) != 4 {
		t.Errorf("got\n%s", out)
	}
	inUse(t, c, "http://"+addresses.FindStringSubmatch(out)[1]+":2379")
	if out := c.mage(t, "lab", "etcd"); strings.Count(out, " yes ") != 4 {
		t.Errorf("etcd: got\n%s", out)
	}
	c.mage(t, "lab", "down")
	c.nothingIsLeft(t)
}

// inUse has core04's member taken out by somebody: the node has been in use, and is not made anew before
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
	if out := c.mage(t, "lab", "up", "nodes=4"); !strings.Contains(out, "core04: is no member of etcd at") || strings.Contains(out, "made anew\n") {
		t.Errorf("got\n%s", out)
	}
	if out := c.mage(t, "lab", "up", "nodes=4", "recreate=core04"); len(readyNode.FindAllString(out, -1)) != 4 {
		t.Errorf("got\n%s", out)
	}
}
