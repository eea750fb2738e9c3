package bench

import (
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var some = []Result{
	{Case{Name: "nodes defined", Nodes: 3, Peer: Script}, 0.5, 5},
	{Case{Name: "nodes defined", Nodes: 100, Peer: Script}, 10, 200},
	{Case{Name: "nothing to do", Nodes: 3}, 0.3, 0},
	{Case{Name: "nothing to do", Nodes: 10, Peer: Vagrant}, 0.3, 3},
	{Case{Name: "fetch", Peer: ByHand}, 2, 4},
}

func TestTable(t *testing.T) {
	page, err := Into("a\n<!-- bench -->\nold\n<!-- end of bench -->\nb\n", Table(some))
	if err != nil || strings.Contains(page, "old") || !strings.HasPrefix(page, "a\n<!-- bench -->\n| what ") || !strings.HasSuffix(page, "<!-- end of bench -->\nb\n") {
		t.Errorf("got %v\n%s", err, page)
	}
	for _, want := range []string{"| nodes defined | 100 | 10.00 s | virt-install and virsh | 200.00 s | 0.05 |\n", "| nothing to do | 3 | 0.30 s | | | |\n", "| fetch | | 2.00 s | curl, gpgv, sha256sum, xz | 4.00 s | 0.50 |\n"} {
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
	got := string(drawn)
	if strings.Count(got, "<polyline") != 4 || strings.Contains(got, "NaN") || strings.Contains(got, "Zgotmpl") || strings.Contains(got, "fetch") {
		t.Errorf("got\n%s", got)
	}
	for _, want := range []string{`<polyline class="s0 peer"`, "nodes defined, virt-install and virsh", `<polyline class="s1 peer"`, "nothing to do, vagrant-libvirt"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}

// TestMeasure: hyperfine's report is read, each command has what comes before it, and one that fails is an error with what it said.
func TestMeasure(t *testing.T) {
	if _, err := exec.LookPath("hyperfine"); err != nil {
		t.Skip("hyperfine is missing")
	}
	dir := t.TempDir()
	// hyperfine takes off what it takes the shell to start, which may be all of a command that does next to nothing
	c := Case{Name: "x", Nodes: 1, Peer: Butane, Ours: "sleep 0.5; rm ours", Theirs: "sleep 0.5; rm theirs", Before: "touch ours", BeforeTheirs: "touch theirs", After: "touch after"}
	r, err := c.Measure(t.Context(), dir)
	if err != nil || r.TheirsTook <= 0 || r.OursTook <= 0 {
		t.Errorf("got %+v, %v", r, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "after")); err != nil {
		t.Error(err)
	}
	_, err = Case{Name: "x", Nodes: 1, Ours: "echo said; false"}.Measure(t.Context(), dir)
	if err == nil || !strings.HasPrefix(err.Error(), "x, 1 nodes: hyperfine: exit status 1\n") || !strings.Contains(err.Error(), "said") {
		t.Errorf("got %v", err)
	}
}

// TestCases are commands that sh can read, and beside vagrant-libvirt only small clusters.
func TestCases(t *testing.T) {
	s := Subject{Program: "./mage", URI: "qemu:///system", Butane: "./butane", Vagrant: true, Server: "http://127.0.0.1:1"}
	beside := map[Peer]int{}
	for _, c := range s.Cases([]int{3, 100}) {
		beside[c.Peer]++
		for _, script := range []string{c.Ours, c.Theirs, c.Before, c.BeforeTheirs, c.After} {
			if out, err := exec.Command("sh", "-n", "-c", script).CombinedOutput(); err != nil || strings.Contains(script, "%!") {
				t.Errorf("%v: %s\n%s", err, out, script)
			}
		}
	}
	if want := map[Peer]int{Butane: 1, ByHand: 1, Script: 4, Vagrant: 3, Itself: 1}; !maps.Equal(beside, want) {
		t.Errorf("got %v, want %v", beside, want)
	}
}

// TestCleanWithoutAnything: a run that was killed before it began leaves nothing that has to be cleaned.
func TestCleanWithoutAnything(t *testing.T) {
	if err := (Subject{Program: "/nonexistent"}).Clean(t.Context(), t.TempDir()); err != nil {
		t.Error(err)
	}
}
