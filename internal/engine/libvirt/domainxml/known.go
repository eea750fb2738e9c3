package domainxml

import (
	"slices"
	"sync"

	"coreos-libvirt/internal/engine"
)

// mostKnown is how many bytes of texts are known at least before any is forgotten: those of some thousand nodes.
const mostKnown = 16 << 20

// known are domains by the text of their definition. A run reads the same text several times: in a node's folder, and as libvirt has it.
// Reading is most of what a node costs in a run that finds nothing to do.
type known struct {
	mu    sync.Mutex
	young map[string]engine.Domain // what was asked for since the last time that there were too many
	old   map[string]engine.Domain // what was asked for before, and not since
	bytes int                      // of the texts in young
}

// get is what the text says, which read finds out if that is not known. The caller may change it.
func (k *known) get(text string, read func(string) (engine.Domain, error)) (engine.Domain, error) {
	if d, is := k.look(text); is {
		return apart(d), nil
	}
	d, err := read(text)
	if err != nil {
		return d, err
	}
	k.put(text, d)
	return apart(d), nil
}

func (k *known) look(text string) (engine.Domain, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if d, is := k.young[text]; is {
		return d, true
	}
	d, is := k.old[text]
	if is {
		k.keep(text, d)
	}
	return d, is
}

func (k *known) put(text string, d engine.Domain) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keep(text, d)
}

// keep notes what the text says. What nobody has asked for meanwhile is forgotten if there are too many.
func (k *known) keep(text string, d engine.Domain) {
	if k.bytes > mostKnown || k.young == nil {
		k.young, k.old, k.bytes = map[string]engine.Domain{}, k.young, 0
	}
	k.young[text] = d
	k.bytes += len(text)
}

// apart is the domain with nothing in common with the one that is given.
func apart(d engine.Domain) engine.Domain {
	d.Disks, d.MACs = slices.Clone(d.Disks), slices.Clone(d.MACs)
	if d.Metadata != nil {
		mark := *d.Metadata
		d.Metadata = &mark
	}
	return d
}
