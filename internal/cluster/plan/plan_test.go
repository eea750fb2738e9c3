package plan

import (
	"strings"
	"testing"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/workspace"
)

// decisions are all of what ForNode decides: the first row that fits counts, a dash fits everything. used is a domain
// whose disk QEMU may have open: one that runs, is paused, or has crashed and is kept. making is what a node is made
// from, its Ignition document, base image, that image's file or size. Whether a node is started follows from its
// state: all but running ones are.
const decisions = `
domain  disk      making   definition  edited  word      action    drift
absent  none      -        -           -       -         create    no
absent  pristine  -        -           -       -         create    no
absent  leaving   -        -           -       -         create    no
absent  -         -        -           -       force     recreate  no
absent  other     -        -           -       changed   recreate  no
absent  -         changed  -           -       changed   recreate  no
absent  -         -        -           -       -         redefine  ?
-       -         -        -           -       force     recreate  no
used    none      -        -           no      changed   recreate  no
used    other     -        -           no      changed   recreate  no
used    -         changed  -           no      changed   recreate  no
off     none      -        -           no      -         create    no
off     none      -        -           yes     redefine  create    no
off     pristine  changed  -           no      -         create    no
off     pristine  changed  -           yes     redefine  create    no
off     other     -        -           no      changed   recreate  no
off     -         changed  -           no      changed   recreate  no
-       -         -        -           yes     redefine  redefine  ?
-       -         -        -           yes     -         keep      ?
-       -         -        changed     no      -         redefine  ?
-       -         -        same        no      -         keep      ?
`

// situation is one combination of what is there and what is wanted, by the columns' words.
type situation map[string]string

func (s situation) plan() Step {
	want := engine.Metadata{Ignition: "i1", Base: "/base", Image: "f1", Disk: 10, Definition: "d1"}
	have := want
	switch s["making"] {
	case "ignition":
		have.Ignition = "i0"
	case "base":
		have.Base = "/old"
	case "file":
		have.Image = "f0"
	case "size":
		have.Disk = 5
	}
	if s["definition"] == "changed" {
		have.Definition = "d0"
	}
	found := Found{
		Defined: s["domain"] != "absent", Domain: engine.Domain{Name: "core01", Metadata: &have, State: engine.State(s["domain"])}, Leaving: s["disk"] == "leaving",
		Wishes: Wishes{Recreate: s["word"] == "changed", Force: s["word"] == "force", Redefine: s["word"] == "redefine"},
		Disk:   engine.Disk{Exists: s["disk"] != "none", Pristine: s["disk"] == "pristine", Backing: want.Base},
	}
	if !found.Defined {
		found.Domain, found.Made = engine.Domain{}, &have
	}
	if s["disk"] == "other" {
		found.Disk.Backing = "/another"
	}
	if s["edited"] == "yes" {
		found.Edited = "a diff"
	}
	return ForNode(workspace.NodeAt("/w/vm", "core", 1), want, found)
}

// drifts reports whether something of the node's making differs.
func (s situation) drifts() bool {
	return s["making"] != "same" || s["disk"] == "none" || s["disk"] == "other"
}

func (s situation) fits(column, word string) bool {
	have := s[column]
	switch {
	case column == "making" && have != "same":
		have = "changed"
	case column == "domain" && have == string(engine.ShutOff):
		have = "off"
	case column == "domain" && have != "absent":
		have = "used"
	}
	return word == "-" || word == have
}

// situations are all combinations.
func situations() []situation {
	all := []situation{{}}
	for _, column := range [][]string{
		{"domain", "absent", string(engine.ShutOff), string(engine.Running), string(engine.Paused), string(engine.Crashed), string(engine.Other)},
		{"disk", "none", "pristine", "used", "other", "leaving"},
		{"making", "same", "ignition", "base", "file", "size"},
		{"definition", "same", "changed"},
		{"edited", "no", "yes"},
		{"word", "none", "changed", "force", "redefine"},
	} {
		longer := []situation{}
		for _, s := range all {
			for _, word := range column[1:] {
				next := situation{column[0]: word}
				for k, v := range s {
					next[k] = v
				}
				longer = append(longer, next)
			}
		}
		all = longer
	}
	return all
}

func TestPlanOfEverySituation(t *testing.T) {
	rows := strings.Split(strings.TrimSpace(decisions), "\n")
	columns := strings.Fields(rows[0])
	used := map[int]bool{}
	for _, s := range situations() {
		for i, row := range rows[1:] {
			words := strings.Fields(row)
			fits := true
			for c := range 6 {
				fits = fits && s.fits(columns[c], words[c])
			}
			if !fits {
				continue
			}
			used[i] = true
			compare(t, s, s.plan(), words[6:])
			break
		}
	}
	for i, row := range rows[1:] {
		if !used[i] {
			t.Errorf("no situation is decided by %s", row)
		}
	}
}

// compare compares a step with the last two columns of its row, and whether it starts the node with its state.
func compare(t *testing.T, s situation, step Step, want []string) {
	t.Helper()
	drift := want[1] == "?" && s.drifts()
	starts := want[0] != "keep" && want[0] != "redefine" || s["domain"] != string(engine.Running)
	if string(step.Action) != want[0] || (step.Drift != "") != drift || step.Starts() != starts {
		t.Errorf("%v: want %v, got %s, drift %q, starts %v", s, want, step.Action, step.Drift, step.Starts())
	}
	if made := step.Want; drift && (s["making"] == "ignition" && made.Ignition != "i0" || s["making"] == "file" && made.Image != "f0" || s["making"] == "size" && made.Disk != 5) {
		t.Errorf("%v: a node that goes on as it is is marked as changed", s)
	}
}
