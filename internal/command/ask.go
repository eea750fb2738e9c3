package command

import (
	"context"

	"coreos-libvirt/internal/cluster/blueprint"
	"coreos-libvirt/internal/cluster/facts"
	"coreos-libvirt/internal/cluster/members"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/terminal/progress"
)

// asking is whom a plan asks.
type asking struct {
	nodes facts.Ask // whether they are ready; nil: nobody knows whether they were
	// members are etcd's: how they are. neverFormed says that there is nobody who could answer but those that run. asked tells
	// whether they were asked: if not, they decide nothing.
	members func(ctx context.Context, view members.View, neverFormed bool) (status etcd.Status, asked bool, err error)
}

// askAll asks all who know something, and waits for the answers. What takes time is said in the log.
func askAll(r *Run, log *progress.Log) asking {
	return asking{nodes: askNodes(r, r.reach().Report), members: func(ctx context.Context, view members.View, neverFormed bool) (etcd.Status, bool, error) {
		view.Log = log
		status, err := view.Survey(ctx, neverFormed)
		return status, true, err
	}}
}

// askQuick asks etcd's members where nodes were last, and waits for nobody else. If none answers, or the helper is still to be
// built, they decide nothing.
func askQuick(r *Run) asking {
	return asking{nodes: askNodes(r, blueprint.AskNobody), members: func(ctx context.Context, view members.View, neverFormed bool) (etcd.Status, bool, error) {
		if !r.etcd.Built() {
			return etcd.Status{}, false, nil
		}
		status, err := view.Survey(ctx, true)
		return status, status.Answers() || neverFormed, err
	}}
}

// askNobody asks nobody.
func askNobody(r *Run) asking {
	return asking{nodes: askNodes(r, blueprint.AskNobody), members: func(context.Context, members.View, bool) (etcd.Status, bool, error) {
		return etcd.Status{}, false, nil
	}}
}

// askNodes is how nodes are asked, if they say anything.
func askNodes(r *Run, ask facts.Ask) facts.Ask {
	if !r.Ready {
		return nil
	}
	return ask
}
