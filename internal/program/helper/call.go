package helper

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"coreos-libvirt/internal/program/line"
)

// Call is a request, with the answers that nobody has taken yet.
type Call struct {
	ID      int64 // which the request has
	process *process

	mu    sync.Mutex
	queue []line.Answer
	more  chan struct{} // has something if the queue may have
}

// Ask is Helper.Ask of the one request that the call is for.
func (c *Call) Ask(ctx context.Context, request any, each func(json.RawMessage) error) error {
	p := c.process
	defer p.forget(c.ID)
	if err := p.requests.Send(request); errors.Is(err, line.ErrTooLong) {
		return err
	}
	whole, err := c.answers(ctx, each)
	if whole {
		return err
	}
	if p.hasEnded() {
		return cmp.Or(err, p.why)
	}
	p.cancel(ctx, c)
	return cmp.Or(err, ctx.Err())
}

// Send says more to who serves the request.
func (c *Call) Send(message any) error {
	if err := c.process.requests.Send(message); err != nil {
		return fmt.Errorf("the %s does not read any more: %w", c.process.kind.Program.Name, err)
	}
	return nil
}

func (c *Call) add(answer line.Answer) {
	c.mu.Lock()
	c.queue = append(c.queue, answer)
	c.mu.Unlock()
	select {
	case c.more <- struct{}{}:
	default:
	}
}

func (c *Call) take() (first line.Answer, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		return first, false
	}
	first, c.queue = c.queue[0], c.queue[1:]
	return first, true
}

// next waits for the next answer. There is none if ctx has ended, or the process has.
func (c *Call) next(ctx context.Context) (line.Answer, bool) {
	for {
		over := c.process.hasEnded() // then all that it said is in the queue
		if answer, ok := c.take(); ok {
			return answer, true
		}
		if over || ctx.Err() != nil {
			return line.Answer{}, false
		}
		select {
		case <-c.more:
		case <-c.process.ended:
		case <-ctx.Done():
		}
	}
}

// answers gives each answer's result to each. It is whole if the last one was among them.
func (c *Call) answers(ctx context.Context, each func(json.RawMessage) error) (whole bool, err error) {
	for {
		answer, ok := c.next(ctx)
		if !ok {
			return false, nil
		}
		err = c.process.kind.failure(answer)
		if err == nil && (!answer.Last || len(answer.Result) > 0) {
			err = each(answer.Result)
		}
		if answer.Last || err != nil {
			return answer.Last, err
		}
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
