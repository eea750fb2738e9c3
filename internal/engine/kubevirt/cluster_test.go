package kubevirt

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"coreos-libvirt/internal/engine/kubevirt/objects"
)

// serverWord makes this test's program a fake helper with a fake Kubernetes in it, which keeps objects in its memory. What a real one
// refuses is in tests of real ones.
const serverWord = "fake-kubernetes"

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == serverWord {
		serveFake()
		return
	}
	os.Exit(m.Run())
}

// fakeKubernetes are objects by kind and name.
type fakeKubernetes struct {
	all     map[string]objects.Object
	version int
}

func serveFake() {
	k := fakeKubernetes{all: map[string]objects.Object{}}
	out := json.NewEncoder(os.Stdout)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r struct {
			ID     int64
			Op     string
			Object objects.Object
			Query
		}
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			panic(err)
		}
		answer := map[string]any{"id": r.ID, "last": true}
		switch key := r.Kind + "/" + r.Name; r.Op {
		case "apply":
			if done, refused := k.apply(r.Object, r.Query); refused != nil {
				answer["error"] = refused
			} else {
				answer["result"] = done
			}
		case "list":
			answer["result"] = k.list(r.Kind, r.Selector)
		case "remove":
			if o := k.all[key]; o != nil && metaOf(o)["uid"] == r.UID {
				delete(k.all, key)
			}
		case "log":
			_ = out.Encode(map[string]any{"id": r.ID, "result": "said by " + r.Name + " in " + r.Container})
		}
		_ = out.Encode(answer)
	}
}

func (k *fakeKubernetes) apply(o objects.Object, q Query) (Applied, *Failure) {
	key := o["kind"].(string) + "/" + nameOf(o)
	before := k.all[key]
	label, value, _ := strings.Cut(q.Own, "=")
	if before != nil && labelsOf(before)[label] != value {
		return Applied{}, &Failure{Reason: "NotOurs", Message: key + " is there, and is somebody else's"}
	}
	after := copied(o)
	metaOf(after)["uid"], metaOf(after)["resourceVersion"] = "uid-of-"+key, fmt.Sprint(k.version+1)
	if before != nil && reflect.DeepEqual(flat(before), flat(after)) {
		metaOf(after)["resourceVersion"] = metaOf(before)["resourceVersion"]
	} else if !q.Dry {
		k.version++
	}
	if !q.Dry {
		k.all[key] = after
	}
	return Applied{before, after}, nil
}

func (k *fakeKubernetes) list(kind, selector string) (found []objects.Object) {
	for key, o := range k.all {
		fits := strings.HasPrefix(key, kind+"/")
		for _, term := range strings.Split(selector, ",") {
			label, value, _ := strings.Cut(term, "=")
			fits = fits && labelsOf(o)[label] == value
		}
		if fits {
			found = append(found, o)
		}
	}
	slices.SortFunc(found, func(a, b objects.Object) int { return strings.Compare(nameOf(a), nameOf(b)) })
	return found
}

func copied(o objects.Object) (c objects.Object) {
	text, _ := json.Marshal(o)
	_ = json.Unmarshal(text, &c)
	return c
}

// inFake is a cluster of a workspace in a fake Kubernetes.
func inFake(t *testing.T, id string) Cluster {
	t.Helper()
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Cluster{Client: clientOf(t, own, serverWord), ID: id, Prefix: "core"}
}

// wanted are the objects of the nodes, with a document and memory in MiB.
func wanted(t *testing.T, id, document string, mib int, names ...string) (all []objects.Object) {
	t.Helper()
	for _, name := range names {
		of, err := objects.Of(objects.Node{
			Place: objects.Place{NAD: "br0"}, Image: objects.Image{URL: "https://example.org/kubevirt.qcow2"}, Name: name, Cluster: "core", Arch: "x86_64",
			MiB: mib, VCPUs: 1, GiB: 10, Document: []byte(document), Mark: objects.Mark{ID: id, Workspace: "/w", Number: 1, Ignition: fmt.Sprint(len(document))},
		})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, of...)
	}
	return all
}

// planned are the plan's actions, an object a word, and what changes.
func planned(t *testing.T, c Cluster, want []objects.Object) (steps []Step, actions, diff string) {
	t.Helper()
	steps, err := c.Plan(t.Context(), want)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range steps {
		actions += s.Action + " "
		diff += strings.Join(s.Diff, "\n")
	}
	return steps, strings.TrimSpace(actions), diff
}

func TestAClusterIsMadeOnce(t *testing.T) {
	c := inFake(t, "w1")
	want := wanted(t, "w1", "{}", 2048, "core01", "core02")
	steps, actions, _ := planned(t, c, want)
	if actions != "create create create create create create" {
		t.Fatalf("got %s", actions)
	}
	did := []string{}
	if err := c.Do(t.Context(), steps, func(s Step) { did = append(did, s.Kind+" "+s.Name) }); err != nil || len(did) != 6 || did[0] != "Secret core01-ignition" || did[2] != "VirtualMachine core01" {
		t.Errorf("got %q, %v", did, err)
	}
	if steps, actions, _ = planned(t, c, want); actions != "keep keep keep keep keep keep" {
		t.Errorf("the second time: %s", actions)
	}
	if err := c.Do(t.Context(), steps, func(s Step) { t.Errorf("%s was done again", s.Name) }); err != nil {
		t.Error(err)
	}
}

// TestANodeThatIsThere keeps its document and its disks, and what says that it was made of them; its machine changes.
func TestANodeThatIsThere(t *testing.T) {
	c := inFake(t, "w1")
	steps, _, _ := planned(t, c, wanted(t, "w1", "{}", 2048, "core01"))
	if err := c.Do(t.Context(), steps, func(Step) {}); err != nil {
		t.Fatal(err)
	}
	steps, actions, diff := planned(t, c, wanted(t, "w1", `{"secret":"swordfish"}`, 2048, "core01", "core02"))
	if actions != "stays keep keep create create create" || strings.Contains(diff, "swordfish") || !strings.Contains(diff, "bytes") {
		t.Errorf("another document: %s\n%s", actions, diff)
	}
	if err := c.Do(t.Context(), steps, func(Step) {}); err != nil {
		t.Fatal(err)
	}
	if _, actions, diff := planned(t, c, wanted(t, "w1", "[]", 2048, "core01")); actions != "keep keep keep" || diff != "" {
		t.Errorf("other words of discovery, and so the same digest: %s\n%s", actions, diff)
	}
	_, actions, diff = planned(t, c, wanted(t, "w1", "{}", 4096, "core01"))
	if actions != "keep keep change" || !strings.Contains(diff, `spec.template.spec.domain.memory.guest: "2048Mi" → "4096Mi"`) {
		t.Errorf("more memory: %s\n%s", actions, diff)
	}
}

// TestWhatIsSomebodyElses is neither changed nor removed.
func TestWhatIsSomebodyElses(t *testing.T) {
	c := inFake(t, "w1")
	steps, _, _ := planned(t, c, wanted(t, "w1", "{}", 2048, "core01"))
	if err := c.Do(t.Context(), steps, func(Step) {}); err != nil {
		t.Fatal(err)
	}
	other := Cluster{Client: c.Client, ID: "w2", Prefix: "core"}
	if _, err := other.Plan(t.Context(), wanted(t, "w2", "{}", 2048, "core01")); err == nil || !strings.Contains(err.Error(), "somebody else's") {
		t.Errorf("got %v", err)
	}
	if going, err := other.Going(t.Context()); err != nil || len(going) > 0 {
		t.Errorf("of another workspace %d objects go, %v", len(going), err)
	}
	going, err := c.Going(t.Context())
	if err != nil || len(going) != 3 || going[0]["kind"] != "VirtualMachine" || !slices.Equal(Nodes(going), []string{"core01"}) {
		t.Fatalf("got %v, %v", going, err)
	}
	metaOf(going[1])["uid"] = "of one that was removed meanwhile"
	if err := c.Client.Remove(t.Context(), "DataVolume", "core01", "of one that was removed meanwhile"); err != nil {
		t.Error(err)
	}
	if left, _ := c.Going(t.Context()); len(left) != 3 {
		t.Errorf("%d objects are left", len(left))
	}
	going, _ = c.Going(t.Context())
	gone := []string{}
	if err := c.Remove(t.Context(), going, func(kind, name string) { gone = append(gone, kind+" "+name) }); err != nil || len(gone) != 3 {
		t.Errorf("got %q, %v", gone, err)
	}
}

func TestHowAMachineIs(t *testing.T) {
	var status map[string]any
	text := `{"printableStatus":"ErrorUnschedulable","conditions":[
		{"type":"Ready","status":"False","message":"0/3 nodes are available: 3 Insufficient memory."},
		{"type":"Failure","status":"True","message":"exceeded quota: small"},
		{"type":"LiveMigratable","status":"False","message":"no matter"},{"type":"PodScheduled","status":"True","message":"no matter"}]}`
	if err := json.Unmarshal([]byte(text), &status); err != nil {
		t.Fatal(err)
	}
	if got := why(status); got != "0/3 nodes are available: 3 Insufficient memory.; exceeded quota: small" {
		t.Errorf("got %q", got)
	}
	pod := func(name, node, phase string) objects.Object {
		return objects.Object{"metadata": map[string]any{"name": name, "labels": map[string]any{objects.LabelNode: node}}, "status": map[string]any{"phase": phase}, "spec": map[string]any{"nodeName": "host1"}}
	}
	pods := []objects.Object{pod("a", "core02", "Running"), pod("b", "core01", "Succeeded"), pod("c", "core01", "Running")}
	if name, host := podOf("core01", pods); name != "c" || host != "host1" {
		t.Errorf("got %s on %s", name, host)
	}
	c := inFake(t, "w1")
	said := ""
	if err := c.Console(t.Context(), Machine{Pod: "c"}, false, func(line string) { said += line }); err != nil || said != "said by c in guest-console-log" {
		t.Errorf("got %q, %v", said, err)
	}
}

// TestANodeIsMadeAgain of what is wanted now, and no other one.
func TestANodeIsMadeAgain(t *testing.T) {
	c := inFake(t, "w1")
	steps, _, _ := planned(t, c, wanted(t, "w1", "{}", 2048, "core01", "core02"))
	if err := c.Do(t.Context(), steps, func(Step) {}); err != nil {
		t.Fatal(err)
	}
	want := wanted(t, "w1", `{"a":1}`, 2048, "core01", "core02", "core03")
	steps, _, _ = planned(t, c, want)
	for word, nodes := range map[string][]string{"": nil, "changed": {"core01", "core02"}, "all": {"core01", "core02"}, "core02": {"core02"}, "core03": nil} {
		if got := Chosen(steps, word); !slices.Equal(got, nodes) {
			t.Errorf("recreate=%s: got %q", word, got)
		}
	}
	did := []string{}
	if err := c.Recreate(t.Context(), "core02", Again(steps, want, []string{"core02"}), func(s Step) { did = append(did, s.Kind+" "+s.Name) }); err != nil || !slices.Equal(did, []string{"Secret core02-ignition", "DataVolume core02", "VirtualMachine core02"}) {
		t.Errorf("got %q, %v", did, err)
	}
	if _, actions, _ := planned(t, c, want); actions != "stays keep keep keep keep keep create create create" {
		t.Errorf("then: %s", actions)
	}
}

// TestANodeThatIsNotWanted goes with all its objects, and no other one does.
func TestANodeThatIsNotWanted(t *testing.T) {
	c := inFake(t, "w1")
	want := wanted(t, "w1", "{}", 2048, "core01", "core02")
	steps, _, _ := planned(t, c, want)
	if err := c.Do(t.Context(), steps, func(Step) {}); err != nil {
		t.Fatal(err)
	}
	leaving, err := c.Leaving(t.Context(), []string{"core02"})
	said := []string{}
	for _, s := range leaving {
		said = append(said, s.Action+" "+s.Kind+" "+s.Name+" of "+s.Node)
	}
	if err != nil || !slices.Equal(said, []string{"remove VirtualMachine core02 of core02", "remove DataVolume core02 of core02", "remove Secret core02-ignition of core02"}) {
		t.Errorf("got %q, %v", said, err)
	}
	if err := c.Do(t.Context(), leaving, func(s Step) { t.Errorf("%s was made", s.Name) }); err != nil {
		t.Error(err)
	}
	if err := c.RemoveNode(t.Context(), "core02"); err != nil {
		t.Fatal(err)
	}
	if _, actions, _ := planned(t, c, want); actions != "keep keep keep create create create" {
		t.Errorf("then: %s", actions)
	}
	if leaving, err := c.Leaving(t.Context(), nil); err != nil || len(leaving) > 0 {
		t.Errorf("none leaves: got %v, %v", leaving, err)
	}
}

// TestADocumentOfLater: a node that joins an etcd is made with the document that it has by then.
func TestADocumentOfLater(t *testing.T) {
	c := inFake(t, "w1")
	steps, _, _ := planned(t, c, wanted(t, "w1", "{}", 2048, "core01", "core02"))
	later := wanted(t, "w1", `{"joins":1}`, 2048, "core02")
	if err := c.Do(t.Context(), Drawn(steps, later), func(Step) {}); err != nil {
		t.Fatal(err)
	}
	if _, actions, _ := planned(t, c, slices.Concat(wanted(t, "w1", "{}", 2048, "core01"), later)); actions != "keep keep keep keep keep keep" {
		t.Errorf("got %s", actions)
	}
	if m := MachineOf(later[len(later)-1]); m.Name != "core02" || m.Notes[objects.NoteIgnition] != "11" || m.Labels[objects.LabelCluster] != "core" {
		t.Errorf("got %+v", m)
	}
}
