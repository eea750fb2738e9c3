package helper

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"coreos-libvirt/internal/etcd/wire"
	"coreos-libvirt/internal/program/line"
)

// letEnd is how long requests may take to end when nobody waits for them any more.
const letEnd = time.Second

// handler does what a request asks for. It may give results before its last one, which may be nil.
type handler func(ctx context.Context, r wire.Request, tell func(result any) error) (last any, err error)

// handlers are those of all verbs but wire.Cancel.
var handlers = map[string]handler{
	wire.Serve:    serveDiscovery,
	wire.Watch:    watch,
	wire.Look:     look,
	wire.List:     list,
	wire.Add:      asking(patience, add),
	wire.Remove:   asking(patience, remove),
	wire.Promote:  asking(patience, promote),
	wire.Lead:     asking(patience, lead),
	wire.Register: asking(patience, registerToken),
	wire.Backup:   asking(0, backup),
	wire.Restore:  asking(0, restore),
	wire.Open:     open,
	wire.MakeDirs: dataDirs,
	wire.Count:    asking(patience, count),

	wire.Compact:    asking(0, compact),
	wire.Defragment: asking(0, defragment),
	wire.Disarm:     asking(patience, disarm),
}

// conversation is the requests that are open, and where answers go.
type conversation struct {
	answers *line.Pipe
	mu      sync.Mutex
	open    map[int64]context.CancelFunc
	all     sync.WaitGroup
}

// converse answers requests, each by itself, until there are no more. Those that are open then are cancelled.
func converse(ctx context.Context, requests io.Reader, answers io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	c := &conversation{answers: line.NewPipe(answers, wire.MaxAnswer), open: map[int64]context.CancelFunc{}}
	defer c.letEnd()
	defer cancel()
	lines := line.NewLines(requests, wire.MaxRequest)
	for {
		text, err := lines.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, line.ErrTooLong):
			err = c.refuse(0, err)
		case err == nil:
			err = c.take(ctx, text)
		}
		if err != nil {
			return err
		}
	}
}

// letEnd gives requests that were cancelled a moment.
func (c *conversation) letEnd() {
	ended := make(chan struct{})
	go func() { c.all.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(letEnd):
	}
}

// take begins what a line asks for. The error is of answers that cannot be given.
func (c *conversation) take(ctx context.Context, text []byte) error {
	var r wire.Request
	if err := line.Decode(text, &r); err != nil {
		return c.refuse(0, fmt.Errorf("this is not a request: %w", err))
	}
	do, known := handlers[r.Verb]
	switch {
	case r.Verb == wire.Cancel:
		c.cancel(r.ID)
		return nil
	case r.ID <= 0:
		return c.refuse(0, errors.New("a request's id is a number from 1"))
	case !known:
		return c.refuse(r.ID, fmt.Errorf("%q is not a verb", r.Verb))
	}
	ctx, ok := c.begin(ctx, r.ID)
	if !ok {
		return c.refuse(0, fmt.Errorf("there is an open request %d", r.ID))
	}
	c.all.Go(func() { c.answer(ctx, r, do) })
	return nil
}

func (c *conversation) begin(ctx context.Context, id int64) (context.Context, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open[id] != nil {
		return nil, false
	}
	ctx, c.open[id] = context.WithCancel(ctx)
	return ctx, true
}

// cancel cancels an open request; it may have ended by now.
func (c *conversation) cancel(id int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cancel := c.open[id]; cancel != nil {
		cancel()
	}
}

// answer does what is asked for, and says how it went.
func (c *conversation) answer(ctx context.Context, r wire.Request, do handler) {
	last, err := do(ctx, r, func(result any) error { return c.say(r.ID, false, result) })
	c.cancel(r.ID)
	c.mu.Lock()
	delete(c.open, r.ID)
	c.mu.Unlock()
	if err == nil {
		err = c.say(r.ID, true, last)
	}
	if err != nil {
		_ = c.refuse(r.ID, err) // who asked is gone if that fails, and this program ends, too
	}
}

func (c *conversation) say(id int64, last bool, result any) error {
	answer := line.Answer{ID: id, Last: last}
	if result != nil {
		text, err := json.Marshal(result)
		if err != nil {
			return err
		}
		answer.Result = text
	}
	return c.answers.Send(answer)
}

// longestError is how many bytes of an error are passed on: members' texts may be in it.
const longestError = 16 << 10

func (c *conversation) refuse(id int64, err error) error {
	text := err.Error()
	said, err := json.Marshal(text[:min(len(text), longestError)])
	if err != nil {
		return err
	}
	return c.answers.Send(line.Answer{ID: id, Last: true, Error: said})
}
