package etcd

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"time"

	"coreos-libvirt/internal/etcd/wire"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/printable"
)

// letEnd is how long a request that was cancelled, or the process, may take to end by itself.
const letEnd = 5 * time.Second

// errEnded is of requests whose helper ended before it answered.
var errEnded = errors.New("the etcd helper ended before it answered")

// process is a running helper.
type process struct {
	cmd      *exec.Cmd
	stdin    io.Closer
	requests *wire.Pipe
	stderr   *tail

	mu    sync.Mutex
	last  int64 // request's id
	calls map[int64]*call

	ended chan struct{} // closed when the process has ended
	why   error         // then
}

// start starts the program. Its standard input ends with this process, and it ends with its standard input.
func start(path string) (*process, error) {
	p := &process{cmd: exec.Command(path), stderr: &tail{}, calls: map[int64]*call{}, ended: make(chan struct{})}
	if path == itself {
		p.cmd.Args = append(p.cmd.Args, wire.Helper)
	}
	p.cmd.Stderr, p.cmd.WaitDelay = p.stderr, time.Second
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.stdin, p.requests = stdin, wire.NewPipe(stdin, wire.MaxRequest)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot start the etcd helper: %w", err)
	}
	go p.listen(wire.NewLines(stdout, wire.MaxAnswer))
	return p, nil
}

// listen hands out the answers until the process ends. One that says something else is ended.
func (p *process) listen(answers *wire.Lines) {
	err := p.handOut(answers)
	if errors.Is(err, io.EOF) {
		err = nil
	} else {
		_ = p.cmd.Process.Kill()
	}
	p.why = ended(err, p.cmd.Wait(), p.stderr.String())
	close(p.ended)
}

func (p *process) handOut(answers *wire.Lines) error {
	for {
		answer, err := next(answers)
		if err != nil {
			return err
		}
		if answer.ID == 0 {
			return fmt.Errorf("it did not understand a request: %s", printable.Text(answer.Error))
		}
		p.mu.Lock()
		if c := p.calls[answer.ID]; c != nil { // nobody waits for one that did not end in time
			c.add(answer)
		}
		p.mu.Unlock()
	}
}

// next is the next answer. In place of one that is too long there is an error for its request, if it says whose it is.
func next(answers *wire.Lines) (answer wire.Answer, err error) {
	line, err := answers.Next()
	if errors.Is(err, wire.ErrTooLong) {
		if begin, ok := wire.Beginning(line); ok {
			begin.Error = tooLong
			return begin, nil
		}
	}
	if err != nil {
		return answer, err
	}
	if err := wire.Decode(line, &answer); err != nil {
		return answer, fmt.Errorf("it answered something else than JSON: %w", err)
	}
	return answer, nil
}

var tooLong = fmt.Sprintf("the etcd helper's answer is longer than %d MiB\nhint: a member says too much to be true: `mage etcd` shows which members there are", wire.MaxAnswer>>20)

// ended is what a request ends with that was open then; wrong and exit say what became of the process.
func ended(wrong, exit error, stderr string) error {
	err := errEnded
	if cause := cmp.Or(wrong, exit); cause != nil {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	if said := printable.Text(stderr); said != "" {
		err = fmt.Errorf("%w\n%s", err, said)
	}
	return hint.Errorf("run the same command again; if it was killed, `dmesg` says whether this host had too little memory", "%w", err)
}

// ask makes a request and gives the result of each answer to each, until the last. If ctx or each ends it before, the request
// is cancelled.
func (p *process) ask(ctx context.Context, request wire.Request, each func(json.RawMessage) error) error {
	c := p.open(&request)
	defer p.forget(request.ID)
	if err := p.requests.Send(request); errors.Is(err, wire.ErrTooLong) {
		return err
	}
	whole, err := c.answers(ctx, p.ended, each)
	if whole {
		return err
	}
	if p.hasEnded() {
		return cmp.Or(err, p.why)
	}
	p.cancel(ctx, request.ID, c)
	return cmp.Or(err, ctx.Err())
}

// cancel cancels a request and waits a little until it has ended.
func (p *process) cancel(ctx context.Context, id int64, c *call) {
	if p.requests.Send(wire.Request{ID: id, Verb: wire.Cancel}) != nil {
		return // the process has ended
	}
	ctx, enough := context.WithTimeout(context.WithoutCancel(ctx), letEnd)
	defer enough()
	_, _ = c.answers(ctx, p.ended, func(json.RawMessage) error { return nil })
}

func (p *process) open(request *wire.Request) *call {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last++
	request.ID = p.last
	c := newCall()
	p.calls[request.ID] = c
	return c
}

func (p *process) forget(id int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.calls, id)
}

func (p *process) hasEnded() bool { return isClosed(p.ended) }

// close ends the process.
func (p *process) close() {
	_ = p.stdin.Close()
	kill := time.AfterFunc(letEnd, func() { _ = p.cmd.Process.Kill() })
	<-p.ended
	kill.Stop()
}

// tail keeps the last part of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const tailBytes = 4 << 10

func (t *tail) Write(text []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, text...)
	t.text = t.text[max(0, len(t.text)-tailBytes):]
	return len(text), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
