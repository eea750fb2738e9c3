package cluster

import (
	"strings"
	"testing"
)

// decisions are all of what Plan decides: the first row that fits counts, a dash fits everything. making is
// what a node is made from, its Ignition document or base image.
const decisions = `
domain   disk      making   definition  edited  word      action    drift  starts
absent   -         -        -           -       -         create    no     yes
-        -         -        -           -       force     recreate  no     yes
running  none      -        -           -       changed   recreate  no     yes
running  other     -        -           -       changed   recreate  no     yes
running  -         changed  -           -       changed   recreate  no     yes
off      none      -        -           -       -         create    no     yes
off      pristine  changed  -           -       -         create    no     yes
off      other     -        -           -       changed   recreate  no     yes
off      used      changed  -           -       changed   recreate  no     yes
running  -         -        -           yes     redefine  redefine  ?      no
off      -         -        -           yes     redefine  redefine  ?      yes
running  -         -        -           yes     -         keep      ?      no
off      -         -        -           yes     -         keep      ?      yes
running  -         -        changed     no      -         redefine  ?      no
off      -         -        changed     no      -         redefine  ?      yes
running  -         -        same        no      -         keep      ?      no
off      -         -        same        no      -         keep      ?      yes
`

// situation is one combination of what is there and what is wanted, by the columns' words.
type situation map[string]string

func (s situation) plan() Step {
	want := Metadata{Ignition: "i1", Base: "/base", Definition: "d1"}
	have := want
	switch s["making"] {
	case "ignition":
		have.Ignition = "i0"
	case "base":
		have.Base = "/old"
	}
	if s["definition"] == "changed" {
		have.Definition = "d0"
	}
	found := Found{
		Defined: s["domain"] != "absent", Domain: Domain{Metadata: &have, State: ShutOff},
		Recreate: s["word"] == "changed", Force: s["word"] == "force", Redefine: s["word"] == "redefine",
		Disk: Disk{Exists: s["disk"] != "none", Pristine: s["disk"] == "pristine", Backing: want.Base},
	}
	if s["domain"] == "running" {
		found.Domain.State = Running
	}
	if s["disk"] == "other" {
		found.Disk.Backing = "/another"
	}
	if s["edited"] == "yes" {
		found.Edited = "a diff"
	}
	return Plan(NodeAt("/w/vm", "core", 1), want, found)
}

// drifts tells whether something of the node's making differs.
func (s situation) drifts() bool {
	return s["making"] != "same" || s["disk"] == "none" || s["disk"] == "other"
}

func (s situation) fits(column, word string) bool {
	have := s[column]
	if column == "making" && have != "same" {
		have = "changed"
	}
	return word == "-" || word == have
}

// situations are all combinations.
func situations() []situation {
	all := []situation{{}}
	for _, column := range [][]string{
		{"domain", "absent", "off", "running"},
		{"disk", "none", "pristine", "used", "other"},
		{"making", "same", "ignition", "base"},
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

// compare compares a step with the last three columns of its row.
func compare(t *testing.T, s situation, step Step, want []string) {
	t.Helper()
	drift := want[1] == "?" && s.drifts()
	if string(step.Action) != want[0] || (step.Drift != "") != drift || step.Starts() != (want[2] == "yes") {
		t.Errorf("%v: want %v, got %s, drift %q, starts %v", s, want, step.Action, step.Drift, step.Starts())
	}
	if drift && s["making"] == "ignition" && step.Want.Ignition != "i0" {
		t.Errorf("%v: a node that goes on as it is is marked as changed", s)
	}
}

func TestLiveChanges(t *testing.T) {
	const was = `<domain type='kvm'><name>core01</name><metadata><node xmlns="urn:coreos-libvirt:node:1" definition="a"/></metadata><vcpu>2</vcpu>
<devices><interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='br0'/></interface></devices></domain>`
	moved := strings.Replace(strings.Replace(was, "br0", "br1", 1), `definition="a"`, `definition="b"`, 1)
	cards, err := LiveChanges(was, moved)
	if err != nil || len(cards) != 1 || !strings.Contains(cards[0], `<source bridge="br1">`) || !strings.Contains(cards[0], "52:54:00:00:00:01") {
		t.Errorf("another bridge: got %q, %v", cards, err)
	}
	for _, other := range []string{was, strings.Replace(moved, ">2<", ">4<", 1)} {
		if cards, err := LiveChanges(was, other); err != nil || len(cards) > 0 {
			t.Errorf("%s: got %q, %v", other, cards, err)
		}
	}
}
