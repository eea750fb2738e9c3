package command

import (
	"context"
	"time"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/members"
	"coreos-libvirt/internal/cluster/symptoms"
)

// How long the nodes of members that are not healthy have to show how those are: that takes two logins, of which an emulated node needs
// several seconds for each.
const (
	symptomsWithin = 30 * time.Second
	// symptomsSoon is for who looks at all clusters, and does not want to wait for one.
	symptomsSoon = 5 * time.Second
)

// commandOf gives lines that call targets as this run was called.
func commandOf(r *Run) symptoms.Command {
	return func(target string, words ...string) string { return asCalled(r.Settings, target, words...) }
}

// explained is the error with what was found, or what was found if there is no error.
func explained(err error, found []symptoms.Symptom) error {
	if err == nil {
		return symptoms.Error(found)
	}
	return symptoms.Explain(err, found)
}

// explainedOutcome is the error of a cluster whose etcd has not become healthy, with what is wrong with its members.
func explainedOutcome(ctx context.Context, r *Run, cluster members.Cluster, done members.Outcome, err error) error {
	reachable := boot.Reachable(done.Nodes)
	if err == nil || ctx.Err() != nil || len(done.Status.Members) == 0 || done.Status.Check(len(done.Status.Members)) == nil {
		return err
	}
	return symptoms.Explain(err, symptoms.Find(ctx, cluster.View, reachable, done.Status, symptomsWithin, commandOf(r)))
}
