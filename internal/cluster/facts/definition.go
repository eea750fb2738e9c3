package facts

import (
	"os"

	"github.com/aymanbagabas/go-udiff"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/workspace"
)

// edited is a diff between the definition as libvirt had it when it was made and as libvirt has it now: what somebody else
// changed, for example with `virsh edit`.
func (p Place) edited(made string, domain engine.Domain) string {
	if made == domain.XML {
		return ""
	}
	was, is := p.Definitions.Comparable(made), p.Definitions.Comparable(domain.XML)
	if was == is {
		return ""
	}
	return udiff.Unified("as it was made", "as it is", was, is)
}

// recorded is the domain's definition as it was made, if the node's folder has that of the present one. If a run ended
// after it had defined the domain and before it noted that, the folder has the definition before, with other metadata.
func (p Place) recorded(node workspace.Node, domain engine.Domain) (made string, ok bool) {
	text, err := os.ReadFile(node.Defined())
	if made = string(text); err != nil || made == domain.XML {
		return made, err == nil
	}
	was, err := p.Definitions.Parse(made)
	return made, err == nil && was.Metadata != nil && domain.Metadata != nil && *was.Metadata == *domain.Metadata
}

// WithKept is found, with what the node has if it is kept: the hardware, and the definition that gives, with its digest. A
// running domain takes nothing of it if the file with the definition may be of a run that ended before libvirt had it.
func (p Place) WithKept(found plan.Found, spec engine.Hardware, kept engine.Definition, text, digest string) plan.Found {
	found.Spec, found.Kept, found.Definition = spec, kept, digest
	if !found.Defined || found.Domain.State != engine.Running || found.Domain.Metadata.Definition == digest ||
		found.Made == nil || found.Made.Definition != found.Domain.Metadata.Definition {
		return found
	}
	was, errRead := os.ReadFile(found.Node.XML())
	changes, err := p.Definitions.LiveChanges(string(was), text, found.Domain.Runs)
	if errRead == nil && err == nil { // else somebody has changed the file
		found.Takes = &changes
	}
	return found
}
