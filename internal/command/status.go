package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/cluster/reach"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/etcd/authority"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/terminal/table"
	"coreos-libvirt/internal/workspace"
)

// atAGlance is how long all that a look asks has for its answers: a node that is ready gives one within a second. What
// has none by then is not known.
const atAGlance = time.Second

const notKnown = "not known"

// nodeStatus is a node as `mage status format=json` prints it.
type nodeStatus struct {
	Node    string  `json:"node"`
	Cluster string  `json:"cluster"`
	State   string  `json:"state"`            // libvirt's word
	Reason  string  `json:"reason,omitempty"` // why it is in that state, if nobody asked for it
	Ready   bool    `json:"ready"`
	Waits   string  `json:"waits,omitempty"`  // why it is not ready, as it says
	Failed  string  `json:"failed,omitempty"` // what of its boot failed, as its console says
	Address string  `json:"address,omitempty"`
	Source  string  `json:"address_from,omitempty"` // node, guest agent, login banner, …
	MAC     string  `json:"mac"`
	Uptime  float64 `json:"uptime,omitempty"` // seconds, the guest's own
	Image   string  `json:"image"`
	Drift   string  `json:"drift,omitempty"`

	moreStatus
}

// moreStatus is what not every node has.
type moreStatus struct {
	unitStatus
	certificateStatus
	Host    string `json:"host,omitempty"`    // if there are several
	Unknown string `json:"unknown,omitempty"` // why it is not known how it is
}

// unitStatus is how the units of a node are that is ready.
type unitStatus struct {
	Units       string   `json:"units,omitempty"`        // well, failed: web.service
	FailedUnits []string `json:"failed_units,omitempty"` // of the config
	boot        string   // the boot's id
}

// certificateStatus is how long the certificate of a node's etcd holds, as `mage up` gave it.
type certificateStatus struct {
	Certificate *time.Time `json:"certificate_until,omitempty"`
	life        authority.Life
}

// Status prints how each node of the workspace is, or of the cluster prefix=. It waits for none: what is
// not known is shown so. Members of etcd that are not a node's are an error. With follow=true it goes on with what changes.
func Status(ctx context.Context, r *Run) error {
	r.onlyLook()
	if r.Follow {
		return followStatus(ctx, r)
	}
	seen, err := seeStatus(ctx, r, &unitsLook{})
	if err != nil {
		return err
	}
	for _, warning := range seen.warnings {
		warn("%s", warning)
	}
	if r.Format == "json" {
		for _, line := range seen.whose {
			r.log.Say("%s", line)
		}
		return errors.Join(table.JSON(r.out, seen.nodes), seen.strangers)
	}
	return errors.Join(seen.print(r.log.Writer()), seen.strangers)
}

// seenStatus is what was seen at one moment.
type seenStatus struct {
	nodes    []nodeStatus
	whose    []string // which domains are whose, as far as somebody may take them for other ones
	more     string   // what `mage up` would also make, or empty
	warnings []string
	words    []string // of the run that looked

	strangers error // members of etcd that are not a node's
}

// seeStatus asks all that can be asked, for as long as a glance, and then the nodes that are ready for their units.
func seeStatus(ctx context.Context, r *Run, look *unitsLook) (seen seenStatus, err error) {
	seen.words = r.Words
	domains, err := r.domains()
	if err != nil {
		return seen, err
	}
	members := r.ws().Members(domains, chosen(r).prefix)
	whole := ctx
	ctx, cancel := context.WithTimeout(ctx, r.glance)
	defer cancel()
	var changed map[string]string
	var asking sync.WaitGroup
	var harmless []string
	asking.Go(func() { harmless, seen.strangers = strangersOf(whole, r, domains, members) })
	asking.Go(func() {
		changed = drift(ctx, r.Settings, wouldDo(r, askQuick), func(format string, args ...any) {
			seen.warnings = append(seen.warnings, fmt.Sprintf(format, args...))
		})
	})
	seen.nodes = statusOf(ctx, r.reach(), members)
	for i := range seen.nodes {
		seen.nodes[i].Host = hostOf(r, seen.nodes[i].Node, nil)
	}
	look.into(whole, r, seen.nodes, members)
	asking.Wait()
	seen.warnings = append(seen.warnings, harmless...)
	addUnknown(r, &seen, domains)
	for i, s := range seen.nodes {
		if s.Unknown != "" {
			continue
		}
		if seen.nodes[i].Drift = changed[s.Node]; changed == nil || s.Cluster != r.Prefix {
			seen.nodes[i].Drift = notKnown
		}
	}
	sayWhose(r, domains, func(format string, args ...any) { seen.whose = append(seen.whose, fmt.Sprintf(format, args...)) })
	if missing := missing(r.members(), seen.nodes, changed); len(missing) > 0 {
		seen.more = fmt.Sprintf("`%s` would also make %s", upAsCalled(r.Settings), strings.Join(missing, ", "))
	}
	return seen, nil
}

// print writes a table, and what stands below it.
func (s seenStatus) print(w io.Writer) error {
	out := progress.New(w).Typed(Typed(s.words))
	if len(s.nodes) == 0 {
		out.Say("status: there are no nodes")
	} else if err := statusTable(s.nodes).Print(w); err != nil {
		return err
	}
	for _, line := range s.whose {
		out.Say("%s", line)
	}
	if s.more != "" {
		out.Say("%s", s.more)
	}
	return nil
}

// sayWhose says which domains are not this workspace's though they seem to be, and which nodes' definitions have the paths of where
// the workspace was before.
func sayWhose(r *Run, domains map[string]engine.Domain, say func(string, ...any)) {
	prefix := chosen(r).prefix
	for _, line := range leftAlone(r, prefix, domains) {
		say("%s", line)
	}
	moved := map[string][]string{}
	for _, d := range r.ws().Members(domains, prefix) {
		if workspace.HasMoved(r.ws(), d) {
			moved[d.Metadata.Cluster] = append(moved[d.Metadata.Cluster], d.Name)
		}
	}
	for _, cluster := range slices.Sorted(maps.Keys(moved)) {
		say("%s: the workspace was moved from %s: `%s` writes the new paths, with which they start next",
			strings.Join(moved[cluster], ", "), domains[moved[cluster][0]].Metadata.Workspace, asCalled(r.Settings, "define", "prefix="+cluster))
	}
}

// missing are the nodes of a cluster that there is which are still to be made: changed says so of nodes that have no status.
func missing(nodes []workspace.Node, all []nodeStatus, changed map[string]string) (names []string) {
	for _, node := range nodes {
		has := func(s nodeStatus) bool { return s.Node == node.Name }
		ours := func(s nodeStatus) bool { return s.Cluster == node.Cluster() }
		if changed[node.Name] != "" && slices.ContainsFunc(all, ours) && !slices.ContainsFunc(all, has) {
			names = append(names, node.Name)
		}
	}
	return names
}

// wouldDo gives the steps that `mage up` would take, as far as they are known if only those are asked. They come with an error
// of the plan's own, too.
func wouldDo(r *Run, ask func(*Run) asking) func(context.Context) ([]plan.Step, error) {
	return func(ctx context.Context) ([]plan.Step, error) {
		dry := dry(r)
		m, err := wouldMake(ctx, dry, false)
		if err != nil {
			return nil, err
		}
		p, _, err := decide(ctx, dry, m, true, ask(dry))
		return p.plan.All(), err
	}
}

// drift says of the nodes of the cluster prefix= what `mage up` would find changed; planned are the steps that it would
// take. It is nil if that is not known: the config has an error, or somebody elsewhere has to be asked who does not answer.
func drift(ctx context.Context, s *settings.Settings, planned func(context.Context) ([]plan.Step, error), warn func(string, ...any)) map[string]string {
	type answer struct {
		steps []plan.Step
		err   error
	}
	answered := make(chan answer, 1)
	go func() {
		steps, err := planned(ctx)
		answered <- answer{steps, err}
	}()
	select {
	case a := <-answered:
		switch {
		case a.err != nil && len(a.steps) > 0:
			warn("status: `%s` would fail: %s", upAsCalled(s), hint.FirstLine(a.err))
		case a.err != nil:
			warn("status: drift is not known: %s", hint.FirstLine(a.err))
			return nil
		}
		return driftOf(s, a.steps)
	case <-ctx.Done():
		return nil
	}
}

func driftOf(settings *settings.Settings, steps []plan.Step) map[string]string {
	found := map[string]string{}
	for _, s := range steps {
		switch {
		case !s.Refused.None():
			found[s.Node.Name] = s.Refused.What
		case s.Makes() || s.Action == plan.Remove:
			found[s.Node.Name] = fmt.Sprintf("%s: %s", s.Action, s.Why)
		case s.Drift != "":
			found[s.Node.Name] = s.Drift
		case !s.Snapped.None():
			found[s.Node.Name] = s.Snapped.What
		case s.Edited != "":
			found[s.Node.Name] = "its definition was changed by somebody else"
		case s.Action == plan.Redefine:
			found[s.Node.Name] = s.Why
		case s.Restart:
			found[s.Node.Name] = outdated(restartOf(settings, s.Node.Name))
		}
	}
	return found
}

// statusOf asks all nodes at once.
func statusOf(ctx context.Context, nodes reach.Nodes, members []engine.Domain) []nodeStatus {
	all := make([]nodeStatus, len(members))
	var asking sync.WaitGroup
	for i, d := range members {
		asking.Go(func() { all[i] = statusOfNode(ctx, nodes, d) })
	}
	asking.Wait()
	return all
}

// statusOfNode asks in all ways at once.
func statusOfNode(ctx context.Context, nodes reach.Nodes, d engine.Domain) nodeStatus {
	s := nodeStatus{
		Node: d.Name, Cluster: d.Metadata.Cluster, State: string(d.State), Reason: d.Reason, MAC: workspace.MAC(d.Name),
		Image: strings.TrimSuffix(filepath.Base(d.Metadata.Base), ".qcow2"),
	}
	if life, err := authority.LifeOf(nodes.NodeOf(d.Metadata).Certificate()); err == nil {
		s.Certificate, s.life = &life.Until, life
	}
	if d.State != engine.Running {
		return s
	}
	ctx, enough := context.WithCancel(ctx)
	defer enough()
	var asking sync.WaitGroup
	var report guest.Report
	asking.Go(func() {
		said, err := reportNow(ctx, nodes, d.Name, func(reason string) { s.Waits = reason })
		switch {
		case err == nil:
			report, s.Waits = said, ""
			enough()
		case errors.Is(err, reach.ErrImpossible):
			s.Waits = hint.FirstLine(err)
		}
	})
	address, from := nodes.Find(ctx, nodes.NodeOf(d.Metadata))
	asking.Wait()
	if log, err := nodes.Log(nodes.NodeOf(d.Metadata)); err == nil && report.BootID == "" && s.Waits == "" {
		s.Failed = reach.BootFailure(log)
	}
	switch own := report.Address(s.MAC); {
	case own != "":
		s.Ready, s.Address, s.Uptime, s.Source, s.boot = true, own, report.Uptime, "node", report.BootID
	case address.IsValid():
		s.Address, s.Source = address.String(), from
	}
	return s
}

// reportNow is the report of a node that is ready, if it can make any. Why it is not ready goes to waits.
func reportNow(ctx context.Context, nodes reach.Nodes, node string, waits func(reason string)) (guest.Report, error) {
	if !nodes.Ready {
		return guest.Report{}, errNoUnit
	}
	if report, ok := nodes.Remembered(ctx, node); ok {
		return report, nil
	}
	return nodes.Report(ctx, node, waits)
}

var errNoUnit = errors.New("ready=off: the node has no unit that reports it")

// statusTable has a line a node.
func statusTable(all []nodeStatus) *table.Table {
	several := slices.ContainsFunc(all, func(s nodeStatus) bool { return s.Host != "" })
	columns := []string{"NODE", "STATE", "READY", "ADDRESS", "MAC", "UPTIME", "UNITS", "IMAGE", "DRIFT"}
	secured := slices.ContainsFunc(all, func(s nodeStatus) bool { return s.Certificate != nil })
	if secured {
		columns = append(columns, "CERTIFICATE")
	}
	rows := table.New(withHost(several, "HOST", columns)...)
	for _, s := range all {
		row := s.cells()
		switch {
		case s.Certificate != nil:
			row = append(row, s.life.String())
		case secured:
			row = append(row, "-")
		}
		rows.Row(withHost(several, table.Dash(s.Host), row)...)
	}
	return rows
}

// uptimeCell is the place of the uptime among the cells.
const uptimeCell = 5

// cells are those of the node's line.
func (s nodeStatus) cells() []string {
	ready, uptime := notKnown, "-"
	switch {
	case s.Ready:
		ready, uptime = "yes", (time.Duration(s.Uptime) * time.Second).String()
	case s.Waits != "":
		ready = "no: " + s.Waits
	case s.Failed != "":
		ready = "failed: " + s.Failed
	case s.State != string(engine.Running):
		ready = "no"
	}
	state := engine.Domain{State: engine.State(s.State), Mishap: engine.Mishap{Reason: cmp.Or(s.Reason, s.Unknown)}}.Described()
	return []string{s.Node, state, ready, table.Dash(s.Address), s.MAC, uptime, table.Dash(s.Units), s.Image, table.Dash(s.Drift)}
}
