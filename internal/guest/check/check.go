// Package check runs a test in a node, as kola runs an external test: as the systemd unit kola-runext.service with full rights, which
// may reboot the node (coreos-assembler, mantle/kola/harness.go, mantle/cmd/kolet/kolet.go). What it puts there it removes.
package check

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/terminal/printable"
)

// Job is a test to run. Its name and that of its file are of characters that need no quotes.
type Job struct {
	Name    string
	Exe     string        // path
	Base    string        // name of the executable in the node
	Data    string        // path of a folder, or empty
	Timeout time.Duration // for all of it, with reboots
}

// Status is what became of a test.
type Status string

// What becomes of tests.
const (
	Passed  Status = "passed"
	Failed  Status = "failed"
	Skipped Status = "skipped"
)

// Result is what became of a test on a node.
type Result struct {
	Test    string
	Node    string
	Status  Status
	Why     string // empty if it passed
	Took    time.Duration
	Reboots int
	Output  string // the beginning of what it said
	Lost    bool   // whether the node is no longer there for others
}

const (
	// mostOutput is how much of what a test says is kept for reports, in bytes.
	mostOutput = 1 << 20
	// removal is how long the removal of a test may take on a slow machine, and if the user waits for it.
	removal, lastRemoval = 2 * time.Minute, 20 * time.Second
	// skips is the exit status of a test that does not run here, as automake's.
	skips = 77
)

// errTimeout ends a test.
var errTimeout = errors.New("timed out")

// running is a test under way in a node.
type running struct {
	Node
	job    Job
	folder string // of its files in the user's home
	bootID string
	cursor string // in the node's journal, behind what was said
	say    func(line string)
	output *guest.Limited
	Result
}

// Run runs the test in the node, and gives what became of it. say gets each line that the test prints, printable.
func (n Node) Run(ctx context.Context, job Job, say func(line string)) Result {
	r := &running{
		Node: n, job: job, folder: ".kola-runext-" + rand.Text()[:8], say: say,
		output: &guest.Limited{Left: mostOutput}, Result: Result{Test: job.Name, Node: n.Name, Status: Failed},
	}
	begin := time.Now()
	within, cancel := context.WithTimeoutCause(ctx, job.Timeout, errTimeout)
	defer cancel()
	err := r.all(within)
	switch {
	case ctx.Err() != nil:
		r.Why = "interrupted"
	case errors.Is(context.Cause(within), errTimeout) && err != nil && !r.Lost:
		r.Why = timedOut(job.Timeout, err)
	case err != nil:
		r.Why = err.Error()
	}
	r.remove(ctx)
	r.Took, r.Output = time.Since(begin), printable.Text(r.output.String())
	return r.Result
}

// timedOut says that the test took too long, and what it was at if that is known.
func timedOut(limit time.Duration, err error) string {
	why := fmt.Sprintf("timed out after %s", limit)
	if errors.Is(err, errTimeout) {
		return why
	}
	return why + ": " + err.Error()
}

// all runs the test until it has ended. An error is of what keeps it from running to its end.
func (r *running) all(ctx context.Context) error {
	if err := r.put(ctx, r.job, r.folder); err != nil {
		r.Lost = errors.Is(err, ErrGone)
		return fmt.Errorf("it cannot be copied to the node: %w", err)
	}
	if _, err := r.ask(ctx, "install", r.folder, r.job.Base, r.job.Name); err != nil {
		return fmt.Errorf("its unit cannot be made: %w", err)
	}
	for {
		told, err := r.watch(ctx)
		if err != nil {
			return err
		}
		mark, asks := told["Mark"]
		if !asks {
			r.Status, r.Why = judged(told)
			return nil
		}
		if err := r.reboot(ctx, mark); err != nil {
			return err
		}
	}
}

// remove takes the test away from the node, also after an interruption.
func (r *running) remove(ctx context.Context) {
	if r.Lost {
		return
	}
	limit := removal
	if ctx.Err() != nil {
		limit = lastRemoval
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	told, err := r.ask(ctx, "remove", r.folder)
	if err == nil && told["LoadState"] != "not-found" {
		err = fmt.Errorf("systemd says that it is %s", printable.Value(told["LoadState"]))
	}
	if err == nil {
		return
	}
	left := fmt.Sprintf("its unit kola-runext.service could not be removed: %v", err)
	if r.Why != "" {
		left = r.Why + "; " + left
	}
	r.Status, r.Why, r.Lost = Failed, left, true
}
