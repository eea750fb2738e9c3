package command

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/members"
	"coreos-libvirt/internal/cluster/symptoms"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/authority"
	"coreos-libvirt/internal/etcd/generation"
	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/terminal/question"
	"coreos-libvirt/internal/terminal/table"
	"coreos-libvirt/internal/workspace/wait"
)

// Etcd prints the members of the cluster's etcd, takes the one out that remove= names, with defrag=true defragments them, or with
// recover=true makes a cluster of one that is left.
func Etcd(ctx context.Context, r *Run) error { return etcdAsking(ctx, r, question.OnTerminal()) }

// etcdAsking is Etcd. ask is nil if there is nobody who could answer.
func etcdAsking(ctx context.Context, r *Run, ask question.Asker) (err error) {
	if r.Remove == settings.RemoveSnapshot {
		return hint.Errorf("`"+asCalled(r.Settings, "etcd")+"` shows the ids", "remove=true: etcd takes a member's id there")
	}
	if wished := wishedOfEtcd(r); len(wished) > 1 {
		return hint.Errorf("one after the other", "%s: these are %d things", strings.Join(wished, " and "), len(wished))
	} else if len(wished) == 1 {
		if err := r.lock(ctx, r.Prefix); err != nil {
			return err
		}
	}
	if r.Recover && OnKubernetes(r) {
		return hint.Errorf("`"+asCalled(r.Settings, "backup", "file=core.db")+"` of a member that answers", "recover=true: with engine=kubevirt it is not known which disks there are: this is done on libvirt only")
	}
	view := r.view()
	if view.Domains, err = r.domains(); err != nil {
		return err
	}
	nodes, err := view.Reached(ctx)
	if err != nil {
		return errors.Join(printNoMembers(r), err)
	}
	switch {
	case r.Remove != "":
		return view.RemoveStranger(ctx, nodes, r.Remove)
	case r.Defrag:
		return members.Defragment(ctx, view, nodes)
	case r.Recover:
		return recoverEtcd(ctx, r, view, nodes, ask)
	}
	return printMembers(ctx, r, view, nodes)
}

// wishedOfEtcd are the words that change something.
func wishedOfEtcd(r *Run) (words []string) {
	if r.Remove != "" {
		words = append(words, "remove="+r.Remove)
	}
	if r.Defrag {
		words = append(words, "defrag=true")
	}
	if r.Recover {
		words = append(words, "recover=true")
	}
	return words
}

// printMembers asks the members of the nodes, and prints what they say and show.
func printMembers(ctx context.Context, r *Run, view members.View, nodes []boot.Node) error {
	status, err := view.StatusOf(ctx, nodes)
	if err != nil {
		return errors.Join(printNoMembers(r), err)
	}
	lives := view.Certificates(ctx, nodes)
	if r.Format == "json" {
		err = table.JSON(r.out, withLives(status.Members, lives))
	} else {
		err = membersTable(status, view.Names(nodes), lives).Print(r.log.Writer())
	}
	found, warnings := symptoms.Split(symptoms.Find(ctx, view, nodes, status, symptomsWithin, commandOf(r)))
	for _, warning := range warnings {
		warn("warning: %s", warning)
	}
	return errors.Join(err, explained(leaderless(r, status, status.Whole(len(nodes))), found), view.CheckStrangers(nodes, status))
}

// leaderless is the error, with what helps if most of the members are lost for good.
func leaderless(r *Run, status etcd.Status, err error) error {
	if err == nil || !status.Answers() || len(status.Healthy()) > 0 {
		return err
	}
	return fmt.Errorf("etcd has no majority of its members; if those are lost for good, `%s` makes a cluster of one that is left: %w", asCalled(r.Settings, "etcd", "recover=true"), err)
}

// printNoMembers prints for a program that there are none to tell of.
func printNoMembers(r *Run) error {
	if r.Format != "json" || r.Remove != "" {
		return nil
	}
	return table.JSON(r.out, []memberStatus{})
}

// strangersOf is an error if a cluster of these nodes has members of etcd that are not a node's, alarms, or members with something wrong. Only the nodes of members
// that are not healthy are asked longer than at once. The warnings are of healthy members.
func strangersOf(ctx context.Context, r *Run, domains map[string]engine.Domain, nodes []engine.Domain) (warnings []string, err error) {
	clusters := map[string]bool{}
	for _, d := range nodes {
		clusters[d.Metadata.Cluster] = true
	}
	prefixes := slices.Sorted(maps.Keys(clusters))
	said := make([][]string, len(prefixes))
	errs := wait.AtOnce(len(prefixes), func(i int) error {
		view := viewWith(r, r.generationOptions(), generation.Read(r.ws().VM(), prefixes[i]), domains)
		if prefixes[i] != r.Prefix {
			view.Options.Prefix, view.Options.Nodes = prefixes[i], nil
		}
		looking, enough := context.WithTimeout(ctx, r.glance)
		defer enough()
		asked, status, err := members.Look(looking, view)
		if token := view.Generation.Token; token == nil || !token.Formed { // it waits for the others, which is no fault
			return err
		}
		found := symptoms.Find(ctx, view, asked, status, symptomsSoon, commandOf(r))
		wrong, harmless := symptoms.Split(symptoms.Sure(found))
		said[i] = harmless
		return errors.Join(err, symptoms.Error(wrong))
	})
	for _, warning := range slices.Concat(said...) {
		warnings = append(warnings, "warning: "+warning)
	}
	return warnings, errors.Join(errs...)
}

// memberStatus is a member as `mage etcd format=json` prints it.
type memberStatus struct {
	etcd.Member
	Certificate *time.Time `json:"certificate_until,omitempty"` // until when what it shows holds
}

func withLives(members []etcd.Member, lives map[string]authority.Life) []memberStatus {
	all := []memberStatus{}
	for _, m := range members {
		s := memberStatus{Member: m}
		if life, is := lives[m.Endpoint]; is {
			s.Certificate = &life.Until
		}
		all = append(all, s)
	}
	return all
}

// membersTable has a line a member. names are the nodes' names, by their members' endpoints, and lives those of the certificates
// that these show; nil if there are none.
func membersTable(status etcd.Status, names map[string]string, lives map[string]authority.Life) *table.Table {
	columns := []string{"NODE", "MEMBER", "ID", "ENDPOINT", "ROLE", "HEALTHY", "VERSION", "DATABASE"}
	if lives != nil {
		columns = append(columns, "CERTIFICATE")
	}
	rows := table.New(columns...)
	for _, m := range status.Members {
		role, healthy := "voter", "yes"
		switch {
		case m.IsLeader():
			role = "leader"
		case m.Learner:
			role = "learner"
		case m.ID == "":
			role = ""
		}
		if !m.Healthy {
			healthy = "no: " + m.Error
		}
		row := []string{table.Dash(names[m.Endpoint]), table.Dash(m.Name), table.Dash(m.ID), table.Dash(m.Endpoint), table.Dash(role), healthy, table.Dash(m.Version), progress.Bytes(m.DBSize)}
		if lives != nil {
			row = append(row, lives[m.Endpoint].String())
		}
		rows.Row(row...)
	}
	return rows
}
