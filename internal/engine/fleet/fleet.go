// Package fleet is an engine of several hosts: each domain is on one of them. A host that does not answer makes what it has unknown,
// and nothing else.
package fleet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/terminal/hint"
)

// Patience is how long a host has for a sign of life. One that shows any has longer for its answers: it, or this machine, is only slow.
const Patience = 10 * time.Second

const (
	opensIn     = 3 // times Patience: for a connection to a host that is on
	answersIn   = 6 // times Patience: for an answer of one that goes on to answer other questions
	pingsWithin = 4 // pings in Patience
)

// On is an engine of one host, over a connection that can end.
type On interface {
	engine.Engine
	Until(ctx context.Context)
	Close()
	Calls() int64
}

// Spec is a host, and how it is reached. Open may take as long as it wants.
type Spec struct {
	Name string
	URI  string
	Open func() (On, error)
	IsOn func() bool // whether the host shows that it is on, libvirt or not; nil: that is not known
}

// host is one of the fleet.
type host struct {
	Spec
	opened   chan struct{} // closed when on and err are there
	isOn     chan struct{} // closed when the host has shown that it is on
	on       On
	err      error
	mu       sync.Mutex
	silent   error         // why it counts as one that does not answer
	tried    time.Time     // when that was found out; zero while it is tried again
	patience time.Duration // for an answer
	held     holding
}

// Fleet is the engine.
type Fleet struct {
	*index
	inventory
	definer
	power
	events
	ports
	changer
	kept
	knowledge
	disks disks
}

// index is which domain is on which host.
type index struct {
	hosts       []*host
	definitions engine.Definitions

	mu     sync.Mutex
	at     map[string]*host // of domains that are there, by name
	uuids  map[string]place // the same, by UUID
	placed map[string]*host // where nodes are made that are not there, by name
	moving map[string]*host // where nodes are made anew, by name
	left   map[string]*host // where nodes were that are made anew elsewhere, by name
	begun  map[string]bool  // of which this run has begun to make disks, by name
}

// place is where a domain is, and what it is called.
type place struct {
	*host
	name string
}

// Open connects to all hosts at once, and waits for none: who first asks one waits, at most Patience. definitions are those that all
// of them take.
func Open(specs []Spec, definitions engine.Definitions) *Fleet {
	return open(specs, definitions, Patience)
}

func open(specs []Spec, definitions engine.Definitions, patience time.Duration) *Fleet {
	i := &index{definitions: definitions, at: map[string]*host{}, uuids: map[string]place{}, placed: map[string]*host{}, moving: map[string]*host{}, left: map[string]*host{}, begun: map[string]bool{}}
	for _, spec := range specs {
		h := &host{Spec: spec, opened: make(chan struct{}), isOn: make(chan struct{}), patience: patience}
		i.hosts = append(i.hosts, h)
		go h.open()
	}
	return &Fleet{index: i, inventory: inventory{i}, definer: definer{i}, power: power{i}, events: events{i}, ports: ports{i}, changer: changer{i}, kept: kept{i}, knowledge: knowledge{i}, disks: disks{i}}
}

func (h *host) open() {
	go h.looksWhetherOn()
	h.on, h.err = h.Open()
	close(h.opened)
}

// looksWhetherOn asks the host for a sign of life, unless the connection is there soon.
func (h *host) looksWhetherOn() {
	select {
	case <-h.opened:
		return
	case <-time.After(h.patience / pingsWithin):
	}
	if h.IsOn != nil && h.IsOn() {
		close(h.isOn)
	}
}

// engine is the host's, or why it does not answer.
func (h *host) engine() (On, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.silent != nil {
		h.tryAgain()
		return nil, h.silent
	}
	if err := h.awaitOpen(); err != nil {
		return nil, h.falls(err)
	}
	if h.err != nil {
		return nil, h.falls(h.err)
	}
	return h.on, nil
}

// awaitOpen waits for the connection: if the host shows that it is on, for longer.
func (h *host) awaitOpen() error {
	select {
	case <-h.opened:
		return nil
	case <-time.After(h.patience):
	}
	select {
	case <-h.isOn:
	default:
		return fmt.Errorf("no answer within %s", h.patience)
	}
	select {
	case <-h.opened:
		return nil
	case <-time.After((opensIn - 1) * h.patience):
		return fmt.Errorf("its ssh answers, and its libvirt does not within %s", opensIn*h.patience)
	}
}

// falls notes that the host does not answer. h.mu is held.
func (h *host) falls(cause error) error {
	if h.tried = time.Now(); h.silent == nil {
		h.silent = &SilentError{Host: h.Name, URI: h.URI, Cause: cause}
	}
	return h.silent
}

// tryAgain finds out whether the host answers by now, and waits for nobody: a run that goes on for long sees it come back. h.mu is held.
func (h *host) tryAgain() {
	select {
	case <-h.opened:
	default:
		return // the first try goes on
	}
	if h.tried.IsZero() || time.Since(h.tried) < h.patience {
		return
	}
	h.tried = time.Time{}
	on, broken := h.on, h.err != nil
	go func() {
		var err error
		if broken {
			on, err = h.Open()
		} else {
			_, err = on.Running()
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.tried = time.Now(); err == nil {
			h.on, h.err, h.silent = on, nil, nil
		}
	}()
}

// SilentError is a host that does not answer.
type SilentError struct {
	Host, URI string
	Cause     error
}

func (e *SilentError) Error() string {
	return fmt.Sprintf("the host %s (%s) does not answer: %s", e.Host, e.URI, hint.FirstLine(e.Cause))
}

func (e *SilentError) Unwrap() error { return e.Cause }

// each does something with all hosts that answer, at once, and waits for none longer than Patience. A host that does not end in time, or
// whose connection fails, counts as silent from then on; what it refuses is an error.
func each[T any](i *index, do func(On) (T, error)) (results map[*host]T, err error) {
	type result struct {
		value  T
		err    error
		answer bool
	}
	all := make([]result, len(i.hosts))
	var asking sync.WaitGroup
	for n, h := range i.hosts {
		asking.Go(func() {
			all[n].value, all[n].answer, all[n].err = ask(h, do)
		})
	}
	asking.Wait()
	results, silent := map[*host]T{}, []error{}
	for n, h := range i.hosts {
		if all[n].answer {
			results[h] = all[n].value
		} else {
			silent = append(silent, all[n].err)
		}
	}
	if len(results) == 0 {
		return nil, errors.Join(silent...)
	}
	return results, nil
}

// ask does something with the host, and waits no longer than its patience for a sign of life. What fails makes the host one that does not answer: a list of
// domains is refused by nobody who is well.
func ask[T any](h *host, do func(On) (T, error)) (value T, answers bool, err error) {
	on, err := h.engine()
	if err != nil {
		return value, false, err
	}
	type result struct {
		value T
		err   error
	}
	answered := make(chan result, 1)
	go func() {
		value, err := do(on)
		answered <- result{value, err}
	}()
	got, signs, most := result{}, signsOf(on, h.patience), time.After(answersIn*h.patience)
	defer signs.end()
	for waits := true; waits; {
		select {
		case got = <-answered:
			waits = false
		case <-signs.of:
		case <-time.After(h.patience):
			got.err, waits = fmt.Errorf("no answer within %s", h.patience), false
		case <-most:
			got.err, waits = fmt.Errorf("no answer within %s", answersIn*h.patience), false
		}
	}
	if got.err != nil {
		h.mu.Lock()
		defer h.mu.Unlock()
		return value, false, h.falls(got.err)
	}
	return got.value, true, nil
}

// errUnplaced is a mistake of whoever makes a node.
var errUnplaced = errors.New("it is on no host that answers, and nobody has chosen one for it: this is a mistake in this program")

// of is the host that the domain is on, or else will be.
func (i *index) of(domain string) *host {
	i.mu.Lock()
	defer i.mu.Unlock()
	return cmp.Or(i.at[domain], i.moving[domain], i.placed[domain])
}

// to is the host that has the node's files: the one that it is made on, or else is on.
func (i *index) to(node string) *host {
	i.mu.Lock()
	defer i.mu.Unlock()
	return cmp.Or(i.moving[node], i.at[node], i.placed[node])
}

// engineOf is the engine that has the domain. If nobody has asked for domains yet, all are asked.
func (i *index) engineOf(domain string) (engine.Engine, error) {
	h := i.of(domain)
	if h == nil {
		if _, err := (inventory{i}).Defined(); err != nil {
			return nil, err
		}
		h = i.of(domain)
	}
	if h == nil {
		return nil, i.nowhere(domain)
	}
	return h.engine()
}

// nowhere is why a domain is on none of the hosts.
func (i *index) nowhere(domain string) error {
	if silent := i.silent(); len(silent) > 0 {
		return fmt.Errorf("it is not known where %s is: %w", domain, errors.Join(silent...))
	}
	return fmt.Errorf("no host has a domain %s: hosts are %s", domain, strings.Join(i.HostNames(), ", "))
}

// silent are the hosts that do not answer, as errors.
func (i *index) silent() (errs []error) {
	for _, h := range i.hosts {
		h.mu.Lock()
		if h.silent != nil {
			errs = append(errs, h.silent)
		}
		h.mu.Unlock()
	}
	return errs
}

// named is the host of that name, or nil.
func (i *index) named(name string) *host {
	n := slices.IndexFunc(i.hosts, func(h *host) bool { return h.Name == name })
	if n < 0 {
		return nil
	}
	return i.hosts[n]
}

// notes writes down where a domain is.
func (i *index) notes(h *host, d engine.Domain) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.at[d.Name], i.uuids[d.UUID] = h, place{h, d.Name}
}

// forgets that a domain of that UUID is anywhere.
func (i *index) forgets(uuid string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	was := i.uuids[uuid]
	if to := i.moving[was.name]; to != nil && to != was.host {
		i.left[was.name] = was.host
	}
	delete(i.at, was.name)
	if was.host != nil {
		i.placed[was.name] = was.host
	}
	delete(i.uuids, uuid)
}

// Disks are those of all hosts.
func (f *Fleet) Disks() engine.Disks { return f.disks }
