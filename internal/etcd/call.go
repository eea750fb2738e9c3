package etcd

import (
	"context"
	"encoding/json"
	"errors"
	"sync"

	"coreos-libvirt/internal/etcd/wire"
	"coreos-libvirt/internal/terminal/printable"
)

// call is an open request, with the answers that nobody has taken yet.
type call struct {
	mu    sync.Mutex
	queue []wire.Answer
	more  chan struct{} // has something if the queue may have
}

func newCall() *call { return &call{more: make(chan struct{}, 1)} }

func (c *call) add(answer wire.Answer) {
	c.mu.Lock()
	c.queue = append(c.queue, answer)
	c.mu.Unlock()
	select {
	case c.more <- struct{}{}:
	default:
	}
}

func (c *call) take() (first wire.Answer, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		return first, false
	}
	first, c.queue = c.queue[0], c.queue[1:]
	return first, true
}

// next waits for the next answer. There is none if ctx has ended, or the process has.
func (c *call) next(ctx context.Context, ended <-chan struct{}) (wire.Answer, bool) {
	for {
		over := isClosed(ended) // then all that it said is in the queue
		if answer, ok := c.take(); ok {
			return answer, true
		}
		if over || ctx.Err() != nil {
			return wire.Answer{}, false
		}
		select {
		case <-c.more:
		case <-ended:
		case <-ctx.Done():
		}
	}
}

// answers gives each answer's result to each. It is whole if the last one was among them.
func (c *call) answers(ctx context.Context, ended <-chan struct{}, each func(json.RawMessage) error) (whole bool, err error) {
	for {
		answer, ok := c.next(ctx, ended)
		switch {
		case !ok:
			return false, nil
		case answer.Error != "":
			err = errors.New(printable.Text(answer.Error))
		case !answer.Last || len(answer.Result) > 0:
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
