package versions

import (
	"cmp"
	"os"
	"slices"
	"strings"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/terminal/hint"
)

// firstThatGoesDown is the first minor version of etcd 3 that can be downgraded while it runs
// (https://etcd.io/docs/v3.6/downgrades/downgrade_3_6/).
const firstThatGoesDown = 6

// Change is how a plan changes etcd's version.
type Change struct {
	From, To Version
	Down     bool // members of the version before must be told first that they will be replaced by older ones
}

// Note is what the user should know of it; empty if nothing changes but the patch.
func (c Change) Note() string {
	switch {
	case c.From.Line() == c.To.Line():
		return ""
	case c.Down:
		return "etcd goes down from " + c.From.String() + " to " + c.To.String() + ": its members are replaced one after the other, when all have changed their data to " + c.To.Line()
	}
	return "etcd goes up from " + c.From.String() + " to " + c.To.String() + ": its members are replaced one after the other"
}

// Check is how the plan changes the version of an etcd that answers, by etcd's rules: up and down one minor version at a time, and down from
// 3.6 at least. If a config does not say a version, or the members run another one than theirs said, nothing is known, and that is no
// error.
func Check(p plan.Plan, want []plan.Blueprint, status etcd.Status, command func(target string, words ...string) string) (Change, error) {
	made := append(plan.Taking(p.Steps, plan.Create), plan.Taking(p.Steps, plan.Recreate)...)
	oldest, newest, known := running(p.Steps, status)
	if p.Way != plan.InTurn || !known {
		return Change{}, nil
	}
	for _, b := range want {
		is := func(s plan.Step) bool { return s.Node.Name == b.Doc.Name && s.Want.IsMember() }
		to, says := Of(b.Doc.JSON)
		if !says || !slices.ContainsFunc(made, is) {
			continue
		}
		change := Change{From: newest, To: to, Down: to.Minor < newest.Minor}
		if !change.Down {
			change.From = oldest
		}
		if err := change.check(b.Doc.Name, command); err != nil || change.From.Line() != to.Line() {
			return change, err
		}
	}
	return Change{}, nil
}

// running are the oldest and the newest version that members run, if those are what their nodes' documents said.
func running(steps []plan.Step, status etcd.Status) (oldest, newest Version, known bool) {
	for _, step := range steps {
		at := slices.IndexFunc(status.Members, func(m etcd.Member) bool { return m.Name == step.Node.Name })
		if at < 0 {
			continue
		}
		runs, answers := parse(status.Members[at].Version)
		text, err := os.ReadFile(step.Node.MadeOf())
		says, does := Of(text)
		switch {
		case !answers || err != nil:
			continue
		case !does || says.Line() != runs.Line():
			return oldest, newest, false
		case !known:
			oldest, newest, known = runs, runs, true
		}
		oldest, newest = slices.MinFunc([]Version{oldest, runs}, compare), slices.MaxFunc([]Version{newest, runs}, compare)
	}
	return oldest, newest, known
}

func compare(a, b Version) int {
	return cmp.Or(a.Major-b.Major, a.Minor-b.Minor, a.Patch-b.Patch)
}

// check is an error if etcd cannot do that while it runs.
func (c Change) check(node string, command func(target string, words ...string) string) error {
	saved := "a new cluster: `" + command("backup", "file=etcd.db") + "`, `" + command("up", "recreate=all", "force=true") + "`, `" + command("restore", "file=etcd.db") + "`"
	next := c.From.Minor + 1
	if c.Down {
		next = c.From.Minor - 1
	}
	switch {
	case c.From.Major != c.To.Major:
		return hint.Errorf(saved, "%s: its config brings etcd %s, and the members run %s: etcd does not go from one to the other", node, c.To, c.From)
	case c.Down && c.From.Minor < firstThatGoesDown:
		return hint.Errorf(strings.Replace(saved, "a new cluster", "an older etcd takes the keys in a new cluster", 1),
			"%s: its config brings etcd %s, and the members run %s, which cannot be downgraded: etcd can from 3.%d on", node, c.To, c.From, firstThatGoesDown)
	case c.To.Minor > c.From.Minor+1 || c.To.Minor < c.From.Minor-1:
		return hint.Errorf("first a config with etcd "+Version{c.From.Major, next, 0}.Line()+": `"+command("up", "recreate=changed")+"`",
			"%s: its config brings etcd %s, and the members run %s: etcd goes up and down one minor version at a time", node, c.To, c.From)
	}
	return nil
}
