// Package helper starts a program that answers requests, when it is first asked, and ends it with the run. They say JSON to each other, one
// message a line: requests go to its standard input, answers come from its standard output. Many requests may be open at once.
package helper

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"coreos-libvirt/internal/program"
)

// ErrEnded is of requests whose helper ended before it answered, and of those that are made after Close.
var ErrEnded = errors.New("ended before it answered")

// Kind is which helper it is, and how one talks to it.
type Kind struct {
	Program program.Program
	Path    string   // of a program that needs no building; the Program has a name, then
	Args    []string // of the command line

	MaxRequest, MaxAnswer int    // bytes of a line
	TooLong               string // what helps against an answer that is longer

	Cancel func(id int64) any               // the message that ends the open request
	Failed func(said json.RawMessage) error // what an answer says that is an error
}

// Helper is one process at a time: the first request starts it, and the next one after it has ended starts another.
type Helper struct {
	Kind

	mu     sync.Mutex
	latest *attempt // nil before the first question
	closed bool
}

// New is a helper that nobody has asked yet.
func New(kind Kind) *Helper { return &Helper{Kind: kind} }

// Build makes the program, unless one of the same sources is there. The first time takes a minute.
func (h *Helper) Build(ctx context.Context, say func(format string, args ...any)) (path string, err error) {
	if h.Path != "" {
		return h.Path, nil
	}
	return h.Program.Build(ctx, say)
}

// Built reports whether the program is there.
func (h *Helper) Built() bool {
	if h.Path != "" {
		return true
	}
	_, there, err := h.Program.Built()
	return there && err == nil
}

// Ask makes the request that has the id. Each answer's result goes to each, until the last. If ctx or each ends it before, the request is
// cancelled.
func (h *Helper) Ask(ctx context.Context, request func(id int64) any, each func(json.RawMessage) error) error {
	call, err := h.Begin(ctx)
	if err != nil {
		return err
	}
	return call.Ask(ctx, request(call.ID), each)
}

// Begin is a call for one request. The process is waited for as long as ctx lasts; the program is built on meanwhile, for the next one.
func (h *Helper) Begin(ctx context.Context) (*Call, error) {
	a, err := h.attempt(ctx)
	if err != nil {
		return nil, err
	}
	select {
	case <-a.done:
	case <-ctx.Done():
		return nil, fmt.Errorf("the %s is still being built: %w", h.Program.Name, ctx.Err())
	}
	if a.err != nil {
		return nil, a.err
	}
	return a.process.open(), nil
}

// attempt is a process that is being built and started, or that was.
type attempt struct {
	giveUp  context.CancelFunc
	done    chan struct{}
	process *process // when it is done; nil if it failed
	err     error
}

// attempt is the latest one, if it is of use, or else a new one.
func (h *Helper) attempt(ctx context.Context) (*attempt, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, fmt.Errorf("the %s %w", h.Program.Name, ErrEnded)
	}
	if h.latest != nil && h.latest.isOfUse() {
		return h.latest, nil
	}
	ctx, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	a := &attempt{giveUp: giveUp, done: make(chan struct{})}
	h.latest = a
	go func() {
		defer close(a.done)
		a.process, a.err = h.start(ctx, h.Kind.start)
	}()
	return a, nil
}

func (a *attempt) isOfUse() bool {
	return !isClosed(a.done) || a.process != nil && !a.process.hasEnded()
}

// start builds the program, unless it is there, and starts it. If another run has removed it in between, it is built again.
func (h *Helper) start(ctx context.Context, start func(path string) (*process, error)) (running *process, err error) {
	for range 2 {
		path, err := h.Build(ctx, func(string, ...any) {})
		if err != nil {
			return nil, err
		}
		if running, err = start(path); !errors.Is(err, fs.ErrNotExist) {
			return running, err
		}
	}
	return running, err
}

// Close ends the process, or what is done to start it. No other is started.
func (h *Helper) Close() {
	h.mu.Lock()
	latest := h.latest
	h.closed = true
	h.mu.Unlock()
	if latest == nil {
		return
	}
	latest.giveUp()
	if <-latest.done; latest.process != nil {
		latest.process.close()
	}
}
