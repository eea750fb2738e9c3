package render

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/coreos/ignition/v2/config/shared/errors"
	"github.com/coreos/vcontext/report"

	"coreos-libvirt/internal/terminal/hint"
)

// Refused is a document that Ignition's validator does not take.
type Refused struct {
	Faults []Fault
	cause  error
}

// Fault is one thing wrong with a document.
type Fault struct {
	Path []any  // of keys and indices in the document
	At   string // the same as people read it: storage.files[0] (/etc/x).path
	Said string // by the validator
	Text string // that stands at the path; empty if it is no text

	Name  string // of two entries of a list with the same name
	First []any  // the path to the first of these
}

func (r *Refused) Error() string {
	if len(r.Faults) == 0 {
		return fmt.Sprintf("the document is refused by Ignition: %s", r.cause)
	}
	lines := []string{}
	for _, f := range r.Faults {
		lines = append(lines, f.At+": "+f.Said)
	}
	return "the document is refused by Ignition: " + strings.Join(lines, "\n")
}

func (r *Refused) Unwrap() error { return r.cause }

func refused(doc []byte, cause error, found report.Report) error {
	r := &Refused{cause: cause}
	var tree any
	if json.Unmarshal(doc, &tree) == nil {
		for _, entry := range found.Entries {
			if !entry.Kind.IsFatal() {
				continue
			}
			f := faultAt(tree, entry)
			if f.Said == errors.ErrDuplicate.Error() {
				f.Name, f.First = first(tree, f.Path)
			}
			r.Faults = append(r.Faults, f)
		}
	}
	return hint.Errorf("https://coreos.github.io/ignition/specs/ lists the fields of each version", "%w", r)
}

func faultAt(tree any, entry report.Entry) Fault {
	f := Fault{Said: entry.Message}
	for _, step := range entry.Context.Path {
		if v, is := tree.(map[string]any); is {
			f.At = named(v, f.At)
		}
		if i, is := step.(int); is {
			f.Path, f.At, tree = append(f.Path, i), fmt.Sprintf("%s[%d]", f.At, i), entryOf(tree, i)
			continue
		}
		key := fmt.Sprint(step)
		f.Path, f.At, tree = append(f.Path, key), strings.TrimPrefix(f.At+"."+key, "."), valueOf(tree, key)
	}
	if v, is := tree.(map[string]any); is {
		f.At = named(v, f.At)
	}
	f.Text, _ = tree.(string)
	return f
}

// valueOf is the value of a key, or nil.
func valueOf(tree any, key string) any {
	v, _ := tree.(map[string]any)
	return v[key]
}

// entryOf is an entry of a list, or nil.
func entryOf(tree any, i int) any {
	if list, is := tree.([]any); is && i < len(list) {
		return list[i]
	}
	return nil
}

// first is the name that two entries of the lists of one kind have, and the path to the first of them.
func first(tree any, second []any) (name string, path []any) {
	if len(second) < 2 {
		return "", nil
	}
	above, last := tree, len(second)-2
	for _, step := range second[:last] {
		above = valueOf(above, fmt.Sprint(step))
	}
	index, _ := second[last+1].(int)
	name = nameOf(entryOf(valueOf(above, fmt.Sprint(second[last])), index))
	lists := []any{second[last]}
	if nodes := []any{"directories", "files", "links"}; slices.Contains(nodes, lists[0]) {
		lists = nodes
	}
	for _, list := range lists {
		for i := 0; entryOf(valueOf(above, fmt.Sprint(list)), i) != nil; i++ {
			same := nameOf(entryOf(valueOf(above, fmt.Sprint(list)), i)) == name
			if same && (list != second[last] || i != index) {
				return name, append(slices.Clone(second[:last]), list, i)
			}
		}
	}
	return "", nil
}

// nameOf is what people call an entry of a list by.
func nameOf(entry any) string {
	if text, is := entry.(string); is {
		return text
	}
	for _, key := range []string{"path", "name", "device"} {
		if name, is := valueOf(entry, key).(string); is {
			return name
		}
	}
	return ""
}
