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

// nodesOfEach is how many nodes each host has.
const nodesOfEach = 10

// side is a workspace whose nodes are spread over hosts: one of those that are compared.
type side struct {
	elsewhere
	hosts int
	took  map[string][]spent
}

// spent is what a command took: in all, and of processors, with the ssh that it starts, but without what hosts do for it.
type spent struct{ real, cpu time.Duration }

// BenchmarkHosts is what one host with ten nodes takes, and what ten with ten each take, in turn: libvirtds behind ssh, which
// see nothing of each other. The nodes have empty disks. One host may have both: then the processors of one machine do all.
func BenchmarkHosts(b *testing.B) {
	hosts := []*hypervisor.Host{}
	for n := range 11 {
		hosts = append(hosts, hypervisor.Start(b, fmt.Sprint("hv", n), filepath.Join(cache, "lab-libvirt")))
	}
	one, ten := newSide(b, hosts[:1]), newSide(b, hosts[1:])
	both := []*side{one, ten}
	again := func(times int, target ...string) {
		for range times {
			for _, s := range both {
				s.measure(b, target...)
			}
		}
	}
	again(1, "define")
	again(5, "plan")
	again(1, "up")
	again(3, "plan", "diff=false")
	again(3, "up", "wait=true")
	again(1, "down", "yes=true")
	for b.Loop() {
	}
	for _, target := range []string{"define", "plan", "up", "plan diff=false", "up wait=true", "down yes=true"} {
		small, large := one.median(target), ten.median(target)
		b.Logf("%-16s %2d nodes %6.2f s (%5.2f s of processors), %d nodes on %d hosts %6.2f s (%5.2f s): %.1f times, %.1f of processors", target, nodesOfEach,
			small.real.Seconds(), small.cpu.Seconds(), nodesOfEach*ten.hosts, ten.hosts, large.real.Seconds(), large.cpu.Seconds(),
			large.real.Seconds()/small.real.Seconds(), large.cpu.Seconds()/small.cpu.Seconds())
		b.ReportMetric(large.real.Seconds()/small.real.Seconds(), strings.ReplaceAll(target, " ", ":")+"-ratio")
	}
}

func newSide(b *testing.B, on []*hypervisor.Host) *side {
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
		"COREOS_HOSTS=" + strings.Join(uris, ","), "COREOS_IMAGE=" + image, fmt.Sprint("COREOS_NODES=", nodesOfEach*len(on)), "COREOS_READY=off", "COREOS_DISK=1", "COREOS_ACCEL=tcg",
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
