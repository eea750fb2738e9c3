package timeline

import (
	"testing"
	"time"

	"coreos-libvirt/internal/guest"
)

// TestAFalseUptimeIsNoLongTimeline: what a guest says of its boot lies between its start and now.
func TestAFalseUptimeIsNoLongTimeline(t *testing.T) {
	for _, says := range []guest.Report{
		{Uptime: 1e9, Network: guest.Moment{At: 1}, SSHD: guest.Moment{At: 2}},
		{Uptime: 1e300, Network: guest.Moment{At: 1}, SSHD: guest.Moment{At: 1e-300}},
		{Uptime: -1e300, Network: guest.Moment{At: 1e300}, SSHD: guest.Moment{At: 1}},
	} {
		var all Record
		start := time.Now().Add(-20 * time.Second)
		all.ReachAt("core01", "start", start)
		all.Ready("core01", says)
		for _, m := range all.all["core01"] {
			if m.At.Before(start.Add(-time.Millisecond)) || m.At.After(time.Now()) {
				t.Errorf("%+v: %s at %s, started at %s", says, m.Phase, m.At, start)
			}
		}
		if drawn, err := (Timeline{Cluster: "core", Nodes: all.all}).Draw(); err != nil || len(drawn) > 16<<10 {
			t.Errorf("%+v: %d bytes, %v", says, len(drawn), err)
		}
	}
}

// TestALongTimelineHasFewTicks whatever its file says.
func TestALongTimelineHasFewTicks(t *testing.T) {
	all := map[string][]Moment{"core01": {{"start", time.Now().AddDate(-250, 0, 0)}, {"ready", time.Now()}}}
	if drawn, err := (Timeline{Cluster: "core", Nodes: all}).Draw(); err != nil || len(drawn) > 16<<10 {
		t.Errorf("%d bytes, %v", len(drawn), err)
	}
}
