package timeline

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/guest"
)

func TestDraw(t *testing.T) {
	begin := time.Now()
	at := func(seconds float64) time.Time { return begin.Add(time.Duration(seconds * float64(time.Second))) }
	drawing, err := Draw("a<b", map[string][]Moment{
		"core02": {{"firmware", at(0)}, {"Ignition", at(4)}, {"ready", at(30)}, {"etcd", at(33)}},
		"core01": {{"firmware", at(1)}, {"kernel", at(5)}, {"ready", at(25)}},
	})
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
		"a&lt;b: the last up, 33.0 s", "<title>core02: Ignition, 26.0 s</title>", "<title>core02: ready, 3.0 s</title>", "<title>core01: kernel, 20.0 s</title>",
		`fill="#444444">firmware</text>`, `fill="#444444">Ignition</text>`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Index(text, ">core01<") > strings.Index(text, ">core02<") || strings.Contains(text, "core01: ready") {
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
