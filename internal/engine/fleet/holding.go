package fleet

import (
	"sync"

	"coreos-libvirt/internal/engine"
)

// holding is what a host had of nodes when it was first asked.
type holding struct {
	mu  sync.Mutex
	has func(engine.Files) bool
}

// by asks the disks, unless they have answered before.
func (h *holding) by(disks engine.Holder) (has func(engine.Files) bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.has != nil {
		return h.has, nil
	}
	if has, err = disks.Holds(); err == nil {
		h.has = has
	}
	return has, err
}
