package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"coreos-libvirt/internal/config/verify"
	"coreos-libvirt/internal/guest/units"
	"coreos-libvirt/internal/settings/clusterfile"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/keys"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/session"
)

// errOutdated ends a boot of what is no longer the config; errEnough one that the user ends.
var (
	errOutdated = errors.New("the config has changed")
	errAgain    = errors.New("it is run again")
	errEnough   = errors.New("q was pressed")
)

// Try brings the cluster up, and recreates the nodes whose documents changed on every save, until the user ends it. What is wrong is
// printed, and the next save waited for.
func Try(ctx context.Context, r *Run) error {
	if err := isMember(r, r.Node); err != nil {
		return err
	}
	files, err := watchFiles(append(configPaths(r), clusterfile.Path(r.Prefix)), r.log.Say) // which need not be there
	if err != nil {
		return err
	}
	saved, end := saves(ctx, files)
	defer end()
	pressed := keys.Open(ctx)
	defer pressed.Close()
	t := &trying{run: r, judge: &verify.Judge{}, keys: pressed, ended: make(chan error)}
	r.log.Say("trying %s and what it names; %s", strings.Join(configPaths(r), ", "), t.ways())
	return t.loop(ctx, saved)
}

// isMember is an error if node= names none of the cluster's nodes; none is well.
func isMember(r *Run, node string) error {
	names := []string{}
	for _, m := range r.members() {
		names = append(names, m.Name)
	}
	if node == "" || slices.Contains(names, node) {
		return nil
	}
	return hint.Errorf("its nodes are "+strings.Join(names, ", "), "node=%s is not a node of the cluster %s", node, r.Prefix)
}

// saves has a value when files were saved since it was last read, until end, which closes files.
func saves(ctx context.Context, files watchedFiles) (saved <-chan struct{}, end func()) {
	ctx, cancel := context.WithCancel(ctx)
	values, done := make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(done)
		for files.next(ctx) {
			select {
			case values <- struct{}{}:
			default:
			}
		}
	}()
	return values, func() { cancel(); <-done; files.close() }
}

// trying is the loop of `mage try`. One goroutine alone has it; what carries a config out runs beside it.
type trying struct {
	run   *Run
	judge *verify.Judge // remembers what it said
	keys  *keys.Keys
	on    *attempt   // that runs; nil if none does
	ended chan error // of that
	later bool       // whether something was saved meanwhile that changed no document
	retry bool       // whether the last attempt failed: then there is something to do though nothing changed
}

// attempt is a config on its way into the nodes.
type attempt struct {
	digests map[string]string // of the nodes' documents
	saved   time.Time
	giveUp  context.CancelCauseFunc
	ctx     context.Context
}

// loop goes on until the user ends it.
func (t *trying) loop(ctx context.Context, saved <-chan struct{}) error {
	t.take(ctx, "")
	for {
		select {
		case <-ctx.Done():
			return t.end(ctx)
		case <-saved:
			t.take(ctx, "")
		case err := <-t.ended:
			t.tell(ctx, err)
		case key := <-t.keys.Pressed():
			if key == 'q' {
				return t.quit()
			}
			t.press(ctx, key)
		}
	}
}

// end is the end of the command by an interruption: of one that came in the middle of an attempt the caller says what is left.
func (t *trying) end(ctx context.Context) error {
	if t.on == nil {
		return nil
	}
	return errors.Join(<-t.ended, ctx.Err())
}

// quit is the end by a key.
func (t *trying) quit() error {
	if t.on == nil {
		return nil
	}
	t.drop(errEnough)
	return hint.Errorf("`"+upAsCalled(t.run.Settings, "recreate=changed")+"` goes on from here", "%w", session.ErrInterrupted)
}

// press is a key.
func (t *trying) press(ctx context.Context, key byte) {
	node := t.subject()
	switch key {
	case 'r':
		t.take(ctx, node.Name)
	case 's':
		t.show(ctx, node, SSH)
	case 'j':
		t.show(ctx, node, lastOfJournal)
	case '\n', '\r':
		t.run.log.Say("")
	default:
		t.run.log.Say("%s", t.ways())
	}
}

// subject is the node that is tried first, and that keys are about.
func (t *trying) subject() workspace.Node {
	all := t.run.members()
	return all[max(0, slices.IndexFunc(all, func(n workspace.Node) bool { return n.Name == t.run.Node }))]
}

// show runs another target for the node, which has the terminal for itself. Saves are taken after it.
func (t *trying) show(ctx context.Context, node workspace.Node, target func(context.Context, *Run) error) {
	if t.on != nil {
		t.run.log.Say("%s: ssh and journal are there when the boot is over", node.Name)
		return
	}
	var exit session.ExitStatus
	err := t.keys.Aside(func() error { return onNode(ctx, t.run, node.Name, target) })
	if err != nil && !errors.As(err, &exit) && ctx.Err() == nil {
		t.run.log.Say("%s", Shown(err, t.run.Words))
	}
	t.wait("waiting: ")
}

// lastOfJournal prints the last lines of the node's journal.
func lastOfJournal(ctx context.Context, r *Run) error {
	r.Cmd = units.Journal("", false) + " --lines=60"
	return SSH(ctx, r)
}

// onNode runs another target for a node.
func onNode(ctx context.Context, r *Run, node string, target func(context.Context, *Run) error) error {
	on, err := anew(r)
	if err != nil {
		return err
	}
	defer on.close()
	on.Node = node
	return target(ctx, on)
}

// ways are what the user can do, in a line.
func (t *trying) ways() string {
	if t.keys == nil {
		return "a save tries it; Ctrl-C ends"
	}
	return "a save tries it; keys: r runs it again, s ssh, j journal, q ends"
}

// now is the time as lines of the loop begin with it.
func now() string { return time.Now().Format(time.TimeOnly) }

// take looks at what is saved by now, and tries it. A boot of another config is given up for it; what is wrong with the files is
// printed, and a boot goes on. again is a node that is recreated in any case, or empty.
func (t *trying) take(ctx context.Context, again string) {
	saved := time.Now()
	seen, err := t.look(ctx)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		t.run.log.Say("%s %s", now(), Shown(err, t.run.Words))
		t.wait("")
		return
	}
	digests := map[string]string{}
	for _, d := range seen.documents {
		digests[d.Name] = d.Digest
	}
	if t.on != nil && again == "" && sameDigests(digests, t.on.digests) {
		t.later = true
		t.run.log.Say("%s nothing changed in the Ignition documents; what was saved before goes on", now())
		return
	}
	if t.on != nil && again == "" {
		t.drop(errOutdated)
	} else if t.on != nil {
		t.drop(errAgain)
	}
	t.start(ctx, saved, digests, again)
}

// drop gives the attempt up, and waits until nothing of it runs any more.
func (t *trying) drop(why error) {
	t.on.giveUp(why)
	<-t.ended //nolint:errcheck // it says why it was given up
	t.run.log.Say("%s given up after %s: %s", now(), progress.Seconds(time.Since(t.on.saved)), why)
	t.on, t.retry = nil, true
}

// start tries what is saved, beside the loop.
func (t *trying) start(ctx context.Context, saved time.Time, digests map[string]string, again string) {
	own, giveUp := context.WithCancelCause(ctx)
	t.on, t.later = &attempt{digests: digests, saved: saved, giveUp: giveUp, ctx: own}, false
	go func() { t.ended <- carryOut(own, t.run, again, t.retry, t.keys.Close) }()
}

// tell says how an attempt has ended.
func (t *trying) tell(ctx context.Context, err error) {
	took := progress.Seconds(time.Since(t.on.saved))
	t.on.giveUp(nil)
	t.on, t.retry = nil, err != nil && !errors.Is(err, errNothing)
	var exit session.ExitStatus
	switch {
	case ctx.Err() != nil:
		return
	case errors.Is(err, errNothing):
		t.run.log.Say("%s nothing to do: all nodes have this config", now())
	case err == nil:
		t.run.log.Say("%s well after %s", now(), took)
	case errors.As(err, &exit): // that has said what is wrong
		t.run.log.Say("%s not well after %s", now(), took)
	default:
		t.run.log.Say("%s\n%s not well after %s", Shown(err, t.run.Words), now(), took)
	}
	if t.later {
		t.take(ctx, "")
		return
	}
	t.wait("waiting: ")
}

// wait says what the loop waits for, unless it is at something.
func (t *trying) wait(begin string) {
	if t.on == nil {
		t.run.log.Say("%s%s", begin, t.ways())
		return
	}
	t.run.log.Say("what was saved before goes on")
}

func sameDigests(a, b map[string]string) bool { return fmt.Sprint(a) == fmt.Sprint(b) }
