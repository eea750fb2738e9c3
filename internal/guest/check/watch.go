package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"coreos-libvirt/internal/terminal/printable"
	"coreos-libvirt/internal/terminal/shellword"
)

// watch starts the unit and says what it prints, until it has ended or asks for a reboot. If the connection ends, another goes on.
func (r *running) watch(ctx context.Context) (values, error) {
	for what := "start"; ; what = "go" {
		told, err := r.listen(ctx, what)
		was := r.bootID
		r.bootID = cmp.Or(told["BootID"], was)
		_, ended := told["Result"]
		_, asks := told["Mark"]
		switch {
		case what == "go" && r.bootID != was, told["EndedIn"] != "" && told["EndedIn"] != r.bootID:
			return nil, errUnasked
		case told["Stopping"] != "" && !asks:
			return nil, errors.Join(errUnasked, r.await(ctx, func(id string) bool { return id != r.bootID }))
		case ended || asks:
			return told, nil
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case errors.Is(err, ErrGone):
			r.Lost = true
			return nil, err
		}
		if err := r.await(ctx, func(string) bool { return true }); err != nil {
			return nil, fmt.Errorf("the connection to the node ended, and there is no other: %w", err)
		}
	}
}

// listen is one connection of watch. What it prints counts when the cursor behind it has come: the next connection begins there.
func (r *running) listen(ctx context.Context, what string) (values, error) {
	told, came := values{}, []string{}
	err := r.sh(ctx, "watch", func(kind byte, text string) {
		switch told.take(kind, text); {
		case kind == 'o':
			came = append(came, printable.Line(text))
		case kind == 'c' && usualCursor.MatchString(text):
			r.cursor = text
		}
		if kind == 'c' || len(came) > mostLines {
			r.tell(came)
			came = nil
		}
	}, what, "'"+r.cursor+"'")
	return told, err
}

// usualCursor is how a cursor of the journal looks (systemd.journal-fields(7), __CURSOR), between quotes for the shell.
var usualCursor = regexp.MustCompile(`^[A-Za-z0-9=;-]+$`)

// mostLines is how many lines are kept until their cursor comes.
const mostLines = 1 << 16

// tell says what the test has printed, and keeps it.
func (r *running) tell(lines []string) {
	for _, line := range lines {
		fmt.Fprintln(r.output, line)
		r.say(line)
	}
}

// errUnasked is of a reboot that nobody knew of.
var errUnasked = errors.New("the node rebooted or was shut down, and the test had not asked for it by /tmp/autopkgtest-reboot")

// judged is what became of the test, as the properties of its unit say (systemd.exec(5), org.freedesktop.systemd1(5)).
func judged(told values) (Status, string) {
	status, err := strconv.Atoi(told["ExecMainStatus"])
	if err != nil || status < 0 || status > 255 {
		return Failed, "systemd does not say its exit status"
	}
	switch told["ExecMainCode"] {
	case "0":
		return Failed, "its unit could not be started: " + printable.Value(told["Result"])
	case "1": // CLD_EXITED (waitid(2))
		return exited(status)
	}
	why := fmt.Sprintf("killed by signal %d (%s)", status, unix.SignalName(syscall.Signal(status)))
	switch told["Result"] {
	case "oom-kill":
		why += ": memory ran out"
	case "core-dump":
		why += ", core dumped"
	}
	return Failed, why
}

// unitFailures are systemd's own exit statuses that people meet (systemd.exec(5)).
var unitFailures = map[int]string{
	203: "cannot be executed (203/EXEC): has the node the program of its first line?",
	208: "its standard input cannot be made (208/STDIN)",
	209: "its standard output cannot be made (209/STDOUT)",
}

func exited(status int) (Status, string) {
	switch status {
	case 0:
		return Passed, ""
	case skips:
		return Skipped, "exit status 77"
	}
	if why, is := unitFailures[status]; is {
		return Failed, why
	}
	return Failed, fmt.Sprintf("exit status %d", status)
}

// usualMark is what a mark may be: it stands in quotes in a file that systemd reads.
var usualMark = regexp.MustCompile(`^[A-Za-z0-9@%+=:,./_-]+( [A-Za-z0-9@%+=:,./_-]+)*$`)

const (
	// lookEvery is how often a node that boots is asked whether it is there.
	lookEvery = time.Second
	// oneLook is how long an answer may take: a node that is not there gives none.
	oneLook = 30 * time.Second
)

// reboot lets the node reboot that has asked for it, waits until it is there again, and hands the test its mark.
func (r *running) reboot(ctx context.Context, mark string) error {
	if !usualMark.MatchString(mark) {
		return fmt.Errorf("it asks for a reboot with the mark %s: a mark has letters, digits and @%%+=:,./_- only", printable.Value(strconv.Quote(mark)))
	}
	r.Reboots++
	r.say("reboots, with the mark " + mark)
	was := r.bootID
	_ = r.sh(ctx, "heard", func(byte, string) {}) // the node may be gone before it has answered
	if err := r.await(ctx, func(id string) bool { return id != was }); err != nil {
		return fmt.Errorf("the node does not come back from a reboot: %w", err)
	}
	_, err := r.ask(ctx, "again", shellword.Of(mark))
	return err
}

// await waits until the node can be reached, and its boot is one that is waited for.
func (r *running) await(ctx context.Context, wanted func(bootID string) bool) error {
	within, cancel := context.WithTimeout(ctx, r.Boot)
	defer cancel()
	begin, last := time.Now(), errors.New("it still runs as before")
	for {
		id, err := r.look(within)
		switch {
		case err == nil && wanted(id):
			return nil
		case errors.Is(err, ErrGone):
			r.Lost = true
			return err
		case err != nil && within.Err() == nil:
			last = err
		}
		select {
		case <-within.Done():
			r.Lost = ctx.Err() == nil || r.unreached(context.WithoutCancel(ctx))
			return fmt.Errorf("after %s: %w", time.Since(begin).Round(time.Second), last)
		case <-time.After(lookEvery):
		}
	}
}

// unreached reports whether the node does not answer now.
func (r *running) unreached(ctx context.Context) bool {
	_, err := r.look(ctx)
	return err != nil
}

// look is the id of the node's boot.
func (r *running) look(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, oneLook)
	defer cancel()
	told, err := r.ask(ctx, "boot")
	if err == nil && told["BootID"] == "" {
		err = errors.New("it does not say the id of its boot")
	}
	return told["BootID"], err
}
