package boot

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/wait"
)

const (
	// watchEvery is how often a console is looked at, for systems that do not say when it was written to.
	watchEvery = time.Second
	// reportFirst is how long a node of an earlier run may take to report that it is ready, before its console is looked at.
	reportFirst = 3 * time.Second
	// silenceBeforeEnd is how long before the end of the wait a console that is still silent becomes the reason.
	silenceBeforeEnd = 2 * time.Second
	// tooManyReboots is how many reboots are a failure before a node is ready. Ignition may want one, to change the kernel's
	// arguments, and an update another.
	tooManyReboots = 3
)

// counted says what of a node's console counts: whose boot it shows.
type counted int

const (
	ofThisRun    counted = iota // all: this run starts the node
	ofEarlierRun                // its end, and only if the node does not report soon: the boots that it has begun so far do not count
	fromNowOn                   // only what comes: the node has been ready
)

// watch looks for what shows that a node will never be ready.
type watch struct {
	Booter
	node    workspace.Node
	counts  counted
	console *guest.Console
	reboots int           // of the node, before the watch
	silence time.Duration // of the console that is too long; 0 if the node was ready before
	warned  bool          // that it is silent, in this boot
	stuck   bool          // whether it was said that it stands still before any kernel
	screen  string        // path of the picture that was taken then
}

// newWatch begins a watch. A node that has never been ready since it was started has its first boot.
func (b Booter) newWatch(node workspace.Node, counts counted) *watch {
	w := &watch{Booter: b, node: node, counts: counts, console: guest.NewConsole(b.log(node)), reboots: b.Engine.Reboots(node.Name)}
	if counts == fromNowOn {
		w.console = guest.NewConsoleEnd(b.log(node))
	}
	if !workspace.Exists(node.Report()) {
		w.silence = b.Silence(node.Name).Limit()
		document, _ := b.Engine.Disks().Document(node.Files()) // libvirt may have given it to QEMU's user
		w.console.First(changesArguments(document))
	}
	return w
}

// log is what the node writes on its console.
func (b Booter) log(node workspace.Node) engine.Log { return b.Engine.Disks().Log(node.Files()) }

// consoleLog is where a person reads that: a file of this host, or what prints it.
func (b Booter) consoleLog(node workspace.Node) string {
	if files := node.Files(); b.Engine.Disks().Seen(files) != files {
		return "`mage logs node=" + node.Name + "`"
	}
	return b.Nodes.Relative(node.Console())
}

// watchFailure is an error if the node's console or its domain's state shows that the node will never be ready, and nil if
// ctx ends first. moved gets the phases that its boot reaches.
func (b Booter) watchFailure(ctx context.Context, node workspace.Node, counts counted, moved func(phase string)) error {
	happened, end := b.Engine.Watch(node.Name)
	defer end()
	written, enough := b.log(node).Writes()
	defer enough()
	w := b.newWatch(node, counts)
	if counts == ofEarlierRun && !wait.Sleep(ctx, reportFirst) {
		return nil
	}
	err := w.firstLook(ctx)
	ending := soonEnds(ctx)
	for lines := time.NewTicker(watchEvery); err == nil; w.goesOn(moved) {
		select {
		case <-ctx.Done():
			return nil
		case <-happened:
			err = w.checkState(ctx)
		case <-written:
			err = w.checkConsole(ctx)
		case <-lines.C:
			if err = w.checkConsole(ctx); err == nil {
				w.listen(ctx)
			}
		case <-ending:
			err = w.stillSilent(ctx)
		}
	}
	return err
}

// firstLook is at what has happened before.
func (w *watch) firstLook(ctx context.Context) (err error) {
	if w.counts == ofEarlierRun {
		err = w.console.Settle()
	}
	if err == nil {
		err = w.checkState(ctx)
	}
	if err == nil {
		err = w.checkConsole(ctx)
	}
	return err
}

// soonEnds has a value shortly before ctx ends by itself.
func soonEnds(ctx context.Context) <-chan time.Time {
	end, ok := ctx.Deadline()
	if !ok {
		return nil
	}
	return time.After(time.Until(end) - silenceBeforeEnd)
}

// goesOn passes on the phases that the boot has reached. Once the system is up, an earlier silence and its picture are no
// reason any more.
func (w *watch) goesOn(moved func(phase string)) {
	for _, phase := range w.console.Passed() {
		if moved(phase); phase == "system" || phase == "login" {
			w.warned, w.screen = false, ""
		}
	}
}

const silentSince = "nothing on its serial console for %s, since the kernel's lines: it looks like Ignition failed; its text is on the screen"

// stillBeforeKernel is how long firmware and boot loader may say nothing by KVM: both take seconds.
const stillBeforeKernel = 30 * time.Second

// standsStill warns once if KVM brings the node to no kernel.
func (w *watch) standsStill() {
	still := w.console.StandsStill()
	if !w.KVM || w.stuck || still < stillBeforeKernel {
		return
	}
	w.stuck = true
	w.Log.Say("warning: %s: its console stands still in the %s for %s: this host's KVM may run no kernel, as in a virtual machine whose own host does not nest\n"+
		"hint: `mage host:check accel=kvm` tries it; `mage up accel=tcg recreate=%s` emulates, slowly but without KVM", w.node.Name, w.console.Phase(), progress.Seconds(still), w.node.Name)
}

// listen warns once if the console has been silent for too long, with a picture of the screen.
func (w *watch) listen(ctx context.Context) {
	w.standsStill()
	silent := w.console.Silent()
	if workspace.Exists(w.node.Fresh()) {
		w.Record.SilentFor(w.node.Name, silent)
	}
	if w.silence == 0 || w.warned || silent < w.silence {
		return
	}
	w.warned = true
	shown, err := w.takeScreen(ctx)
	if w.screen = shown; err != nil {
		shown = hint.FirstLine(err)
	}
	w.Log.Say("warning: %s: "+silentSince+": %s", w.node.Name, progress.Seconds(silent), shown)
}

// takeScreen takes a picture of what the node shows, and gives its path as the user would write it.
func (w *watch) takeScreen(ctx context.Context) (path string, err error) {
	screens, ok := engine.As[engine.Screens](w.Engine)
	if !ok {
		return "", errors.New("this engine takes no pictures of screens")
	}
	if err := TakeScreen(ctx, screens, w.node); err != nil {
		return "", err
	}
	return w.Nodes.Relative(w.node.Screen()), nil
}

// Guarded does something that waits for nodes which are ready. If one of them fails meanwhile, that is the error.
func (b Booter) Guarded(ctx context.Context, nodes []Node, do func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	for _, n := range nodes {
		watching.Go(func() {
			if err := b.watchFailure(ctx, n.Step.Node, fromNowOn, func(string) {}); err != nil {
				cancel(fmt.Errorf("%s: %w", n.Step.Node.Name, err))
			}
		})
	}
	err := do(ctx)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	cancel(nil)
	watching.Wait()
	return err
}
