package boot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/wait"
)

// waitAfterFatal lets the lines arrive that follow a fatal one, so that they can be shown.
const waitAfterFatal = time.Second

// changesArguments reports whether the Ignition document wants other arguments of the kernel, or may get some from documents
// that it names: the node boots twice then.
func changesArguments(text []byte) bool {
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
	if json.Unmarshal(text, &document) != nil {
		return false
	}
	others, arguments := document.Ignition.Config, document.KernelArguments
	return len(arguments.ShouldExist)+len(arguments.ShouldNotExist)+len(others.Merge) > 0 || others.Replace.Source != nil
}

// checkConsole is an error if the console says that the boot has failed.
func (w *watch) checkConsole(ctx context.Context) error {
	fatal, err := w.console.Failure()
	if err != nil || fatal == nil {
		return err
	}
	wait.Sleep(ctx, waitAfterFatal)
	more, err := w.console.Failure()
	if err != nil {
		return err
	}
	if more != nil { // it is nil if the node has begun to boot again
		fatal = more
	}
	return w.failed(ctx, "the boot failed; its console says", fatal)
}

// checkState is an error if the domain has ended or was paused by nobody, or has rebooted too often since the watch began.
func (w *watch) checkState(ctx context.Context) error {
	state, err := w.Engine.State(w.node.Name)
	if err == nil && state == engine.Paused {
		err = w.pausedByNobody()
	}
	reboots := w.Engine.Reboots(w.node.Name) - w.reboots
	ended := state == engine.ShutOff || state == engine.Crashed
	if err != nil || !ended && reboots < tooManyReboots {
		return err
	}
	last, err := w.lastLines()
	if err != nil {
		return err
	}
	if !ended {
		return w.failed(ctx, fmt.Sprintf("it reboots again and again, %d times so far; its console ends with", reboots), last)
	}
	return w.failed(ctx, fmt.Sprintf("the domain is %s; its console ends with", w.described(state)), last)
}

// described is the state, with its reason if nobody asked for it.
func (w *watch) described(state engine.State) string {
	reason, _ := w.Engine.Reason(w.node.Name) // the state is what matters
	return engine.Domain{State: state, Mishap: engine.Mishap{Reason: reason}}.Described()
}

// pausedByNobody is an error if the domain is paused, and no user asked for that: QEMU could not go on.
func (w *watch) pausedByNobody() error {
	reason, err := w.Engine.Reason(w.node.Name)
	if err != nil || reason == "" {
		return err
	}
	return hint.Errorf(fmt.Sprintf("correct what is wrong (`df %s`), then `mage start node=%s` lets it go on", w.Nodes.Relative(w.node.Dir), w.node.Name),
		"the domain is paused: %s", reason)
}

// lastLines are those of the console; if none came since the watch began, those from before.
func (w *watch) lastLines() ([]string, error) {
	if _, err := w.console.Failure(); err != nil || len(w.console.Last()) > 0 {
		return w.console.Last(), err
	}
	whole := guest.NewConsole(w.log(w.node))
	_, err := whole.Failure()
	return whole.Last(), err
}

// stillSilent is an error if the console has been silent for too long: the reason at the end of the wait.
func (w *watch) stillSilent(ctx context.Context) error {
	silent := w.console.Silent()
	if w.silence == 0 || silent < w.silence {
		return nil
	}
	return w.failed(ctx, fmt.Sprintf("not ready after %s; "+silentSince+". The console ends with", w.Timeout, progress.Seconds(silent)), w.console.Last())
}

// watchJournal is an error if the guest says by its journal that its initramfs has failed, and nil if ctx ends first. A domain
// without that channel never does.
func (b Booter) watchJournal(ctx context.Context, node workspace.Node) error {
	for ctx.Err() == nil {
		channel, err := b.Engine.Channel(ctx, node.Name, guest.JournalChannel)
		if err != nil {
			return nil //nolint:nilerr // the definition is older than the channel, or was edited
		}
		journal, err := guest.ReadJournal(channel)
		channel.Close()
		if errors.Is(err, engine.ErrRestarted) {
			continue // what it says meanwhile is still to come: it waits until the channel is open
		}
		if err != nil || len(journal.Lines) == 0 {
			return nil //nolint:nilerr // the end of the wait, or of the guest: others see that
		}
		what := "the boot failed; the guest's journal says"
		if journal.Ignition {
			what = "Ignition failed; the guest's journal says"
		}
		return (&watch{Booter: b, node: node}).failed(ctx, what, journal.Lines)
	}
	return nil
}

// failed is the error of a node that will never be ready. A picture of its screen goes with it: the one that was taken when
// its console fell silent, as the screen may show another boot by now, or else a new one.
func (w *watch) failed(ctx context.Context, what string, lines []string) error {
	if len(lines) == 0 {
		lines = []string{"(nothing)"}
	}
	advice := fmt.Sprintf("%s has all of it; `mage up recreate=%s` recreates the node", w.Nodes.Relative(w.node.Console()), w.node.Name)
	shown := w.screen
	if shown == "" {
		shown, _ = w.takeScreen(context.WithoutCancel(ctx)) // a node that has ended shows nothing
	}
	if shown != "" {
		advice += "; " + shown + " shows its screen"
	}
	return hint.Errorf(advice, "%s:\n    %s", what, strings.Join(lines, "\n    "))
}
