//go:build cgo && libvirt_dlopen

package command

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/workspace"
)

const (
	withEtcd    = "variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: /etc/x, contents: {inline: Etcd_Discovery_Flags Node_Name}}]}\n"
	withInitial = "variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: /etc/x, contents: {inline: Etcd_Initial_Cluster Node_Name}}]}\n"
)

func errorOf(errs ...error) error {
	i := slices.IndexFunc(errs, func(err error) bool { return err != nil })
	if i < 0 {
		return nil
	}
	return errs[i]
}

// definedRun is `mage define`, and what it would do then. `mage plan` and `mage status` say before what it does.
func definedRun(t *testing.T, words ...string) (*Run, error) {
	t.Helper()
	planned, refusal := saysPlan(t, words...)
	shown, refused := wouldDo(run(t, words...), askQuick)(t.Context())
	if says := wordsOf(planned.All()); refusal == nil && (refused != nil || !slices.Equal(wordsOf(shown), says)) {
		t.Errorf("%v: plan says\n%+v, status\n%+v, %v", words, says, wordsOf(shown), refused)
	}
	r := run(t, words...)
	defer func() {
		r.unlockAll()
		if took, want := wordsOf(r.planned().All()), wordsOf(planned.All()); refusal == nil && (!slices.Equal(took, want) || r.planned().Way != planned.Way) {
			t.Errorf("%v: plan says\n%+v, up takes\n%+v", words, want, took)
		}
	}()
	for _, stage := range []func(context.Context) error{r.Fetch, r.Transpile, r.Discovery, r.Render, r.Define} {
		if err := stage(t.Context()); err != nil {
			return r, err
		}
	}
	return r, nil
}

// refused is a run that must end with an error of this text and a hint, and leave all as it was.
func refused(t *testing.T, text, advice string, words ...string) {
	t.Helper()
	before, domains := generatedFiles(t), domainNames(t)
	_, err := definedRun(t, words...)
	if _, planned := saysPlan(t, words...); err == nil || planned == nil || firstLineOf(planned) != firstLineOf(err) {
		t.Errorf("%v: plan says %v, up %v", words, planned, err)
	}
	if err == nil || !strings.Contains(err.Error(), text) || !strings.Contains(err.Error(), "\nhint: ") || !strings.Contains(err.Error(), advice) {
		t.Errorf("%v: want %s and the hint %s, got %v", words, text, advice, err)
	}
	if after := generatedFiles(t); after != before {
		t.Errorf("%v: the token or the authority has changed: %s, was %s", words, after, before)
	}
	if after := domainNames(t); after != domains {
		t.Errorf("%v: domains are %s, were %s", words, after, domains)
	}
}

// saysPlan is what `mage plan` says.
func saysPlan(t *testing.T, words ...string) (plan.Plan, error) {
	t.Helper()
	dry := dry(run(t, words...))
	p, err := wouldPlan(t.Context(), dry, askAll(dry, dry.log))
	return p.plan, err
}

// planned is the plan whose steps the run has taken.
func (r *Run) planned() plan.Plan { return r.values.defined.value.plan }

// steps are those that the run could take.
func (r *Run) steps() []plan.Step { return r.values.defined.value.steps }

func firstLineOf(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	return text
}

// wordsOf are the steps of a plan, as `mage plan` prints them.
func wordsOf(steps []plan.Step) (all []plannedStep) {
	for _, step := range steps {
		all = append(all, describeStep(step, "mage restart"))
	}
	return all
}

// generatedFiles are those that a cluster cannot do without.
func generatedFiles(t *testing.T) (all string) {
	t.Helper()
	for _, pattern := range []string{"vm/discovery.url.*", "vm/tls.*/*"} {
		found, _ := filepath.Glob(pattern)
		for _, path := range found {
			text, _ := os.ReadFile(path)
			all += path + "\n" + string(text)
		}
	}
	return all
}

func domainNames(t *testing.T) string {
	t.Helper()
	domains, err := run(t).domains()
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for name := range domains {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// wayOf is how an etcd that lives is changed.
func wayOf(words []string) plan.Way {
	if slices.Contains(words, "force=true") {
		return plan.NewGeneration
	}
	return plan.InTurn
}

func TestALivingEtcdIsNotHarmed(t *testing.T) {
	stop := livingCluster(t, "core01", "core02", "core03")
	// a whole one: what is safe goes on, what loses its data wants force=true
	for _, words := range [][]string{{"recreate=core02"}, {"nodes=4"}, {"nodes=2"}, {"recreate=all", "force=true"}, {"recreate=core02", "parallel=true"}} {
		if r, err := definedRun(t, words...); err != nil || r.planned().Way != wayOf(words) {
			t.Errorf("%v: got %v, way %d", words, err, r.planned().Way)
		}
	}
	_ = os.Unsetenv("COREOS_NODES") // nobody says how many
	refused(t, "1 nodes above nodes=3 would be left of the old cluster", "nodes=4", "recreate=all", "force=true")
	t.Setenv("COREOS_NODES", "3")
	removeDomain(t, "core04")
	refused(t, "recreate=all: etcd answers, and the data of its 3 members would be lost", "force=true` makes the new cluster", "recreate=all")
	refused(t, "etcd would lose its quorum and its data with 2 of its 3 members", "force=true", "recreate=core01,core02", "parallel=true")
	refused(t, "the other nodes would be left without a quorum", "recreate=all", "recreate=core01,core02", "parallel=true", "force=true")
	refused(t, "renew=true: the nodes of this cluster use its discovery token", "recreate=all", "renew=true")
	refused(t, "ready=off: nodes do not say where they are: no member of etcd can be added", "without ready=off", "nodes=4", "ready=off")
	refused(t, "ready=off: nodes do not say where they are", "without ready=off", "recreate=core02", "ready=off")

	// a config without the word by which members join, or without etcd at all
	save(t, "plain.yml", withInitial)
	refused(t, "core02: the config does not say how a member joins", "start etcd with Etcd_Discovery_Flags", "recreate=core02")
	refused(t, "core04: the config does not say how a member joins", "start etcd with Etcd_Discovery_Flags", "nodes=4")
	save(t, "plain.yml", plain)
	refused(t, "core02: the config does not say how a member joins", "start etcd with Etcd_Discovery_Flags", "recreate=core02")
	save(t, "plain.yml", withEtcd)

	// a node whose disk and domain somebody removed is still a member, and replaced as one
	removeDomain(t, "core02")
	r, err := definedRun(t)
	if err != nil || len(r.steps()) != 3 || r.steps()[1].Action != plan.Recreate || !strings.Contains(r.said(), "core02: will be recreated: new, and it is a member of etcd") {
		t.Errorf("got %v, %+v\n%s", err, r.steps(), r.said())
	}
	if r, err = definedRun(t, "nodes=4"); err != nil || len(r.steps()) != 4 || r.steps()[1].Action != plan.Recreate || r.steps()[3].Action != plan.Create {
		t.Errorf("and one more: got %v, %+v", err, r.steps())
	}
	removeDomain(t, "core04")
	mustUp(t, "ready=off", "recreate=all", "force=true")
	livesAgain(t)

	// one of three is dead: it alone may be replaced or removed
	stop(3)
	for _, words := range [][]string{{"recreate=core03"}, {"nodes=2"}} {
		if _, err := definedRun(t, words...); err != nil {
			t.Errorf("%v: got %v", words, err)
		}
	}
	unwell := "while etcd is not healthy no member is added, replaced or taken out: etcd: 2 of 3 members are healthy\n    http://" + addressOf(3) + ":2379: "
	refused(t, unwell, "journalctl", "recreate=core02")
	refused(t, unwell, "journalctl", "nodes=4")
	// and two: it has lost its quorum, and still answers
	stop(2)
	refused(t, "etcd: 0 of 3 members are healthy", "journalctl", "nodes=4")
	refused(t, "while etcd is not healthy no member is added, replaced or taken out", "journalctl", "nodes=2")
	refused(t, "recreate=all: etcd answers", "force=true", "recreate=all")
	stop(1)
	refused(t, "no member of etcd answers: while it is not healthy none is added", " etcd` shows the members", "nodes=4")
	refused(t, "no member of etcd answers: members are replaced while the others are healthy", "recreate=all", "recreate=core01,core02,core03")
}

// removeDomain removes a node as `virsh undefine` and rm would.
func removeDomain(t *testing.T, name string) {
	t.Helper()
	r := run(t)
	if _, err := r.libvirt(); err != nil {
		t.Fatal(err)
	}
	if err := errorOf(r.conn.Remove(r.ws().Node("core", int(name[5]-'0')).UUID, r.Workspace), os.RemoveAll("vm/"+name+"/"+name+".qcow2")); err != nil {
		t.Fatal(err)
	}
}

// TestMembersOfOtherNames are known by their addresses. One that cannot be told is not taken for none.
func TestMembersOfOtherNames(t *testing.T) {
	livingCluster(t, "b3c1", "core02.lan", "core03")
	for _, name := range []string{"core01", "core02", "core03"} {
		r, err := definedRun(t, "recreate="+name)
		if err != nil {
			t.Errorf("%s: got %v", name, err)
			continue
		}
		d := r.values.defined.value
		view := viewOf(r, d.rendered, d.domains)
		status, err := view.Survey(t.Context(), false)
		if err != nil {
			t.Fatal(err)
		}
		if peer, ok, err := view.MemberOf(status.Peers, workspace.NodeAt("vm", "core", int(name[5]-'0'))); err != nil || !ok || !strings.Contains(peer.URLs[0], addressOf(int(name[5]-'0'))+":") {
			t.Errorf("%s: got %+v, %t, %v", name, peer, ok, err)
		}
	}
	if err := os.Remove("vm/core02/report.json"); err != nil {
		t.Fatal(err)
	}
	refused(t, "core02: cannot work out which of etcd's members is this node's: no node is known to be core02.lan at http://"+addressOf(2)+":2380", "--name=Node_Name", "recreate=core02")
}
