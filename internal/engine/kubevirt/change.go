package kubevirt

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"coreos-libvirt/internal/engine/kubevirt/objects"
	"coreos-libvirt/internal/terminal/printable"
)

// Cluster are the objects of one cluster of a workspace, in a Kubernetes cluster.
type Cluster struct {
	*Client
	ID     string // of the workspace
	Prefix string // empty: of all its clusters
}

// kinds are those that a cluster is made of, in the order in which they are made. They are removed in the other.
var kinds = []string{"Service", "Secret", "DataVolume", "VirtualMachine"}

// own is the label that an object of this workspace has.
func (c Cluster) own() string { return objects.LabelWorkspace + "=" + c.ID }

// selector selects the cluster's objects.
func (c Cluster) selector() string {
	if c.Prefix == "" {
		return c.own()
	}
	return c.own() + "," + objects.LabelCluster + "=" + c.Prefix
}

// The actions of changes.
const (
	Create = "create"
	Change = "change"
	Keep   = "keep"  // nothing has to be done
	Stays  = "stays" // it differs, and a node that was made of it reads it no more
)

// Step is what is done with one object.
type Step struct {
	Action string   `json:"action"`
	Kind   string   `json:"kind"`
	Name   string   `json:"name"`
	Node   string   `json:"node,omitempty"`
	Diff   []string `json:"diff,omitempty"` // path: what it is, an arrow, what it would be

	want objects.Object
}

// Plan is what has to be done to have the objects, by a dry run of the server: whatever would be refused is an error.
func (c Cluster) Plan(ctx context.Context, want []objects.Object) (steps []Step, err error) {
	made, err := c.machines(ctx)
	if err != nil {
		return nil, err
	}
	was := map[string]map[string]any{} // the annotations of what stays, by node
	for _, o := range want {
		if o["kind"] == "VirtualMachine" {
			o = noted(o, was[nameOf(o)])
		}
		step := Step{Kind: o["kind"].(string), Name: nameOf(o), Node: labelsOf(o)[objects.LabelNode], want: o}
		done, err := c.Apply(ctx, o, c.own(), true)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", step.Kind, step.Name, err)
		}
		if step.Diff = differences(done); made[step.Node] && isOfSameDocument(done) {
			step.Diff = nil
		}
		switch {
		case done.Before == nil:
			step.Action = Create
		case len(step.Diff) == 0:
			step.Action = Keep
		case made[step.Node] && (step.Kind == "Secret" || step.Kind == "DataVolume"):
			step.Action = Stays
			was[step.Node] = both(was[step.Node], notesOf(done.Before))
		default:
			step.Action = Change
		}
		steps = append(steps, step)
	}
	return steps, nil
}

// isOfSameDocument reports whether both Secrets have a document of the same digest, which leaves out the words of discovery: an etcd that has formed, and
// members that come and go, give these other values, and a node that has booted reads them no more.
func isOfSameDocument(done Applied) bool {
	digest := notesOf(done.After)[objects.NoteIgnition]
	return done.Before != nil && done.After["kind"] == "Secret" && digest != nil && notesOf(done.Before)[objects.NoteIgnition] == digest
}

// noted is the machine that is wanted, with what its node was made from in its annotations in place of what it would be made from now.
func noted(o objects.Object, was map[string]any) objects.Object {
	notes := maps.Clone(notesOf(o))
	for _, key := range []string{objects.NoteIgnition, objects.NoteImage} {
		if value, has := was[key]; has {
			notes[key] = value
		}
	}
	own, meta := maps.Clone(o), maps.Clone(metaOf(o))
	meta["annotations"], own["metadata"] = notes, meta
	return own
}

func notesOf(o objects.Object) map[string]any {
	notes, _ := metaOf(o)["annotations"].(map[string]any)
	return notes
}

func both(a, b map[string]any) map[string]any {
	all := map[string]any{}
	maps.Copy(all, a)
	maps.Copy(all, b)
	return all
}

// machines are the names of the machines that there are.
func (c Cluster) machines(ctx context.Context) (map[string]bool, error) {
	all, err := c.List(ctx, "VirtualMachine", c.selector())
	there := map[string]bool{}
	for _, o := range all {
		there[nameOf(o)] = true
	}
	return there, err
}

// Do takes the steps that change something.
func (c Cluster) Do(ctx context.Context, steps []Step, did func(Step)) error {
	for _, step := range steps {
		if step.Action != Create && step.Action != Change {
			continue
		}
		if _, err := c.Apply(ctx, step.want, c.own(), false); err != nil {
			return fmt.Errorf("%s %s: %w", step.Kind, step.Name, err)
		}
		did(step)
	}
	return nil
}

func metaOf(o objects.Object) objects.Object {
	meta, _ := o["metadata"].(map[string]any)
	return meta
}

func nameOf(o objects.Object) string {
	name, _ := metaOf(o)["name"].(string)
	return name
}

func labelsOf(o objects.Object) map[string]string {
	labels, _ := metaOf(o)["labels"].(map[string]any)
	return words(labels)
}

// words are the values that are text.
func words(of map[string]any) map[string]string {
	all := map[string]string{}
	for key, value := range of {
		all[key], _ = value.(string)
	}
	return all
}

// bookkeeping is what the server notes in an object by itself.
var bookkeeping = []string{"managedFields", "resourceVersion", "generation", "creationTimestamp", "uid"}

// differences are what a change changes, a line each, sorted. What is in a Secret is not shown.
func differences(done Applied) (lines []string) {
	if done.Before == nil {
		return nil
	}
	before, after := flat(done.Before), flat(done.After)
	for path := range maps.Keys(merged(before, after)) {
		if before[path] == after[path] {
			continue
		}
		is, would := before[path], after[path]
		if strings.HasPrefix(path, "data.") {
			is, would = size(is), size(would)
		}
		lines = append(lines, printable.Line(fmt.Sprintf("%s: %s → %s", path, cmp.Or(is, "none"), cmp.Or(would, "none"))))
	}
	slices.Sort(lines)
	return lines
}

func size(text string) string { return fmt.Sprintf("%d bytes", len(text)) }

func merged(a, b map[string]string) map[string]string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// flat are the object's values by their paths.
func flat(o objects.Object) map[string]string {
	all := map[string]string{}
	for key, value := range o {
		switch meta, is := value.(map[string]any); {
		case key == "status":
		case key == "metadata" && is:
			meta = maps.Clone(meta)
			for _, own := range bookkeeping {
				delete(meta, own)
			}
			flatten(key, meta, all)
		default:
			flatten(key, value, all)
		}
	}
	return all
}

func flatten(path string, value any, all map[string]string) {
	switch v := value.(type) {
	case map[string]any:
		for key, below := range v {
			flatten(path+"."+key, below, all)
		}
	case []any:
		for i, below := range v {
			flatten(fmt.Sprintf("%s[%d]", path, i), below, all)
		}
	default:
		text, _ := json.Marshal(v)
		all[path] = string(text)
	}
}
