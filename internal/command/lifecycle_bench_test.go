//go:build cgo && libvirt_dlopen

package command

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"coreos-libvirt/internal/workspace/session"
)

// BenchmarkNodes plans, defines and starts many nodes on libvirt's in-process driver, does so once more, which finds
// nothing to do, and removes them. Memory is the process's at most, libvirt's driver included.
func BenchmarkNodes(b *testing.B) {
	for _, n := range []int{100, 300, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			inClone(b)
			nodes := fmt.Sprintf("nodes=%d", n)
			phases := []struct {
				name string
				run  func()
			}{
				{"plan", func() {
					if err := run(b, nodes).Plan(b.Context()); !errors.Is(err, session.ExitStatus(somethingToDo)) {
						b.Fatal(err)
					}
				}},
				{"up", func() { mustUp(b, nodes) }},
				{"no-op", func() { mustUp(b, nodes) }},
				{"down", func() { mustDown(b) }},
			}
			if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil { // the peak begins anew: proc(5)
				b.Fatal(err)
			}
			for b.Loop() {
				for _, phase := range phases {
					before := b.Elapsed()
					phase.run()
					b.ReportMetric((b.Elapsed() - before).Seconds(), phase.name+"-s")
				}
			}
			b.ReportMetric(peakMiB(b), "MiB")
		})
	}
}

// peakMiB is the most memory that this process has had.
func peakMiB(b *testing.B) float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kib := 0
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		b.Fatal(err)
	}
	return float64(kib) / 1024
}
