package command

import (
	"context"
	"errors"
	"os"
	"slices"
	"time"

	"coreos-libvirt/internal/cluster/reach"
	"coreos-libvirt/internal/engine/kubevirt"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/wait"
)

// between is how long is waited until what may have changed is asked again.
const between = time.Second

// kubernetesReports are what nodes have said of themselves, by name.
type kubernetesReports map[string]guest.Report

// macOf is the hardware address of the run's node of that name.
func macOf(r *Run, name string) string {
	nodes := r.members()
	if i := slices.IndexFunc(nodes, func(n workspace.Node) bool { return n.Name == name }); i >= 0 {
		return nodes[i].MAC
	}
	return workspace.MAC(name)
}

// lastReport is the last one on the machine's console.
func lastReport(ctx context.Context, c kubevirt.Cluster, m kubevirt.Machine) (last guest.Report, known bool) {
	_ = c.Console(ctx, m, false, func(line string) { // without a log nothing is known
		if report, is := guest.SerialReport(line); is {
			last, known = report, true
		}
	})
	return last, known
}

// awaitOne waits until one node can be reached, for timeout= at most. What it reports is kept.
func awaitOne(ctx context.Context, r *Run, c kubevirt.Cluster, node workspace.Node) (guest.Report, error) {
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	report, err := awaitMachine(ctx, r, c, node)
	if err == nil {
		report, err = reach.Possible(r.reach(), node.Name, report)
	}
	if err == nil {
		err = os.MkdirAll(node.Dir, 0o755)
	}
	if err != nil {
		return report, err
	}
	return report, r.reach().Remember(node.Name, report)
}

// awaitMachine waits until the node can be reached. What it waits for is said each time that it is something else.
func awaitMachine(ctx context.Context, r *Run, c kubevirt.Cluster, node workspace.Node) (report guest.Report, err error) {
	waits := ""
	say := func(reason string) {
		if reason != waits {
			waits = reason
			r.log.Say("%s: %s", node.Name, reason)
		}
	}
	for {
		machines, err := c.Machines(ctx)
		if err != nil {
			return report, lateMachine(ctx, waits, err)
		}
		m := machines[node.Name]
		say(stateOf(m))
		found, is := readConsole(ctx, c, m, node.MAC, say)
		if is {
			say("ready at " + found.Address(node.MAC))
			return found, nil
		}
		if !wait.Sleep(ctx, between) {
			return report, lateMachine(ctx, waits, ctx.Err())
		}
	}
}

// readConsole follows the console of a machine that runs, until the node can be reached.
func readConsole(ctx context.Context, c kubevirt.Cluster, m kubevirt.Machine, mac string, waits func(string)) (found guest.Report, is bool) {
	follow, end := context.WithCancel(ctx)
	defer end()
	_ = c.Console(follow, m, true, func(line string) { // if the log ends, the machine is looked at again
		report, said := guest.SerialReport(line)
		switch reason := report.Missing(mac); {
		case !said || is:
		case reason == "":
			found, is = report, true
			end()
		default:
			waits(reason)
		}
	})
	return found, is
}

// stateOf is what is waited for as long as nothing can be read on the console.
func stateOf(m kubevirt.Machine) string {
	switch {
	case m.Name == "":
		return "KubeVirt has no such machine"
	case m.Why != "":
		return m.State + ": " + m.Why
	}
	return m.State
}

// lateMachine is why a node was not waited for any longer.
func lateMachine(ctx context.Context, waits string, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return hint.Errorf("timeout= waits longer; `kubectl describe virtualmachine,datavolume` shows what KubeVirt and CDI say", "it is not ready: %s", waits)
	}
	return err
}

// removeRendered removes what there is of the node on this host. What a node on libvirt has there stays.
func removeRendered(node workspace.Node) error {
	if !workspace.Exists(node.XML()) && !workspace.Exists(node.Overlay()) {
		return node.RemoveFiles()
	}
	return workspace.Forget(node.Ignition())
}

// hasNodes reports whether nodes of the run's cluster have been made.
func hasNodes(r *Run) bool {
	if !OnKubernetes(r) {
		return r.at().AnyMember(r.Prefix)
	}
	entries, _ := os.ReadDir(r.ws().VM())
	return slices.ContainsFunc(entries, func(entry os.DirEntry) bool {
		node := workspace.Node{Name: entry.Name(), Dir: r.ws().VM(entry.Name())}
		_, _, is := workspace.Parse(r.Prefix, node.Name)
		return is && workspace.Exists(node.MadeOf()) && !workspace.Exists(node.XML())
	})
}
