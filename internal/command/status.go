package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
)

// glance is how long all that is asked has for its answers: a node that is ready gives one within a second. What
// has none by then is not known.
const glance = time.Second

const notKnown = "not known"

// nodeStatus is a node as `mage status format=json` prints it.
type nodeStatus struct {
	Node    string  `json:"node"`
	Cluster string  `json:"cluster"`
	State   string  `json:"state"` // libvirt's word
	Ready   bool    `json:"ready"`
	Waits   string  `json:"waits,omitempty"` // why it is not ready, as it says
	Address string  `json:"address,omitempty"`
	Source  string  `json:"address_from,omitempty"` // node, guest agent, login banner, …
	MAC     string  `json:"mac"`
	Uptime  float64 `json:"uptime,omitempty"` // seconds, the guest's own
	Image   string  `json:"image"`
	Drift   string  `json:"drift,omitempty"`
}

// Status prints how each node of the workspace is, or of the cluster prefix=. It waits for none: what is
// not known is shown so.
func (r *Run) Status(ctx context.Context) error {
	domains, err := r.domains()
	if err != nil {
		return err
	}
	members := engine.Members(domains, r.Workspace, r.givenPrefix())
	ctx, cancel := context.WithTimeout(ctx, glance)
	defer cancel()
	all := make([]nodeStatus, len(members))
	asking := sync.WaitGroup{}
	var drift map[string]string
	asking.Go(func() { drift = r.drift(ctx) })
	for i, d := range members {
		asking.Go(func() { all[i] = r.nodeStatus(ctx, d) })
	}
	asking.Wait()
	for i, d := range members {
		if all[i].Drift = drift[d.Name]; drift == nil || d.Metadata.Cluster != r.Prefix {
			all[i].Drift = notKnown
		}
	}
	if r.Format == "json" {
		return r.printJSON(all)
	}
	if len(all) == 0 {
		r.log.Say("status: there are no nodes")
		return nil
	}
	return r.printStatus(all)
}

// givenPrefix is prefix= where the user gave it, else empty: all clusters.
func (r *Run) givenPrefix() string {
	if r.Given("prefix") {
		return r.Prefix
	}
	return ""
}

// drift tells of the nodes of the cluster prefix= what `mage up` would find changed; nil where that cannot be told,
// as the config has an error, or somebody elsewhere has to be asked who does not answer.
func (r *Run) drift(ctx context.Context) map[string]string {
	type answer struct {
		steps []plan.Step
		err   error
	}
	planned := make(chan answer, 1)
	go func() {
		steps, err := r.planned(ctx)
		planned <- answer{steps, err}
	}()
	select {
	case p := <-planned:
		if p.err != nil {
			fmt.Fprintln(os.Stderr, "status: drift is not known:", hint.FirstLine(p.err))
			return nil
		}
		return driftOf(p.steps)
	case <-ctx.Done():
		return nil
	}
}

func driftOf(steps []plan.Step) map[string]string {
	found := map[string]string{}
	for _, s := range steps {
		switch {
		case s.Drift != "":
			found[s.Node.Name] = s.Drift
		case s.Edited != "":
			found[s.Node.Name] = "its definition was changed by somebody else"
		case s.Action == plan.Redefine:
			found[s.Node.Name] = s.Why
		case s.Restart:
			found[s.Node.Name] = outdated
		}
	}
	return found
}

// nodeStatus asks in all ways at once.
func (r *Run) nodeStatus(ctx context.Context, d engine.Domain) nodeStatus {
	s := nodeStatus{
		Node: d.Name, Cluster: d.Metadata.Cluster, State: string(d.State), MAC: workspace.MAC(d.Name),
		Image: strings.TrimSuffix(filepath.Base(d.Metadata.Base), ".qcow2"),
	}
	if d.State != engine.Running {
		return s
	}
	ctx, enough := context.WithCancel(ctx)
	defer enough()
	var looking sync.WaitGroup
	var report guest.Report
	looking.Go(func() {
		if found, err := r.look(ctx, d, func(reason string) { s.Waits = reason }); err == nil {
			report, s.Waits = found, ""
			enough()
		}
	})
	address, from := r.reach().Find(ctx, r.ws().NodeOf(d.Metadata))
	looking.Wait()
	switch own := report.Address(s.MAC); {
	case own != "":
		s.Ready, s.Address, s.Uptime, s.Source = true, own, report.Uptime, "node"
	case address.IsValid():
		s.Address, s.Source = address.String(), from
	}
	return s
}

// look is the report of a node that is ready, if it can make any. Why it is not ready goes to waits.
func (r *Run) look(ctx context.Context, d engine.Domain, waits func(reason string)) (guest.Report, error) {
	if !r.Ready {
		return guest.Report{}, errNoUnit
	}
	if report, ok := r.reach().Remembered(ctx, d.Name); ok {
		return report, nil
	}
	return r.reach().Report(ctx, d.Name, waits)
}

var errNoUnit = errors.New("ready=off: the node has no unit that reports it")

func (r *Run) printStatus(all []nodeStatus) error {
	table := tabwriter.NewWriter(r.log.Writer(), 0, 8, 3, ' ', 0)
	fmt.Fprintln(table, "NODE\tSTATE\tREADY\tADDRESS\tMAC\tUPTIME\tIMAGE\tDRIFT")
	for _, s := range all {
		ready, uptime := notKnown, "-"
		switch {
		case s.Ready:
			ready, uptime = "yes", (time.Duration(s.Uptime) * time.Second).String()
		case s.Waits != "":
			ready = "no: " + s.Waits
		case s.State != string(engine.Running):
			ready = "no"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.Node, s.State, ready, dash(s.Address), s.MAC, uptime, s.Image, dash(s.Drift))
	}
	return table.Flush()
}
