package members

import (
	"context"
	"slices"
	"time"

	"coreos-libvirt/internal/etcd"
)

// aheadCounts is how long an answer that was asked for ahead counts.
const aheadCounts = time.Second

// Ahead is a question to the members that is asked while other stages still find that there is nothing to do: so a second
// `up` does not wait for the answer.
type Ahead struct {
	endpoints []string
	asked     time.Time
	answered  chan struct{} // closed when status is there
	status    etcd.Status
}

// LookAhead asks the members of a cluster all of whose nodes were ready, where they were then. It gives nil if they are not
// asked.
func (v View) LookAhead(ctx context.Context) *Ahead {
	if v.Generation.Token == nil || !v.Reach.Ready {
		return nil
	}
	ahead := &Ahead{asked: time.Now(), answered: make(chan struct{})}
	for _, node := range v.Options.Nodes {
		report, ok := v.Reach.Kept(node.Name)
		if !ok {
			return nil
		}
		ahead.endpoints = append(ahead.endpoints, v.ClientURL(report.Address(node.MAC)))
	}
	if v.renewOwn() != nil {
		return nil // who asks later says why
	}
	client, ctx := v.Client(), context.WithoutCancel(ctx) // the stage that asks ends before the answer is there
	go func() {
		defer close(ahead.answered)
		ahead.status = glance(ctx, client, ahead.endpoints)
	}()
	return ahead
}

// glance asks the members once, without the helper program.
func glance(ctx context.Context, client etcd.Helper, endpoints []string) etcd.Status {
	ctx, cancel := context.WithTimeout(ctx, max(client.Patience, answerWithin))
	defer cancel()
	return client.Glance(ctx, endpoints)
}

// glance is what the members say without the helper program: now, or as they were asked ahead.
func (v View) glance(ctx context.Context, endpoints []string) etcd.Status {
	if a := v.Ahead; a != nil && slices.Equal(a.endpoints, endpoints) && time.Since(a.asked) < aheadCounts {
		<-a.answered
		return a.status
	}
	return glance(ctx, v.Client(), endpoints)
}
