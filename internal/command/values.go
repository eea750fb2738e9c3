package command

import (
	"time"

	"coreos-libvirt/internal/cluster/apply"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/cluster/timeline"
	"coreos-libvirt/internal/config"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/etcd/generation"
	"coreos-libvirt/internal/image/base"
)

// listing is all domains as Claim, or else Define, has seen them before anything was made.
type listing struct {
	seen   map[string]engine.Domain
	seenAt time.Time
}

// heldImage is what Fetch makes: the base image, and what lets prune at it, as the end of the process does.
type heldImage struct {
	base    base.Image
	release func()
}

// rendered is what Transpile, Discovery and Render make: the config, the cluster's generation and the nodes' documents.
type rendered struct {
	source     config.Source
	generation generation.Generation
	documents  []config.Document
}

// defining is what Define makes: the plan, and what became of it.
type defining struct {
	plan   plan.Plan
	steps  []plan.Step // those of the plan that it could take
	failed []error     // of nodes that it could not define
	begun  apply.Begun // what can be taken back
}

// seeing is what is seen while nodes boot.
type seeing struct {
	times timeline.Record // what nodes reached when, for `mage timeline`
}
