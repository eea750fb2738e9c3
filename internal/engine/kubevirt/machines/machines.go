// Package machines is a Kubernetes cluster with KubeVirt as the engine of nodes that are there: they are listed, started, shut down and reached
// through it. It makes and changes none: package kubevirt does that, by whole objects.
package machines

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/kubevirt"
	"coreos-libvirt/internal/engine/kubevirt/objects"
	"coreos-libvirt/internal/terminal/hint"
)

// Engine are the nodes of a workspace.
type Engine struct {
	cluster kubevirt.Cluster
	ready   string                                   // name of the channel on which nodes report; here they do so on the console
	reports func(line string) (text string, is bool) // which lines of a console are reports, and what would be on the channel
	until   context.Context
	calls   atomic.Int64
}

// New is the engine of the workspace with the ID. ready is the name of the channel on which nodes report elsewhere; reports gives what is
// written there of a line of the console. The client is the engine's from now on.
func New(client *kubevirt.Client, id, ready string, reports func(line string) (string, bool)) *Engine {
	return &Engine{cluster: kubevirt.Cluster{Client: client, ID: id}, ready: ready, reports: reports, until: context.Background()}
}

// Until has questions end with the context.
func (e *Engine) Until(ctx context.Context) { e.until = ctx }

// Close ends the connection.
func (e *Engine) Close() { e.cluster.Close() }

// Calls is how many questions Kubernetes was asked.
func (e *Engine) Calls() int64 { return e.calls.Load() }

// Domains are the workspace's nodes, by name.
func (e *Engine) Domains() (map[string]engine.Domain, error) {
	e.calls.Add(2)
	all, err := e.cluster.Machines(e.until)
	domains := map[string]engine.Domain{}
	for name, m := range all {
		domains[name] = domainOf(m)
	}
	return domains, err
}

// Defined is Domains: Kubernetes says both at once.
func (e *Engine) Defined() (map[string]engine.Domain, error) { return e.Domains() }

// Running are the names of the nodes that run.
func (e *Engine) Running() (map[string]bool, error) {
	all, err := e.Domains()
	running := map[string]bool{}
	for name, d := range all {
		if d.State == engine.Running {
			running[name] = true
		}
	}
	return running, err
}

// State is the node's state.
func (e *Engine) State(name string) (engine.State, error) {
	all, err := e.Domains()
	return all[name].State, err
}

// Reason is what KubeVirt says of the node's state.
func (e *Engine) Reason(name string) (string, error) {
	all, err := e.Domains()
	return all[name].Reason, err
}

// domainOf is the machine as other engines have theirs.
func domainOf(m kubevirt.Machine) engine.Domain {
	d := engine.Domain{Name: m.Name, UUID: m.UUID, State: stateOf(m)}
	if d.State == engine.Other {
		d.Reason = m.State
		if m.Why != "" {
			d.Reason += ": " + m.Why
		}
	}
	mark := MarkOf(m)
	d.Metadata = &mark
	return d
}

// MarkOf is what the machine's labels and annotations say of its node.
func MarkOf(m kubevirt.Machine) engine.Metadata {
	number, _ := strconv.Atoi(m.Notes[objects.NoteNumber])
	return engine.Metadata{
		ID: m.Labels[objects.LabelWorkspace], Workspace: m.Notes[objects.NoteWorkspace], Cluster: m.Labels[objects.LabelCluster],
		Number: number, Ignition: m.Notes[objects.NoteIgnition], Base: m.Notes[objects.NoteImage], Definition: m.Notes[objects.NoteDefinition],
		Role: engine.Role{Group: m.Notes[objects.NoteGroup], Etcd: m.Notes[objects.NoteEtcd]},
	}
}

// stateOf is the state by what KubeVirt prints. A machine whose pod runs may have booted before KubeVirt says so.
func stateOf(m kubevirt.Machine) engine.State {
	switch {
	case m.State == "Running", m.State == "Starting" && m.Pod != "", m.State == "Migrating":
		return engine.Running
	case m.State == "Paused":
		return engine.Paused
	case m.State == "Stopped":
		return engine.ShutOff
	}
	return engine.Other
}

// errWhole is the answer to whoever would change a part of a node.
var errWhole = errors.New("on Kubernetes a node is changed by its objects, as a whole: this is a mistake in this program")

// Define is refused.
func (*Engine) Define(string) (string, error) { return "", errWhole }

// Remove is refused.
func (*Engine) Remove(string, ...string) error { return errWhole }

// Start boots the node.
func (e *Engine) Start(name string) error { return e.power(name, "start", -1) }

// Shutdown asks the guest to end; KubeVirt ends it after the time of grace that it gives each.
func (e *Engine) Shutdown(name string) error { return e.power(name, "stop", -1) }

// ShutdownWithin is Shutdown with another time of grace.
func (e *Engine) ShutdownWithin(name string, grace time.Duration) error {
	return e.power(name, "stop", grace)
}

// Destroy ends the node as if its power were cut.
func (e *Engine) Destroy(name string) error { return e.power(name, "stop", 0) }

func (e *Engine) power(name, verb string, grace time.Duration) error {
	e.calls.Add(1)
	if err := e.cluster.Power(e.until, name, verb, grace); err != nil {
		return fmt.Errorf("%s of %s: %w", verb, name, err)
	}
	return nil
}

// Watch gives nothing: whoever waits asks again.
func (*Engine) Watch(string) (happened <-chan struct{}, end func()) { return nil, func() {} }

// Started is since: no event says so.
func (*Engine) Started(_ string, since time.Time) time.Time { return since }

// Reboots is 0: no event says so.
func (*Engine) Reboots(string) int { return 0 }

// machine is the node's, which must be there.
func (e *Engine) machine(ctx context.Context, name string) (kubevirt.Machine, error) {
	e.calls.Add(2)
	all, err := e.cluster.Machines(ctx)
	if err != nil {
		return kubevirt.Machine{}, err
	}
	m, there := all[name]
	if !there {
		return m, hint.Errorf("`mage up` makes it", "KubeVirt has no machine %s of this workspace", name)
	}
	return m, nil
}
