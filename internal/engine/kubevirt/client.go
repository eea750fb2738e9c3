package kubevirt

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"time"

	"coreos-libvirt/internal/engine/kubevirt/objects"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/printable"
)

// mostAnswer is more bytes than any answer has: a list of a thousand nodes' objects.
const mostAnswer = 256 << 20

// Query says which objects an operation is about, as the helper reads it.
type Query struct {
	Kind      string `json:"kind,omitempty"`
	Name      string `json:"name,omitempty"`
	UID       string `json:"uid,omitempty"`
	Selector  string `json:"selector,omitempty"`
	Dry       bool   `json:"dry,omitempty"`
	Verb      string `json:"verb,omitempty"`
	Container string `json:"container,omitempty"`
	Follow    bool   `json:"follow,omitempty"`
	Own       string `json:"own,omitempty"`
}

// Applied is what came of an object that was applied.
type Applied struct {
	Before objects.Object `json:"before"` // nil if there was none
	After  objects.Object `json:"after"`
}

// Client talks to a Kubernetes cluster, by a helper that ends with it.
type Client struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stderr bytes.Buffer

	mu    sync.Mutex
	last  int64
	calls map[int64]chan line
	ended chan struct{}
	why   error
}

// line is an answer of the helper.
type line struct {
	ID     int64           `json:"id"`
	Result json.RawMessage `json:"result"`
	More   bool            `json:"more"`
	Error  *Failure        `json:"error"`
}

// Open starts the helper, which is built if it is missing. context and namespace are of the kubeconfig that kubectl would use; if empty its
// current ones.
func Open(ctx context.Context, p Program, kubeContext, namespace string) (*Client, error) {
	path, err := p.ensure(ctx)
	if err != nil {
		return nil, err
	}
	return start(exec.Command(path, "-context", kubeContext, "-namespace", namespace))
}

func start(cmd *exec.Cmd) (*Client, error) {
	c := &Client{cmd: cmd, calls: map[int64]chan line{}, ended: make(chan struct{})}
	c.cmd.Stderr, c.cmd.WaitDelay = &c.stderr, time.Second
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot start the KubeVirt helper: %w", err)
	}
	go c.listen(stdout)
	return c, nil
}

// Close ends the helper.
func (c *Client) Close() {
	_ = c.stdin.Close()
	select {
	case <-c.ended:
	case <-time.After(5 * time.Second):
		_ = c.cmd.Process.Kill()
		<-c.ended
	}
}

// listen hands out the answers until the helper ends.
func (c *Client) listen(out io.Reader) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, mostAnswer)
	for lines.Scan() {
		var l line
		if json.Unmarshal(lines.Bytes(), &l) != nil {
			break
		}
		c.mu.Lock()
		call := c.calls[l.ID]
		c.mu.Unlock()
		if call != nil {
			call <- l
		}
	}
	_ = c.cmd.Process.Kill() // it has closed its output, or says what is no answer
	exit := c.cmd.Wait()
	c.why = fmt.Errorf("the KubeVirt helper ended: %w", errors.Join(lines.Err(), exit))
	if said := printable.Text(c.stderr.String()); said != "" {
		c.why = fmt.Errorf("%w\n%s", c.why, said)
	}
	c.why = hint.Add(c.why, "run the same command again; if it was killed, `dmesg` says whether this host had too little memory")
	close(c.ended)
}

// ask makes a request, and gives the result of each answer to each, until the last.
func (c *Client) ask(ctx context.Context, op string, o objects.Object, q Query, each func(json.RawMessage) error) error {
	id, call := c.open()
	defer c.forget(id)
	request := struct {
		ID     int64          `json:"id"`
		Op     string         `json:"op"`
		Object objects.Object `json:"object,omitempty"`
		Query
	}{id, op, o, q}
	if err := c.send(request); err != nil {
		return err
	}
	for {
		select {
		case l := <-call:
			if l.Error != nil {
				return l.Error.explained()
			}
			if err := each(l.Result); err != nil || !l.More {
				return err
			}
		case <-c.ended:
			return c.why
		case <-ctx.Done():
			_ = c.send(map[string]any{"id": id, "op": "cancel"})
			return ctx.Err()
		}
	}
}

func (c *Client) open() (int64, chan line) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last++
	call := make(chan line, 1024)
	c.calls[c.last] = call
	return c.last, call
}

func (c *Client) forget(id int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.calls, id)
}

func (c *Client) send(request any) error {
	text, err := json.Marshal(request)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := c.stdin.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("the KubeVirt helper does not read any more: %w", err)
	}
	return nil
}

// into is what reads the last result.
func into(value any) func(json.RawMessage) error {
	return func(text json.RawMessage) error {
		if len(text) == 0 {
			return nil
		}
		return json.Unmarshal(text, value)
	}
}

// Where is the server and the namespace.
func (c *Client) Where(ctx context.Context) (server, namespace string, err error) {
	var at struct{ Server, Namespace string }
	err = c.ask(ctx, "where", nil, Query{}, into(&at))
	return at.Server, at.Namespace, err
}

// Apply makes the object as it is given. One that is there must have the label own, key=value. With dry nothing is changed.
func (c *Client) Apply(ctx context.Context, o objects.Object, own string, dry bool) (done Applied, err error) {
	err = c.ask(ctx, "apply", o, Query{Own: own, Dry: dry}, into(&done))
	return done, err
}

// List are the kind's objects with the labels.
func (c *Client) List(ctx context.Context, kind, selector string) (all []objects.Object, err error) {
	err = c.ask(ctx, "list", nil, Query{Kind: kind, Selector: selector}, into(&all))
	return all, err
}

// Remove removes the object with the UID. If there is none, that is not an error.
func (c *Client) Remove(ctx context.Context, kind, name, uid string) error {
	return c.ask(ctx, "remove", nil, Query{Kind: kind, Name: name, UID: uid}, into(nil))
}

// Log gives each line of the log of the pod's container to each, those that come, too, with follow.
func (c *Client) Log(ctx context.Context, pod, container string, follow bool, each func(string)) error {
	return c.ask(ctx, "log", nil, Query{Name: pod, Container: container, Follow: follow}, func(text json.RawMessage) error {
		said := ""
		err := into(&said)(text)
		if err == nil && len(text) > 0 {
			each(said)
		}
		return err
	})
}
