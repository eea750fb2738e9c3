//go:build cgo && libvirt_dlopen

package command

import (
	"context"
	"errors"
	"strings"
	"testing"

	"coreos-libvirt/internal/cluster/plan"
)

// TestWatchSaysWhatUpWouldDo behind what changed in the documents: what `mage plan` says.
func TestWatchSaysWhatUpWouldDo(t *testing.T) {
	inClone(t)
	r := run(t)
	r.onlyLook()
	w := configWatch{nodes: r.members(), render: toLook(r), say: r.log.Say, outlook: newOutlook(r)}
	said, seen := "", map[string]string(nil)
	saves := func(config string) string {
		t.Helper()
		save(t, "plain.yml", config)
		seen = w.rebuilt(t.Context(), seen)
		before := said
		said = r.said()
		return strings.ReplaceAll(strings.TrimPrefix(said, before), upAsCalled(r.Settings)+"`", "mage up`")
	}
	before := snapshot(t)
	if got := saves(plain); !strings.HasSuffix(got, "what `mage up` would do:\n  core01, core02: create: new\n") {
		t.Errorf("got\n%s", got)
	}
	if after := snapshot(t); after != before {
		t.Errorf("a look has written:\n%s", after)
	}
	mustUp(t)
	w.outlook = newOutlook(r) // as if a second had passed: the domains are listed again
	if got := saves(plain); !strings.HasSuffix(got, "`mage up` has nothing to do\n") {
		t.Errorf("got\n%s", got)
	}
	if got := saves(plain); strings.Contains(got, "up") {
		t.Errorf("it was said before, got\n%s", got)
	}
	for _, text := range []string{"Node_Number", "Node_Prefix"} {
		got := saves(strings.Replace(plain, "Node_Name", text, 1))
		if _, plans, _ := strings.Cut(got, "that was all"); !strings.Contains(plans, "would do:\n  core01, core02: outdated: defined, unchanged; ignition.json changed since it was made: `") {
			t.Errorf("%s: got\n%s", text, got)
		}
	}
	save(t, "templates/domain.xml.tmpl", "{{")
	if got := saves(plain); !strings.Contains(got, "`mage up` would fail: core01: the domain template is broken") || strings.Contains(got, "hint") {
		t.Errorf("got\n%s", got)
	}
}

// TestWatchWaitsForNoLibvirt that does not answer, and does not ask it twice at once.
func TestWatchWaitsForNoLibvirt(t *testing.T) {
	asked, answer := 0, make(chan struct{})
	o := &outlook{idle: make(chan struct{}, 1), lines: func([]plan.Step) string { return "nothing" }}
	o.idle <- struct{}{}
	o.steps = func(context.Context, rendered) ([]plan.Step, error) {
		asked++
		<-answer
		return nil, errors.New("too late")
	}
	for range 2 {
		if text, known := o.text(t.Context(), rendered{}); known || !strings.Contains(text, "libvirt does not answer") {
			t.Errorf("got %q", text)
		}
	}
	close(answer)
	<-o.idle
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}
