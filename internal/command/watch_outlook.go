package command

import (
	"context"
	"fmt"
	"strings"
	"time"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/engine/libvirt"
	"coreos-libvirt/internal/terminal/hint"
)

// outlookPatience is how long a watch waits for what `mage up` would do: it is there to show documents.
const outlookPatience = time.Second

// outlook is what `mage up` would do, as a watch says it: after documents changed, or if it is something else than it was.
type outlook struct {
	steps func(context.Context, rendered) ([]plan.Step, error)
	lines func([]plan.Step) string
	up    string // the command
	last  string
	idle  chan struct{} // has an element while nobody works out the steps: libvirt may not answer
}

func newOutlook(r *Run) *outlook {
	o := &outlook{steps: wouldDoWith(r), up: upAsCalled(r.Settings), idle: make(chan struct{}, 1)}
	o.lines = func(steps []plan.Step) string { return outlookOf(r, steps) }
	o.idle <- struct{}{}
	return o
}

// wouldDoWith gives the steps that `mage up` would take with what is rendered, if nobody is asked. The image is looked for until
// it is known.
func wouldDoWith(r *Run) func(context.Context, rendered) ([]plan.Step, error) {
	dry := dry(r)
	var images baseImages
	return func(ctx context.Context, seen rendered) (_ []plan.Step, err error) {
		if images == nil {
			if images, err = wouldFetch(ctx, dry); err != nil {
				images = nil
				return nil, err
			}
		}
		p, _, err := decide(ctx, dry, made{images, seen}, true, askNobody(dry))
		return p.plan.All(), err
	}
}

// say says what `mage up` would do with what is rendered. changed reports whether documents changed. What keeps it from being known
// is said once.
func (o *outlook) say(ctx context.Context, seen rendered, changed bool, say func(string, ...any)) {
	text, known := o.text(ctx, seen)
	if (text != o.last || changed && known) && ctx.Err() == nil {
		say("%s %s", time.Now().Format(time.TimeOnly), text)
		o.last = text
	}
}

// text is what `mage up` would do with what is rendered, if that is known.
func (o *outlook) text(ctx context.Context, seen rendered) (text string, known bool) {
	if !libvirt.Available {
		return "what `" + o.up + "` would do is not shown: this program was built without libvirt's binding (hint: go run magefile.go watch)", false
	}
	ctx, cancel := context.WithTimeout(ctx, outlookPatience)
	defer cancel()
	select {
	case <-o.idle:
	case <-ctx.Done():
		return "what `" + o.up + "` would do is not known: libvirt does not answer", false
	}
	type answer struct {
		steps []plan.Step
		err   error
	}
	answered := make(chan answer, 1)
	go func() {
		steps, err := o.steps(ctx, seen)
		answered <- answer{steps, err}
		o.idle <- struct{}{}
	}()
	select {
	case a := <-answered:
		if a.err != nil {
			return "`" + o.up + "` would fail: " + hint.FirstLine(a.err), false
		}
		return o.lines(a.steps), true
	case <-ctx.Done():
		return "what `" + o.up + "` would do is not known: libvirt does not answer", false
	}
}

// outlookOf are the steps that do something, or leave a node as it is that would be made otherwise now. Nodes with the same have
// one line.
func outlookOf(r *Run, steps []plan.Step) string {
	nodes, order := map[string][]string{}, []string{}
	for _, s := range steps {
		if !s.Changes() && !s.Old() {
			continue
		}
		p := described(r.Settings, s)
		text := fmt.Sprintf("%s: %s", p.Action, p.Reason)
		if nodes[text] = append(nodes[text], p.Node); len(nodes[text]) == 1 {
			order = append(order, text)
		}
	}
	if len(order) == 0 {
		return "`" + upAsCalled(r.Settings) + "` has nothing to do"
	}
	lines := []string{"what `" + upAsCalled(r.Settings) + "` would do:"}
	for _, text := range order {
		lines = append(lines, "  "+strings.Join(nodes[text], ", ")+": "+text)
	}
	return strings.Join(lines, "\n")
}
