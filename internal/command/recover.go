package command

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/facts"
	"coreos-libvirt/internal/cluster/members"
	"coreos-libvirt/internal/cluster/recovery"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/question"
)

// recoverEtcd makes a cluster of one member of an etcd that has lost most of them, after it has said what that loses and asked. ask is
// nil if there is nobody who could answer.
func recoverEtcd(ctx context.Context, r *Run, view members.View, nodes []boot.Node, ask question.Asker) error {
	loss, err := recovery.Find(ctx, view, nodes, r.Node)
	if err == nil {
		err = noneSleeps(ctx, r, loss)
	}
	if err == nil {
		err = agreedToLose(r, loss, ask)
	}
	if err == nil {
		err = recovery.Recover(ctx, view, loss)
	}
	if err == nil {
		r.log.Say("etcd: `%s` makes the other nodes members again", asCalled(r.Settings, "up"))
	}
	return err
}

// noneSleeps is an error if nodes that do not run have disks with which etcd may have its majority back.
func noneSleeps(ctx context.Context, r *Run, loss recovery.Loss) error {
	domains, err := r.domains()
	if err != nil || r.Force {
		return err
	}
	going, _ := r.at().Leaving(ctx, r.conn.Disks(), domains, r.Prefix, r.ws().Prefixes(r.Prefix, domains))
	asleep := []string{}
	for _, node := range facts.Lost(ctx, r.conn.Disks(), going) {
		isSilent := func(s recovery.Silent) bool { return s.Node.Name == node.Node.Name }
		if node.Data && node.Domain.Name != "" && !node.Domain.InUse() && slices.ContainsFunc(loss.Silent, isSilent) {
			asleep = append(asleep, node.Node.Name)
		}
	}
	if 2*(1+len(loss.Others)+len(asleep)) <= loss.Size {
		return nil
	}
	return hint.Errorf(fmt.Sprintf("`%s` boots them; if their disks are lost, though there are files: `%s`", asCalled(r.Settings, "start"), asCalled(r.Settings, "etcd", "recover=true", "force=true")),
		"recover=true: nodes that do not run have disks with which etcd may have its majority again: %s; nothing was changed", strings.Join(asleep, ", "))
}

// agreedToLose is an error if the user does not want that, or cannot be asked and has not said so.
func agreedToLose(r *Run, loss recovery.Loss, ask question.Asker) error {
	if r.Yes {
		r.log.Say("%s", loss)
		return nil
	}
	sure := hint.Errorf("`"+asCalled(r.Settings, "etcd", "recover=true", "yes=true")+"` does not ask", "%s\nnothing was changed: there is no terminal to ask on", loss)
	if ask == nil {
		return sure
	}
	yes, err := ask(loss.String() + "\nGo on?")
	if err == nil && !yes {
		err = hint.Errorf("yes=true does not ask", "nothing was changed")
	}
	return err
}
