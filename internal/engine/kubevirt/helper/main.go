// The KubeVirt helper talks to Kubernetes: a program of its own, so that no other target of coreos-libvirt carries a Kubernetes client.
// It reads requests, a JSON object a line, from its standard input, answers each on its standard output, and ends with its input. The
// credentials are those that kubectl would use.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"sync"
)

// mostRequest is more bytes than any request has: a Secret has a document of 1 MiB, in base64.
const mostRequest = 8 << 20

// request is one line of the input.
type request struct {
	ID     int64           `json:"id"`     // above 0, and of no other request that runs
	Op     string          `json:"op"`     // of ops; cancel: the request of that ID ends; or input: what the console of that ID gets
	Object json.RawMessage `json:"object"` // of apply
	Data   []byte          `json:"data"`   // of input
	Query                  // of the others
}

// Query says which objects an operation is about.
type Query struct {
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	UID       string `json:"uid"`       // of remove: only the object with it
	Selector  string `json:"selector"`  // of list: labels
	Dry       bool   `json:"dry"`       // of apply: nothing is changed
	Verb      string `json:"verb"`      // of power: start, stop
	Grace     *int64 `json:"grace"`     // of stop: seconds; without it what KubeVirt gives each machine
	Container string `json:"container"` // of log
	Follow    bool   `json:"follow"`    // of log
	Own       string `json:"own"`       // of apply: the label and value, key=value, that an object that is there must have
}

// answer is one line of the output, as internal/program/line has it. A request has several, of which only the last has Last.
type answer struct {
	ID     int64    `json:"id"`
	Last   bool     `json:"last,omitempty"`
	Result any      `json:"result,omitempty"`
	Error  *failure `json:"error,omitempty"`
}

func main() {
	kubeContext := flag.String("context", "", "of the kubeconfig; empty is the current one")
	namespace := flag.String("namespace", "", "empty is that of the context")
	flag.Parse()
	a, err := connect(*kubeContext, *namespace)
	c := conversation{api: a, broken: err, out: json.NewEncoder(os.Stdout), running: map[int64]context.CancelFunc{}, typed: map[int64]chan []byte{}}
	if err := c.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// conversation is all requests of the input.
type conversation struct {
	api    *api
	broken error // why there is no api
	mu     sync.Mutex
	out    *json.Encoder

	running map[int64]context.CancelFunc
	typed   map[int64]chan []byte // what consoles get
}

func (c *conversation) read(in io.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, mostRequest)
	var all sync.WaitGroup
	for lines.Scan() {
		var r request
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return fmt.Errorf("a line is not a request: %w", err)
		}
		switch r.Op {
		case "cancel":
			c.end(r.ID)
		case "input":
			c.input(r)
		default:
			ctx := c.begin(r)
			all.Go(func() { c.serve(ctx, r) })
		}
	}
	c.mu.Lock()
	for _, cancel := range c.running {
		cancel()
	}
	c.mu.Unlock()
	all.Wait()
	return lines.Err()
}

// begin notes a request that runs from now on.
func (c *conversation) begin(r request) context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running[r.ID] = cancel
	if r.Op == "console" {
		c.typed[r.ID] = make(chan []byte, mostTyped)
	}
	return ctx
}

// mostTyped is how many pieces of input a console may be behind: what is typed after that is lost.
const mostTyped = 1024

// input hands on what is typed.
func (c *conversation) input(r request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case c.typed[r.ID] <- r.Data:
	default:
	}
}

func (c *conversation) end(id int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cancel := c.running[id]; cancel != nil {
		cancel()
		delete(c.running, id)
		delete(c.typed, id)
	}
}

// serve answers one request.
func (c *conversation) serve(ctx context.Context, r request) {
	defer c.end(r.ID)
	result, err := c.do(ctx, r)
	last := answer{ID: r.ID, Last: true, Result: result}
	if err != nil {
		last.Error = failureOf(err)
	}
	c.send(last)
}

func (c *conversation) send(a answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.out.Encode(a) // nobody reads it any more: the input ends, too
}

func (c *conversation) do(ctx context.Context, r request) (any, error) {
	if c.broken != nil {
		return nil, c.broken
	}
	switch r.Op {
	case "apply":
		return c.api.apply(ctx, r.Object, r.Query)
	case "list":
		return c.api.list(ctx, r.Query)
	case "remove":
		return nil, c.api.remove(ctx, r.Query)
	case "power":
		return nil, c.api.power(ctx, r.Query)
	case "log":
		return nil, c.api.log(ctx, r.Query, func(line string) { c.send(answer{ID: r.ID, Result: line}) })
	case "console":
		c.mu.Lock()
		typed := c.typed[r.ID]
		c.mu.Unlock()
		return nil, c.api.console(ctx, r.Name, typed, func(text []byte) { c.send(answer{ID: r.ID, Result: text}) })
	case "where":
		return c.api.where(), nil
	}
	return nil, fmt.Errorf("there is no operation %q", r.Op)
}
