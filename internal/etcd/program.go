package etcd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
)

// program is the helper's, with its process if one runs.
type program struct {
	module string // folder of go.mod
	bin    string // folder of the built program
	within bool   // whether it is a part of this process' own program, and nothing has to be built

	mu     sync.Mutex
	latest *attempt // nil before the first question
	closed bool
}

// attempt is a process that is being built and started, or that was.
type attempt struct {
	giveUp  context.CancelFunc
	done    chan struct{}
	process *process // when it is done; nil if it failed
	err     error
}

// process is the one that runs, or else a new one. It is waited for as long as ctx lasts; the program is built on meanwhile,
// for the next question.
func (p *program) process(ctx context.Context) (*process, error) {
	a, err := p.attempt(ctx)
	if err != nil {
		return nil, err
	}
	select {
	case <-a.done:
		return a.process, a.err
	case <-ctx.Done():
		return nil, fmt.Errorf("the etcd helper is still being built: %w", ctx.Err())
	}
}

// attempt is the latest one, if it is of use, or else a new one.
func (p *program) attempt(ctx context.Context) (*attempt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errEnded
	}
	if p.latest != nil && p.latest.isOfUse() {
		return p.latest, nil
	}
	ctx, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	a := &attempt{giveUp: giveUp, done: make(chan struct{})}
	p.latest = a
	go func() {
		defer close(a.done)
		a.process, a.err = p.start(ctx, start)
	}()
	return a, nil
}

func (a *attempt) isOfUse() bool {
	return !isClosed(a.done) || a.process != nil && !a.process.hasEnded()
}

// start builds the program, unless it is there, and starts it. If another run has removed it in between, it is built again.
func (p *program) start(ctx context.Context, start func(path string) (*process, error)) (running *process, err error) {
	for range 2 {
		path, err := p.build(ctx, func(string, ...any) {})
		if err != nil {
			return nil, err
		}
		if running, err = start(path); !errors.Is(err, fs.ErrNotExist) {
			return running, err
		}
	}
	return running, err
}

// close ends the process, or what is done to start it.
func (p *program) close() {
	p.mu.Lock()
	latest := p.latest
	p.closed = true
	p.mu.Unlock()
	if latest == nil {
		return
	}
	latest.giveUp()
	if <-latest.done; latest.process != nil {
		latest.process.close()
	}
}
