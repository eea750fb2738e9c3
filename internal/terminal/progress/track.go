package progress

import (
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"coreos-libvirt/internal/terminal/printable"
)

// Tracked is something that moves through phases: on a terminal one live line with its phase and
// seconds, elsewhere nothing.
type Tracked struct {
	log   *Log
	shown *mpb.Bar // nil where there is no terminal
	phase atomic.Pointer[string]
}

// Track begins to show it, below those of lower places.
func (l *Log) Track(name, phase string, place int) *Tracked {
	t := &Tracked{log: l}
	t.phase.Store(&phase)
	if !l.onTerminal() {
		return t
	}
	begin := time.Now()
	t.shown = l.add(0, mpb.NopStyle(), mpb.BarPriority(place), mpb.PrependDecorators(
		decor.Name(name, decor.WC{C: decor.DindentRight | decor.DextraSpace}),
		decor.Any(func(decor.Statistics) string { return *t.phase.Load() }, decor.WC{C: decor.DindentRight | decor.DextraSpace, W: len("boot loader")}),
		decor.Any(func(decor.Statistics) string { return Seconds(time.Since(begin)) }),
	))
	return t
}

// Phase shows what it is at now.
func (t *Tracked) Phase(phase string) {
	phase = printable.Line(phase)
	t.phase.Store(&phase)
}

// Done takes the line away.
func (t *Tracked) Done() {
	if t.shown != nil {
		t.log.drop(t.shown)
	}
}
