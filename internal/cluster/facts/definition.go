package facts

import (
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/libvirt"
	"coreos-libvirt/internal/workspace"
)

// edited is a diff between the definition as libvirt had it when it was made and as libvirt has it now: what somebody else
// changed, for example with `virsh edit`.
func edited(node workspace.Node, domain engine.Domain) string {
	made, ok := recorded(node, domain)
	if !ok || made == domain.XML {
		return ""
	}
	was, is := comparable(made), comparable(domain.XML)
	if was == is {
		return ""
	}
	return udiff.Unified("as it was made", "as it is", was, is)
}

// recorded is the domain's definition as it was made, if the node's folder has that of the present one. If a run ended
// after it had defined the domain and before it noted that, the folder has the definition before, with other metadata.
func recorded(node workspace.Node, domain engine.Domain) (made string, ok bool) {
	text, err := os.ReadFile(node.Defined())
	if made = string(text); err != nil || made == domain.XML {
		return made, err == nil
	}
	was, err := libvirt.ParseDomain(made)
	return made, err == nil && was.Metadata != nil && *was.Metadata == *domain.Metadata
}

var (
	controllers = regexp.MustCompile(`(?s)[ \t]*<controller [^>]*(?:/>|[^/]>.*?</controller>)\n`)
	nvram       = regexp.MustCompile(`[ \t]*<nvram.*\n`)
)

// comparable is a definition without what libvirt adds by itself when the domain first starts. Its controllers are sorted,
// at its end: libvirt puts them in another order by itself.
func comparable(text string) string {
	sorted := controllers.FindAllString(text, -1)
	slices.Sort(sorted)
	return nvram.ReplaceAllString(controllers.ReplaceAllString(text, ""), "") + strings.Join(sorted, "")
}

// Unrecorded is libvirt's definition of a node that is kept, if it is as it was made and no run has noted that; else empty.
func Unrecorded(step plan.Step, found plan.Found) string {
	if step.Action != plan.Keep || step.Edited != "" || found.Domain.Metadata.Definition != step.Want.Definition {
		return ""
	}
	if _, ok := recorded(step.Node, found.Domain); ok {
		return ""
	}
	return found.Domain.XML
}

// WithLive is the step, with what of a changed definition the running node takes. It takes nothing if the file with the
// definition may be of a run that ended before libvirt had it. A guest that may not have the rule by which it uses what is
// plugged gets no processors and no memory.
func WithLive(step plan.Step, found plan.Found) plan.Step {
	if step.Action != plan.Redefine || !step.Running || step.Edited != "" ||
		found.Made == nil || found.Made.Definition != found.Domain.Metadata.Definition {
		return step
	}
	was, errRead := os.ReadFile(step.Node.XML())
	changes, err := libvirt.LiveChanges(string(was), step.XML, step.Runs)
	if errRead != nil || err != nil {
		return step // somebody has changed the file
	}
	if step.Drift != "" {
		changes = changes.WithoutPlugging()
	}
	step.Take(changes)
	return step
}
