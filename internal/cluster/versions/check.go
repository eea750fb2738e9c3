package versions

import (
	"cmp"
	"os"
	"slices"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/terminal/hint"
)

// Check is an error if a node that the plan makes brings an etcd that cannot become a member of the one that answers. note says how the version
// changes otherwise; empty if it does not, but for the patch. A new member may be one minor version newer than the oldest that there is
// (https://etcd.io/docs/v3.6/upgrades/), and no older: also when a downgrade is enabled, etcd 3.5 takes part only with the data that it had as 3.6, and
// a node that is recreated has none (allowedVersionRange in etcd 3.5.35, server/etcdserver/cluster_util.go).
//
// If a config does not say a version, or the members run another one than theirs said, nothing is known, and that is not an error.
func Check(p plan.Plan, want []plan.Blueprint, status etcd.Status, command func(target string, words ...string) string) (note string, err error) {
	made := append(plan.Taking(p.Steps, plan.Create), plan.Taking(p.Steps, plan.Recreate)...)
	oldest, newest, known := running(p.Steps, status)
	if p.Way != plan.InTurn || !known {
		return "", nil
	}
	for _, b := range want {
		is := func(s plan.Step) bool { return s.Node.Name == b.Doc.Name && s.Want.IsMember() }
		to, says := Of(b.Doc.JSON)
		if !says || !slices.ContainsFunc(made, is) {
			continue
		}
		if err := fits(to, oldest, b.Doc.Name, command); err != nil {
			return "", err
		}
		if to.Line() != newest.Line() || to.Line() != oldest.Line() {
			note = "etcd's members run " + span(oldest, newest) + ", and new ones " + to.String() + ": they are replaced one after the other"
		}
	}
	return note, nil
}

// span is one version, or two.
func span(oldest, newest Version) string {
	if oldest == newest {
		return oldest.String()
	}
	return oldest.String() + " to " + newest.String()
}

// fits is an error if no etcd of the version can become a member of one whose oldest member is of the other.
func fits(to, oldest Version, node string, command func(target string, words ...string) string) error {
	anew := "a new cluster takes the keys: `" + command("backup", "file=etcd.db") + "`, `" + command("up", "recreate=all", "force=true") + "`, `" + command("restore", "file=etcd.db", "keys=true") + "`"
	switch {
	case to.Major != oldest.Major:
		return hint.Errorf(anew, "%s: its config brings etcd %s, and the members run %s: etcd does not go from one to the other", node, to, oldest)
	case to.Minor < oldest.Minor:
		return hint.Errorf(anew, "%s: its config brings etcd %s, which takes no part in an etcd whose members run %s", node, to, oldest)
	case to.Minor > oldest.Minor+1:
		return hint.Errorf("first a config with etcd "+Version{oldest.Major, oldest.Minor + 1, 0}.Line()+": `"+command("up", "recreate=changed")+"`",
			"%s: its config brings etcd %s, and a member runs %s: etcd goes up one minor version at a time", node, to, oldest)
	}
	return nil
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
