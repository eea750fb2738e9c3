package bench

import (
	"encoding/xml"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

var some = []Result{
	{Case{Name: "nodes defined", Nodes: 3, Peer: Script}, 0.5, 5},
	{Case{Name: "nodes defined", Nodes: 100, Peer: Script}, 10, 200},
	{Case{Name: "nothing to do", Nodes: 3}, 0.3, 0},
}

func TestTable(t *testing.T) {
	page, err := Into("a\n<!-- bench -->\nold\n<!-- end of bench -->\nb\n", Table(some))
	if err != nil || strings.Contains(page, "old") || !strings.HasPrefix(page, "a\n<!-- bench -->\n| what ") || !strings.HasSuffix(page, "<!-- end of bench -->\nb\n") {
		t.Errorf("got %v\n%s", err, page)
	}
	for _, want := range []string{"| nodes defined | 100 | 10.00 s | virt-install and virsh | 200.00 s | 0.05 |\n", "| nothing to do | 3 | 0.30 s | | | |\n"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
	if _, err := Into("a page", ""); err == nil {
		t.Error("a page without the place is taken")
	}
}

func TestGrowth(t *testing.T) {
	drawn, err := Growth(some)
	if err != nil {
		t.Fatal(err)
	}
	for decoder := xml.NewDecoder(strings.NewReader(string(drawn))); ; {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%v\n%s", err, drawn)
		}
	}
	if got := string(drawn); strings.Count(got, "<polyline") != 3 || !strings.Contains(got, "nodes defined, virt-install and virsh") || strings.Contains(got, "NaN") || strings.Contains(got, "Zgotmpl") {
		t.Errorf("got\n%s", got)
	}
}

// TestMeasure: hyperfine's report is read, and a command that fails is an error with what it said.
func TestMeasure(t *testing.T) {
	if _, err := exec.LookPath("hyperfine"); err != nil {
		t.Skip("hyperfine is missing")
	}
	dir := t.TempDir()
	r, err := Case{Name: "x", Nodes: 1, Peer: Butane, Ours: "sleep 0.1", Theirs: "sleep 0.2", Before: "touch before", After: "test -e before && touch after"}.Measure(t.Context(), dir)
	if err != nil || r.TheirsTook <= 0 || r.OursTook <= 0 {
		t.Errorf("got %+v, %v", r, err)
	}
	if _, err := (Case{Name: "x", Nodes: 1, Ours: "echo said; false"}).Measure(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "x, 1 nodes: ") {
		t.Errorf("got %v", err)
	}
}

// TestCases are commands that sh can read.
func TestCases(t *testing.T) {
	for _, c := range (Subject{Program: "./mage", URI: "qemu:///system", Butane: "./butane"}).Cases([]int{3, 10}) {
		for _, script := range []string{c.Ours, c.Theirs, c.Before, c.After} {
			if out, err := exec.Command("sh", "-n", "-c", script).CombinedOutput(); err != nil || strings.Contains(script, "%!") {
				t.Errorf("%v: %s\n%s", err, out, script)
			}
		}
	}
}
