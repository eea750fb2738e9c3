//go:build lab

package tests

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/testkit/hypervisor"
)

// side is a workspace whose nodes are spread over hosts: one of those that are compared.
type side struct {
	elsewhere
	hosts int
	took  map[string][]spent
}

// spent is what a command took: in all, and of processors, with the ssh that it starts, but without what hosts do for it.
type spent struct{ real, cpu time.Duration }

// BenchmarkHosts is what one host with ten nodes takes, and what ten with ten each take, in turn: libvirtds behind ssh, which see nothing of
// each other. No node boots. The processors of one machine do what all hosts would do.
func BenchmarkHosts(b *testing.B) {
	one, ten := sides(b, 10)
	both{one, ten}.measure(b, map[string]int{"define": 1, "plan": 5, "plan diff=false": 5, "down yes=true": 1}, "define", "plan", "plan diff=false", "down yes=true")
}

// BenchmarkHostsUp is the same of three nodes each, which are started. Their disks are empty.
func BenchmarkHostsUp(b *testing.B) {
	one, ten := sides(b, 3)
	both{one, ten}.measure(b, map[string]int{"up": 1, "plan": 3, "up wait=true": 3, "down yes=true": 1}, "up", "plan", "up wait=true", "down yes=true")
}

// sides are one host with so many nodes, and ten others with so many each.
func sides(b *testing.B, nodes int) (one, ten *side) {
	b.Helper()
	hosts := []*hypervisor.Host{}
	for n := range 11 {
		hosts = append(hosts, hypervisor.Start(b, fmt.Sprint("hv", n), filepath.Join(cache, "lab-libvirt")))
	}
	return newSide(b, hosts[:1], nodes), newSide(b, hosts[1:], nodes)
}

// both are the sides that are compared.
type both [2]*side

// measure runs the targets in their order, so often each, and says what each took at each side.
func (s both) measure(b *testing.B, times map[string]int, targets ...string) {
	b.Helper()
	for _, target := range targets {
		for range times[target] {
			for _, side := range s {
				side.measure(b, strings.Fields(target)...)
			}
		}
		small, large := s[0].median(target), s[1].median(target)
		b.Logf("%-16s one host %6.2f s (%5.2f s of processors), %d hosts %6.2f s (%5.2f s): %.1f times, %.1f of processors", target,
			small.real.Seconds(), small.cpu.Seconds(), s[1].hosts, large.real.Seconds(), large.cpu.Seconds(),
			large.real.Seconds()/small.real.Seconds(), large.cpu.Seconds()/small.cpu.Seconds())
		b.ReportMetric(large.real.Seconds()/small.real.Seconds(), strings.ReplaceAll(target, " ", ":")+"-ratio")
	}
	for b.Loop() { // all was measured
	}
}

func newSide(b *testing.B, on []*hypervisor.Host, nodes int) *side {
	b.Helper()
	s := &side{elsewhere{newClone(b), on[0]}, len(on), map[string][]spent{}}
	s.compile(b)
	dir := b.TempDir()
	image := filepath.Join(dir, "empty.qcow2")
	if out, err := exec.Command("qemu-img", "create", "-q", "-f", "qcow2", image, "1M").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	s.write(b, "ignition/ignition.yml", "variant: fcos\nversion: 1.5.0\n")
	uris := []string{}
	for _, h := range on {
		uris = append(uris, h.URI)
	}
	s.env = []string{
		"COREOS_HOSTS=" + strings.Join(uris, ","), "COREOS_IMAGE=" + image, fmt.Sprint("COREOS_NODES=", nodes*len(on)), "COREOS_READY=off", "COREOS_DISK=1", "COREOS_ACCEL=tcg",
		"COREOS_RAM=256", "COREOS_VCPU=1", "COREOS_STORE=" + filepath.Join(dir, "store"), "COREOS_VERIFY=off", "COREOS_BRIDGE=br0",
	}
	return s
}

// measure is one run of the target, which must succeed. plan says by its exit status that there is something to do.
func (s *side) measure(b *testing.B, target ...string) {
	b.Helper()
	cmd := exec.Command("./targets", target...)
	cmd.Dir, cmd.Env = s.dir, append(os.Environ(), s.env...)
	began := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil && (target[0] != "plan" || exitOf(err) != 2) {
		b.Fatalf("%d hosts, %v: %v\n%s", s.hosts, target, err, out)
	}
	key := strings.Join(target, " ")
	s.took[key] = append(s.took[key], spent{time.Since(began), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()})
}

// median is the middle one of all runs of the target.
func (s *side) median(target string) spent {
	all := slices.SortedFunc(slices.Values(s.took[target]), func(a, b spent) int { return int(a.real - b.real) })
	return all[len(all)/2]
}
