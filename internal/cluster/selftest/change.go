package selftest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/guest/facts"
	"coreos-libvirt/internal/workspace/wait"
)

// onlinePatience is how long what was plugged in may take to be used.
const onlinePatience = time.Minute

// Means are how the node is changed while it is looked at.
type Means struct {
	Engine engine.Engine
	Grace  time.Duration                                                // that the node has to end by itself
	PlugIn func(ctx context.Context, processors, mib int) error         // gives it so many processors and so much memory more
	Boot   func(ctx context.Context) (booted boot.Node, prepared error) // boots it again
}

// Look looks at the running node: inside, at its console, keys and labels, and at what becomes of it when it is changed, shut
// down, booted again and broken. It ends when ctx ends, or when there is no node any more.
func (s *Subject) Look(ctx context.Context, by Means) {
	log := by.Engine.Disks().Log(s.Node.Files())
	for _, look := range []func(context.Context){
		s.lookInside,
		func(ctx context.Context) { s.lookAtConsole(ctx, log) },
		s.lookAtKeys, s.lookAtLabels,
		func(ctx context.Context) { s.plugIn(ctx, by.PlugIn) },
		func(ctx context.Context) { s.shutDown(ctx, by.Engine, by.Grace) },
		func(ctx context.Context) { s.bootAgain(ctx, by.Boot) },
		func(ctx context.Context) { s.breakDown(ctx, log) },
	} {
		if ctx.Err() == nil && s.Booted() {
			look(ctx)
		}
	}
}

// machine is what a node has online.
type machine struct{ processors, kib int }

// machine asks the node what it has online.
func (s *Subject) machine(ctx context.Context) (m machine, err error) {
	out, err := s.inside(ctx, "grep -c ^processor /proc/cpuinfo\nsed -n 's/^MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo\n")
	words := strings.Fields(out)
	if err == nil && len(words) != 2 {
		err = fmt.Errorf("the node says %q", out)
	}
	if err != nil {
		return m, err
	}
	if m.processors, err = strconv.Atoi(words[0]); err == nil {
		m.kib, err = strconv.Atoi(words[1])
	}
	return m, err
}

// plugIn gives the running node a processor and memory more, and waits until it uses them.
func (s *Subject) plugIn(ctx context.Context, plug func(ctx context.Context, processors, mib int) error) {
	const more = 128 // MiB
	s.Say("%s: plugging in a processor and %d MiB", s.Node.Name, more)
	before, err := s.machine(ctx)
	if err == nil {
		err = plug(ctx, 1, more)
	}
	now := before
	for end := time.Now().Add(onlinePatience); err == nil && time.Now().Before(end); {
		if now, err = s.machine(ctx); now.processors > before.processors && now.kib > before.kib || !wait.Sleep(ctx, 2*time.Second) {
			break
		}
	}
	s.is("hotplug-cpu", facts.Found(now.processors == before.processors+1, "%d processors, then %d%s", before.processors, now.processors, errText(err)))
	s.is("hotplug-memory", facts.Found(now.kib-before.kib > more<<9, "%d MiB, then %d%s", before.kib>>10, now.kib>>10, errText(err)))
}

// shutDown presses ACPI's power button, and ends the node by force if that does nothing.
func (s *Subject) shutDown(ctx context.Context, on engine.Engine, grace time.Duration) {
	s.Say("%s: pressing its power button", s.Node.Name)
	begin := time.Now()
	err := on.Shutdown(s.Node.Name)
	waiting, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	ended := false
	if err == nil {
		ended, err = boot.AwaitEnd(waiting, on, s.Node.Name)
	}
	s.is("acpi-off", facts.Found(ended && err == nil, "ended by itself: %t, after %.0f s%s", ended, time.Since(begin).Seconds(), errText(err)))
	_ = on.Destroy(s.Node.Name)
}

// bootAgain boots the node a second time. Ignition must not run again.
func (s *Subject) bootAgain(ctx context.Context, again func(context.Context) (boot.Node, error)) {
	b, err := again(ctx)
	if err != nil {
		s.is("second-boot", facts.Found(false, "%v", err))
		return
	}
	keys := slices.Equal(slices.Sorted(slices.Values(b.Report.HostKeys)), slices.Sorted(slices.Values(s.said.HostKeys)))
	other := b.Report.BootID != s.said.BootID
	s.is("second-boot", facts.Found(b.Err == nil && keys && other, "the same host keys: %t, another boot id: %t%s", keys, other, errText(b.Err)))
	if b.Err == nil && b.Address() != "" {
		s.said = b.Report
	}
}
