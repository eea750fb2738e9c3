package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/wait"
)

const (
	// watchEvery is how often a console is looked at where the system does not tell of writes to it.
	watchEvery = time.Second
	// afterFatal lets the lines that follow a fatal one arrive, so that they can be shown.
	afterFatal = time.Second
	// letSpeak is how long a node that ran before gets to say that it is ready all the same.
	letSpeak = 3 * time.Second
	// beforeEnd is how long before the end of the wait a console that is still silent is told as what is wrong.
	beforeEnd = 2 * time.Second
	// tooOften is how many reboots a node is not forgiven on its way to be ready. Ignition may want one, to change the
	// kernel's arguments, and an update another.
	tooOften = 3
)

// bootWatch is a node whose console is watched until it is ready.
type bootWatch struct {
	step    plan.Step
	console *guest.Console
	before  int           // its reboots before
	silence time.Duration // of the console that is too long; 0 for a node that was ready before
	warned  bool          // of such a silence, in this boot
	screen  string        // path of the picture that was taken then
}

// watch begins to look at the node's console. One that has never been ready since it was started has its first boot.
func (r *Run) watch(step plan.Step, console *guest.Console) *bootWatch {
	w := &bootWatch{step: step, console: console, before: r.conn.Reboots(step.Node.Name)}
	if !workspace.Exists(step.Node.Report()) {
		w.silence = r.tooSilent()
		console.First(changesArguments(step.Node.Ignition()))
	}
	return w
}

// changesArguments tells whether the Ignition document wants other arguments of the kernel, or may get some from documents
// that it names: the node boots twice then.
func changesArguments(path string) bool {
	type source struct{ Source *string }
	var document struct {
		Ignition struct {
			Config struct {
				Merge   []source
				Replace source
			}
		}
		KernelArguments struct{ ShouldExist, ShouldNotExist []string }
	}
	text, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(text, &document) != nil {
		return false
	}
	others, arguments := document.Ignition.Config, document.KernelArguments
	return len(arguments.ShouldExist)+len(arguments.ShouldNotExist)+len(others.Merge) > 0 || others.Replace.Source != nil
}

// watchFailure gives an error when the node's console or its domain's state shows that it will never
// be ready, and nil when ctx ends first.
func (r *Run) watchFailure(ctx context.Context, step plan.Step, console *guest.Console, moved func(phase string)) error {
	happened, end := r.conn.Watch(step.Node.Name)
	defer end()
	written, enough := r.writes.To(step.Node.Console())
	defer enough()
	w := r.watch(step, console)
	if step.Running && !wait.Sleep(ctx, letSpeak) {
		return nil
	}
	err := r.firstLook(ctx, w)
	late := beforeItEnds(ctx)
	for lines := time.NewTicker(watchEvery); err == nil; {
		select {
		case <-ctx.Done():
			return nil
		case <-happened:
			err = r.checkState(ctx, w)
		case <-written:
			err = r.failure(ctx, w)
		case <-lines.C:
			if err = r.failure(ctx, w); err == nil {
				r.listen(ctx, w)
			}
		case <-late:
			err = r.stillSilent(ctx, w)
		}
		w.goesOn(moved)
	}
	return err
}

// firstLook is at what has happened before.
func (r *Run) firstLook(ctx context.Context, w *bootWatch) (err error) {
	if w.step.Running {
		err = w.console.Settle()
	}
	if err == nil {
		err = r.checkState(ctx, w)
	}
	if err == nil {
		err = r.failure(ctx, w)
	}
	return err
}

// beforeItEnds has a value shortly before ctx ends by itself.
func beforeItEnds(ctx context.Context) <-chan time.Time {
	end, ok := ctx.Deadline()
	if !ok {
		return nil
	}
	return time.After(time.Until(end) - beforeEnd)
}

const silentSince = "nothing on its serial console for %s, since the kernel's lines: it looks like Ignition failed; its text is on the screen"

// listen says once that a console has been silent for too long, with a picture of the screen.
func (r *Run) listen(ctx context.Context, w *bootWatch) {
	silent := w.console.Silent()
	if workspace.Exists(w.step.Node.Fresh()) {
		r.times.SilentFor(w.step.Node.Name, silent)
	}
	if w.silence == 0 || w.warned || silent < w.silence {
		return
	}
	w.warned = true
	screen, err := r.takeScreen(ctx, w.step.Node)
	if w.screen = screen; err != nil {
		screen = hint.FirstLine(err)
	}
	r.log.Say("warning: %s: "+silentSince+": %s", w.step.Node.Name, progress.Seconds(silent), screen)
}

// goesOn notes the phases that the boot has come to. Where its system comes up, what was on the screen before is no reason.
func (w *bootWatch) goesOn(moved func(phase string)) {
	for _, phase := range w.console.Passed() {
		if moved(phase); phase == "system" || phase == "login" {
			w.warned, w.screen = false, ""
		}
	}
}

// stillSilent is the reason at the end of the wait where nothing came after that warning.
func (r *Run) stillSilent(ctx context.Context, w *bootWatch) error {
	silent := w.console.Silent()
	if w.silence == 0 || silent < w.silence {
		return nil
	}
	return r.bootFailed(ctx, w, fmt.Sprintf("not ready after %s; "+silentSince+". The console ends with", r.Timeout, progress.Seconds(silent)), w.console.Last())
}

// watchJournal gives an error when the guest says by its journal that its initramfs has failed, and nil when ctx
// ends first. A domain without that channel never does.
func (r *Run) watchJournal(ctx context.Context, step plan.Step) error {
	for ctx.Err() == nil {
		channel, err := r.conn.Channel(ctx, step.Node.Name, guest.JournalChannel)
		if err != nil {
			return nil //nolint:nilerr // of a definition before there was the channel, or edited
		}
		journal, err := guest.ReadJournal(channel)
		channel.Close()
		switch {
		case errors.Is(err, engine.ErrRestarted): // what it said meanwhile it has yet to say
		case err != nil || len(journal.Lines) == 0:
			return nil //nolint:nilerr // the end of the wait, or of the guest, which others see
		case journal.Ignition:
			return r.bootFailed(ctx, &bootWatch{step: step}, "Ignition failed; the guest's journal says", journal.Lines)
		default:
			return r.bootFailed(ctx, &bootWatch{step: step}, "the boot failed; the guest's journal says", journal.Lines)
		}
	}
	return nil
}

// guarded does something that waits for the nodes, and ends it with the error of the first that breaks down meanwhile.
func (r *Run) guarded(ctx context.Context, nodes []boot.Node, do func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	for _, n := range nodes {
		step := n.Step
		step.Running = false // it has spoken
		watching.Go(func() {
			if err := r.watchFailure(ctx, step, guest.NewConsoleEnd(step.Node.Console()), func(string) {}); err != nil {
				cancel(fmt.Errorf("%s: %w", step.Node.Name, err))
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

func (r *Run) failure(ctx context.Context, w *bootWatch) error {
	told, err := w.console.Failure()
	if err != nil {
		return err
	}
	if told != nil {
		wait.Sleep(ctx, afterFatal)
		more, err := w.console.Failure()
		if err != nil {
			return err
		}
		if more != nil { // else it has begun anew meanwhile
			told = more
		}
		return r.bootFailed(ctx, w, "the boot failed; its console says", told)
	}
	return nil
}

// checkState looks whether the domain still runs, and how often it has begun anew since it had so many reboots.
func (r *Run) checkState(ctx context.Context, w *bootWatch) error {
	state, err := r.conn.State(w.step.Node.Name)
	reboots := r.conn.Reboots(w.step.Node.Name) - w.before
	ended := state == engine.ShutOff || state == engine.Crashed
	if err != nil || !ended && reboots < tooOften {
		return err
	}
	console := w.console
	if _, err := console.Failure(); err != nil { // its last words
		return err
	}
	if len(console.Last()) == 0 { // nothing new
		console = guest.NewConsole(w.step.Node.Console())
		if _, err := console.Failure(); err != nil {
			return err
		}
	}
	if !ended {
		return r.bootFailed(ctx, w, fmt.Sprintf("it reboots again and again, %d times so far; its console ends with", reboots), console.Last())
	}
	return r.bootFailed(ctx, w, fmt.Sprintf("the domain is %s; its console ends with", state), console.Last())
}

// bootFailed is the error of a node that will never be ready. What it shows, if it runs and has a screen, is kept; a
// picture that was taken when its console fell silent stays, as it may show another boot by now.
func (r *Run) bootFailed(ctx context.Context, w *bootWatch, what string, lines []string) error {
	if len(lines) == 0 {
		lines = []string{"(nothing)"}
	}
	node := w.step.Node
	advice := fmt.Sprintf("%s has all of it; `mage up recreate=%s` makes the node anew", r.relative(node.Console()), node.Name)
	screen := w.screen
	if screen == "" {
		screen, _ = r.takeScreen(context.WithoutCancel(ctx), node) // one that has ended has none
	}
	if screen != "" {
		advice += "; " + screen + " shows its screen"
	}
	return hint.Errorf(advice, "%s:\n    %s", what, strings.Join(lines, "\n    "))
}
