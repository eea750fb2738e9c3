package command

import (
	"context"
	"sync"
	"time"

	"coreos-libvirt/internal/cluster/apply"
	"coreos-libvirt/internal/cluster/blueprint"
	"coreos-libvirt/internal/cluster/members"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/config"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/etcd/generation"
	"coreos-libvirt/internal/image/base"
)

// pipeline has the values of one run. Each is made once, by the stage that first asks for it, and the others get the same: no
// stage writes what another one reads.
type pipeline struct {
	domains    listing
	ahead      once[*members.Ahead]
	accel      once[string]
	images     once[heldImages]
	source     once[config.Set]
	generation once[generation.Generation]
	documents  once[[]config.Document]
	defined    once[defined]
}

// once is a value that is made when it is first asked for. If that fails, all get what there is of it, and the error.
type once[T any] struct {
	first sync.Once
	value T
	err   error
}

func (o *once[T]) get(make func() (T, error)) (T, error) {
	o.first.Do(func() { o.value, o.err = make() })
	return o.value, o.err
}

// baseImages are the base images that nodes are made on, by node.
type baseImages map[string]base.Image

// heldImages are base images, and what lets prune at them, as the end of the process does.
type heldImages struct {
	baseImages
	release func()
}

// rendered is the config, the cluster's generation, and the nodes' documents that are made of both.
type rendered struct {
	source     config.Set
	generation generation.Generation
	documents  []config.Document
}

// made is what nodes are made of: what the stages before Define have made, or in a run that looks what they would make.
type made struct {
	images baseImages
	rendered
}

// planned is a plan, and what it was made from.
type planned struct {
	made
	plan    plan.Plan
	etcd    plan.Etcd        // what is known of the cluster's etcd, by which the plan was made
	want    []plan.Blueprint // of the nodes that shall be, in their order
	draft   blueprint.Drafter
	domains map[string]engine.Domain // all of the host's, by name, as they were before this run changed any
	hosts   map[string]string        // where nodes are, or are made, by name; nil if there is one host
}

// defined is a plan whose steps were taken as far as the domains' definitions.
type defined struct {
	planned
	steps  []plan.Step   // those of the plan that could be taken
	failed []error       // of nodes that could not be defined
	apply  apply.Applier // goes on with the nodes, or takes back what it has begun
}

// listCounts is how long the domains are believed to be as they were listed, in a run that keeps others off the cluster: what
// the stages before Define take where they find nothing to do.
const listCounts = time.Second

// listing is the host's domains as they were listed last.
type listing struct {
	mu      sync.Mutex
	domains map[string]engine.Domain
	at      time.Time
}

// get lists the domains, unless that was done a moment ago.
func (l *listing) get(list func() (map[string]engine.Domain, error)) (map[string]engine.Domain, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.domains != nil && time.Since(l.at) < listCounts {
		return l.domains, nil
	}
	domains, err := list()
	l.domains, l.at = domains, time.Now()
	return domains, err
}

// aheadOf is a question to etcd's members that is asked while the stages before Up find nothing to do.
func aheadOf(ctx context.Context, r *Run) *members.Ahead {
	ahead, _ := r.values.ahead.get(func() (*members.Ahead, error) { return r.view().LookAhead(ctx), nil })
	return ahead
}

// imagesOf are the base images that nodes are made on. prune leaves them alone until this process ends.
func imagesOf(ctx context.Context, r *Run) (heldImages, error) {
	return r.values.images.get(func() (heldImages, error) { return fetchImages(ctx, r, false) })
}

// sourceOf is the user's configs.
func sourceOf(r *Run) (config.Set, error) {
	return r.values.source.get(func() (config.Set, error) { return readConfigs(r) })
}

// generationOf is the cluster's generation, with a token for its etcd if the config asks for one.
func generationOf(ctx context.Context, r *Run) (generation.Generation, error) {
	return r.values.generation.get(func() (g generation.Generation, err error) {
		source, err := sourceOf(r)
		if err != nil {
			return g, err
		}
		if err := r.lock(ctx, r.Prefix); err != nil {
			return g, err
		}
		o, err := generation.WithMembers(r.generationOptions(), source)
		if err != nil {
			return g, err
		}
		return generation.Make(ctx, o, source)
	})
}

// documentsOf are the nodes' documents.
func documentsOf(ctx context.Context, r *Run) ([]config.Document, error) {
	return r.values.documents.get(func() ([]config.Document, error) {
		source, err := sourceOf(r)
		if err != nil {
			return nil, err
		}
		current, err := generationOf(ctx, r)
		if err != nil {
			return nil, err
		}
		return renderAll(r, source, current, false)
	})
}

// madeOf is all that nodes are made of.
func madeOf(ctx context.Context, r *Run) (m made, err error) {
	images, err := imagesOf(ctx, r)
	if err != nil {
		return m, err
	}
	m.images = images.baseImages
	if m.documents, err = documentsOf(ctx, r); err != nil {
		return m, err
	}
	if m.source, err = sourceOf(r); err != nil {
		return m, err
	}
	m.generation, err = generationOf(ctx, r)
	return m, err
}

// definedOf is the plan of this run, whose steps were taken as far as the domains' definitions.
func definedOf(ctx context.Context, r *Run) (defined, error) {
	return r.values.defined.get(func() (defined, error) {
		m, err := madeOf(ctx, r)
		if err != nil {
			return defined{}, err
		}
		p, err := makePlan(ctx, r, m, false, askAll(r, r.log))
		if err != nil {
			return defined{}, err
		}
		return definePlanned(ctx, r, p)
	})
}
