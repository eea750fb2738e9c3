//go:build cgo && libvirt_dlopen

package stage

import (
	"fmt"
	"testing"
)

// BenchmarkNodes plans, defines and starts many nodes on libvirt's in-process driver, plans them once more,
// which finds nothing to do, and removes them.
func BenchmarkNodes(b *testing.B) {
	for _, n := range []int{100, 300, 999} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			workspace(b)
			nodes := fmt.Sprintf("nodes=%d", n)
			phase := map[string]func(){
				"up":    func() { mustUp(b, nodes) },
				"no-op": func() { mustUp(b, nodes) },
				"down": func() {
					r := run(b)
					defer r.unlockAll()
					if err := r.Down(b.Context()); err != nil {
						b.Fatal(err)
					}
				},
			}
			for b.Loop() {
				for _, name := range []string{"up", "no-op", "down"} {
					before := b.Elapsed()
					phase[name]()
					b.ReportMetric((b.Elapsed() - before).Seconds(), name+"-s")
				}
			}
		})
	}
}
