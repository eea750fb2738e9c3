package helper

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

	"coreos-libvirt/internal/program/line"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/printable"
)

// letEnd is how long a request that was cancelled, or the process, may take to end by itself.
const letEnd = 5 * time.Second

// process is a running helper.
type process struct {
	kind     *Kind
	cmd      *exec.Cmd
	stdin    io.Closer
	requests *line.Pipe
	stderr   *tail

	mu    sync.Mutex
	last  int64 // request's id
	calls map[int64]*Call

	ended chan struct{} // closed when the process has ended
	why   error         // then
}

// start starts the program. Its standard input ends with this process, and it ends with its standard input.
func (k *Kind) start(path string) (*process, error) {
	p := &process{kind: k, cmd: exec.Command(path, k.Args...), stderr: &tail{}, calls: map[int64]*Call{}, ended: make(chan struct{})}
	p.cmd.Stderr, p.cmd.WaitDelay = p.stderr, time.Second
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.stdin, p.requests = stdin, line.NewPipe(stdin, k.MaxRequest)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot start the %s: %w", k.Program.Name, err)
	}
	go p.listen(line.NewLines(stdout, k.MaxAnswer))
	return p, nil
}

// listen hands out the answers until the process ends. One that says something else is ended.
func (p *process) listen(answers *line.Lines) {
	err := p.handOut(answers)
	if errors.Is(err, io.EOF) {
		err = nil
	} else {
		_ = p.cmd.Process.Kill()
	}
	p.why = p.kind.ended(err, p.cmd.Wait(), p.stderr.String())
	close(p.ended)
}

func (p *process) handOut(answers *line.Lines) error {
	for {
		answer, err := p.kind.next(answers)
		if err != nil {
			return err
		}
		if answer.ID == 0 {
			return fmt.Errorf("it did not understand a request: %w", p.kind.failure(answer))
		}
		p.mu.Lock()
		if c := p.calls[answer.ID]; c != nil { // nobody waits for one that did not end in time
			c.add(answer)
		}
		p.mu.Unlock()
	}
}

// next is the next answer. In place of one that is too long there is one without all that it says, if it says whose it is.
func (k *Kind) next(answers *line.Lines) (answer line.Answer, err error) {
	text, err := answers.Next()
	if errors.Is(err, line.ErrTooLong) {
		if begin, ok := line.Beginning(text); ok {
			return begin, nil
		}
	}
	if err != nil {
		return answer, err
	}
	if err := line.Decode(text, &answer); err != nil {
		return answer, fmt.Errorf("it answered something else than JSON: %w", err)
	}
	return answer, nil
}

// failure is what the answer says that is an error; nil if it says a result.
func (k *Kind) failure(answer line.Answer) error {
	switch {
	case answer.TooLong:
		return hint.Errorf(k.TooLong, "the %s's answer is longer than %d MiB", k.Program.Name, k.MaxAnswer>>20)
	case len(answer.Error) > 0:
		return k.Failed(answer.Error)
	}
	return nil
}

// ended is what a request ends with that was open then; wrong and exit say what became of the process.
func (k *Kind) ended(wrong, exit error, stderr string) error {
	err := fmt.Errorf("the %s %w", k.Program.Name, ErrEnded)
	if cause := cmp.Or(wrong, exit); cause != nil {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	if said := printable.Text(stderr); said != "" {
		err = fmt.Errorf("%w\n%s", err, said)
	}
	return hint.Errorf("run the same command again; if it was killed, `dmesg` says whether this host had too little memory", "%w", err)
}

// cancel cancels a request and waits a little until it has ended.
func (p *process) cancel(ctx context.Context, c *Call) {
	if p.requests.Send(p.kind.Cancel(c.ID)) != nil {
		return // the process has ended
	}
	ctx, enough := context.WithTimeout(context.WithoutCancel(ctx), letEnd)
	defer enough()
	_, _ = c.answers(ctx, func(json.RawMessage) error { return nil })
}

func (p *process) open() *Call {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last++
	c := &Call{ID: p.last, process: p, more: make(chan struct{}, 1)}
	p.calls[c.ID] = c
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
