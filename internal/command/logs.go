package command

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/fatih/color"

	"coreos-libvirt/internal/cluster/facts"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/wait"
)

// Logs prints what nodes wrote on their consoles, of node= or of all; follow=true goes on with what
// comes. Lines of several nodes begin with the node's name. Escape sequences are left out.
func Logs(ctx context.Context, r *Run) error {
	domains, err := r.domains()
	if err != nil {
		return err
	}
	nodes, err := logged(r.at(), r.conn.Disks(), domains, r.Prefix, chosen(r))
	if err != nil {
		return err
	}
	logs := consoleLogs(r.conn.Disks(), nodes)
	if r.Follow {
		return errors.Join(wait.AtOnce(len(logs), func(i int) error { return logs[i].Follow(ctx, r.log.SayOwn) })...)
	}
	lines, err := guest.MergedLogs(logs)
	for _, line := range lines {
		r.log.SayOwn(line)
	}
	return err
}

// logged are the chosen nodes, and those that have no more than their log: a node that could not be started was taken back.
// own is the cluster of this run.
func logged(at facts.Place, disks engine.Disks, domains map[string]engine.Domain, own string, c choice) ([]workspace.Node, error) {
	nodes := map[string]workspace.Node{}
	entries, _ := os.ReadDir(at.VM())
	prefixes := at.Prefixes(own, domains)
	for _, entry := range entries {
		if node, ok := at.Folder(entry, c.prefix, prefixes); ok && hasLog(disks.Log(node.Files())) && !at.IsForeign(domains[node.Name]) {
			nodes[node.Name] = node
		}
	}
	for _, d := range at.Members(domains, c.prefix) {
		nodes[d.Name] = at.NodeOf(d.Metadata)
	}
	if one, ok := nodes[c.node]; ok {
		return []workspace.Node{one}, nil
	}
	if c.node != "" || len(nodes) == 0 {
		_, err := c.some(domains) // which is none
		return nil, err
	}
	return slices.SortedFunc(maps.Values(nodes), func(a, b workspace.Node) int { return strings.Compare(a.Name, b.Name) }), nil
}

// hasLog reports whether there is a log, be it one that cannot be read.
func hasLog(log engine.Log) bool {
	file, err := log.Open(0)
	if err == nil {
		_ = file.Close()
	}
	return !errors.Is(err, fs.ErrNotExist)
}

// colours are those of the nodes' names, in turn.
var colours = []color.Attribute{color.FgCyan, color.FgYellow, color.FgGreen, color.FgMagenta, color.FgBlue, color.FgRed}

// coloured is the name of the node that has that place among those which print lines.
func coloured(name string, place int) string {
	return color.New(colours[place%len(colours)]).Sprint(name)
}

// consoleLogs are the logs of the nodes. If there are several, their lines begin with the node's name.
func consoleLogs(disks engine.Disks, nodes []workspace.Node) (logs []guest.ConsoleLog) {
	for i, node := range nodes {
		log := guest.ConsoleLog{Log: disks.Log(node.Files())}
		if len(nodes) > 1 {
			log.Prefix = coloured(node.Name, i) + " "
		}
		logs = append(logs, log)
	}
	return logs
}
