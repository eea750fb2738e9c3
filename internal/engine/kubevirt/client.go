// Package kubevirt runs nodes on a Kubernetes cluster with KubeVirt. It talks to Kubernetes by a helper program, whose module is not this
// one's.
package kubevirt

import (
	"context"
	"encoding/json"
	"path/filepath"
	"time"

	"coreos-libvirt/internal/engine/kubevirt/objects"
	"coreos-libvirt/internal/program"
	"coreos-libvirt/internal/program/helper"
)

// Bytes of a line: what the helper takes, and more than any answer has: a list of a thousand nodes' objects.
const (
	maxRequest = 8 << 20
	maxAnswer  = 256 << 20
)

// Query says which objects an operation is about, as the helper reads it.
type Query struct {
	Kind      string `json:"kind,omitempty"`
	Name      string `json:"name,omitempty"`
	UID       string `json:"uid,omitempty"`
	Selector  string `json:"selector,omitempty"`
	Dry       bool   `json:"dry,omitempty"`
	Verb      string `json:"verb,omitempty"`
	Grace     *int64 `json:"grace,omitempty"`
	Container string `json:"container,omitempty"`
	Follow    bool   `json:"follow,omitempty"`
	Own       string `json:"own,omitempty"`
}

// Applied is what came of an object that was applied.
type Applied struct {
	Before objects.Object `json:"before"` // nil if there was none
	After  objects.Object `json:"after"`
}

// request is one line that the helper reads.
type request struct {
	ID     int64          `json:"id"`
	Op     string         `json:"op"`
	Object objects.Object `json:"object,omitempty"`
	Data   []byte         `json:"data,omitempty"`
	Query
}

// Client talks to a Kubernetes cluster, by a helper that ends with it.
type Client struct{ helper *helper.Helper }

// Open builds the helper if it is missing; the first question starts it. say says that it is built. context and namespace are of the kubeconfig
// that kubectl would use; if empty its current ones.
func Open(ctx context.Context, p Program, kubeContext, namespace string) (*Client, error) {
	c := &Client{helper.New(p.kind("-context", kubeContext, "-namespace", namespace))}
	_, err := c.helper.Build(ctx, p.Say)
	return c, err
}

// Program is the helper program: where its source is, and where it is built.
type Program struct {
	Module string // the folder of coreos-libvirt's go.mod
	Bin    string // folder of programs
	Say    func(format string, args ...any)
}

// Build gives the path of the program, and builds it if it is missing.
func (p Program) Build(ctx context.Context) (path string, err error) {
	return p.kind().Program.Build(ctx, p.Say)
}

// helperModule is the helper's folder below the folder of this module.
const helperModule = "internal/engine/kubevirt/helper"

// kind is the helper as it is started with the arguments.
func (p Program) kind(args ...string) helper.Kind {
	return helper.Kind{
		Program: program.Program{
			Name: "KubeVirt helper", Prefix: "kubevirt-helper-", Lock: ".lock-kubevirt", Bin: p.Bin,
			Folder: filepath.Join(p.Module, helperModule), Module: "coreos-libvirt/kubevirt-helper", Package: ".",
		},
		Args: args, MaxRequest: maxRequest, MaxAnswer: maxAnswer, TooLong: "namespace= names another one, with fewer objects",
		Cancel: func(id int64) any { return request{ID: id, Op: "cancel"} },
		Failed: func(said json.RawMessage) error {
			var f Failure
			if err := json.Unmarshal(said, &f); err != nil {
				return err
			}
			return f.explained()
		},
	}
}

// Close ends the helper.
func (c *Client) Close() { c.helper.Close() }

// ask makes a request, and gives the result of each answer to each, until the last.
func (c *Client) ask(ctx context.Context, op string, o objects.Object, q Query, each func(json.RawMessage) error) error {
	return c.helper.Ask(ctx, func(id int64) any { return request{ID: id, Op: op, Object: o, Query: q} }, each)
}

// into is what reads a result.
func into(value any) func(json.RawMessage) error {
	return func(text json.RawMessage) error { return json.Unmarshal(text, value) }
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
		if err == nil {
			each(said)
		}
		return err
	})
}

// Power starts or stops the machine: verb is start or stop, grace what a guest that is stopped has to end; a negative one is KubeVirt's.
func (c *Client) Power(ctx context.Context, machine, verb string, grace time.Duration) error {
	q := Query{Name: machine, Verb: verb}
	if seconds := int64(grace.Seconds()); grace >= 0 {
		q.Grace = &seconds
	}
	return c.ask(ctx, "power", nil, q, into(nil))
}
