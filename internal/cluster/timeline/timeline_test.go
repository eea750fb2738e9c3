package timeline

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/guest"
)

func TestDraw(t *testing.T) {
	begin := time.Now()
	at := func(seconds float64) time.Time { return begin.Add(time.Duration(seconds * float64(time.Second))) }
	drawing, err := Timeline{"a<b", "v0.1.0", map[string][]Moment{
		"core02": {{"firmware", at(0)}, {"Ignition", at(4)}, {"ready", at(30)}, {"etcd", at(33)}},
		"core01": {{"firmware", at(1)}, {"kernel", at(5)}, {"ready", at(25)}},
	}, map[string]string{"core02": "hv2"}}.Draw()
	if err != nil {
		t.Fatal(err)
	}
	text := string(drawing)
	for decoder := xml.NewDecoder(strings.NewReader(text)); ; {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("no XML: %v\n%s", err, text)
		}
	}
	for _, want := range []string{
		"a&lt;b: the last up, 33.0 s, " + begin.UTC().Format("2006-01-02 15:04") + " UTC, by v0.1.0", "prefers-color-scheme: dark", "<title>core02 hv2: Ignition, 26.0 s</title>", "<title>core02 hv2: etcd forms, 3.0 s</title>", "<title>core01: kernel, 20.0 s</title>",
		`dy="11">firmware</text>`, `dy="11">Ignition</text>`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Index(text, ">core01<") > strings.Index(text, ">core02 hv2<") || strings.Contains(text, "core01: ready") {
		t.Errorf("got\n%s", text)
	}
}

func TestReachIsOnce(t *testing.T) {
	var all Record
	all.Reach("core01", "kernel")
	first := all.all["core01"][0]
	all.Reach("core01", "kernel")
	all.Reach("core01", "ready")
	if got := all.all["core01"]; len(got) != 2 || got[0] != first || got[1].Phase != "ready" {
		t.Errorf("got %+v", got)
	}
}

// TestABootAfterAnother is drawn, too: as of a node that joins etcd.
func TestABootAfterAnother(t *testing.T) {
	var all Record
	for _, phase := range []string{"overlay", "define", "start", "firmware", "kernel", "ready", "overlay", "define", "start", "firmware", "kernel", "kernel", "ready"} {
		all.Reach("core01", phase)
	}
	if got := len(all.all["core01"]); got != 12 {
		t.Errorf("got %d moments: %+v", got, all.all["core01"])
	}
}

// TestTheReportTellsOfItsBoot has network and sshd where they were, before what came later.
func TestTheReportTellsOfItsBoot(t *testing.T) {
	var all Record
	all.Ready("core02", guest.Report{Uptime: 99, Network: guest.Moment{At: 4}, SSHD: guest.Moment{At: 5}}) // which ran before
	if got := all.all["core02"]; len(got) != 1 || got[0].Phase != "ready" {
		t.Errorf("got %+v", got)
	}
	now := time.Now()
	all.ReachAt("core01", "start", now.Add(-20*time.Second))
	all.ReachAt("core01", "login", now.Add(-2*time.Second))
	all.Ready("core01", guest.Report{Uptime: 15, Network: guest.Moment{At: 7}, SSHD: guest.Moment{At: 10}})
	drawn := []string{}
	for _, s := range segments(all.all["core01"], now.Add(-20*time.Second), now, 1) {
		drawn = append(drawn, fmt.Sprintf("%s %.0f", s.Phase, s.Seconds))
	}
	if got := strings.Join(drawn, ", "); got != "start 12, network 3, sshd 3, login 2" {
		t.Errorf("got %s", got)
	}
}

// TestWhatEtcdIsAt is seen between the boots of a node that is replaced: its member leaves, joins, and is healthy.
func TestWhatEtcdIsAt(t *testing.T) {
	begin := time.Date(2026, 11, 27, 19, 20, 0, 0, time.UTC)
	moments := []Moment{}
	for i, phase := range []string{"ready", "etcd", Leaves, Joins, "overlay", "start", "ready", "etcd"} {
		moments = append(moments, Moment{phase, begin.Add(time.Duration(i) * 10 * time.Second)})
	}
	timeline := Timeline{Cluster: "core", Version: "v0.1.0", Nodes: map[string][]Moment{"core01": moments, "core02": {{"new phase", begin}, {"ready", begin.Add(time.Second)}}}}
	var text strings.Builder
	if err := timeline.Text(&text, 80); err != nil {
		t.Fatal(err)
	}
	want := "core: the last up, 70.0 s, 2026-11-27 19:20 UTC, by v0.1.0\n\n" +
		"core01  "
	if got := text.String(); !strings.HasPrefix(got, want) || !strings.Contains(got, "core01   etcd leave   -   20.0   10.0\n") || !strings.Contains(got, "core02   new phase    ?   0.0    1.0\n") {
		t.Errorf("got\n%s", got)
	}
	line := strings.Split(text.String(), "\n")[2]
	if order := strings.Join(slices.Compact(strings.Split(strings.TrimPrefix(line, "core01  "), "")), ""); order != "E.-+osE" || len(line) != 80 {
		t.Errorf("got %q, in %d columns: %s", order, len(line), line)
	}
}

// TestAFileOfAnOlderVersion has nothing but the nodes.
func TestAFileOfAnOlderVersion(t *testing.T) {
	for text, version := range map[string]string{
		`{"core01":[{"phase":"start","at":"2026-11-27T19:20:00Z"}]}`:                                               "",
		`{"cluster":"core","version":"v0.1.0","nodes":{"core01":[{"phase":"start","at":"2026-11-27T19:20:00Z"}]}}`: "v0.1.0",
	} {
		path := filepath.Join(t.TempDir(), "timeline.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := Read(path, "core")
		if err != nil || got.Cluster != "core" || got.Version != version || len(got.Nodes) != 1 || got.Nodes["core01"][0].Phase != "start" {
			t.Errorf("got %+v, %v", got, err)
		}
	}
}
