// Package timeline notes what nodes reached when, and draws it.
package timeline

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/workspace/artifact"
)

// Record is what nodes reached when, in one run.
type Record struct {
	mu     sync.Mutex
	all    map[string][]Moment      // by node
	silent map[string]time.Duration // the longest silence of the node's console in its first boot, by node
}

// What happens to a node's member of etcd, as phases.
const (
	Forms  = "etcd forms" // the node is ready, and its member is not healthy yet
	Joins  = "etcd join"  // the member is added, at the node's address
	Leaves = "etcd leave" // the member passes on the lead, and is removed
)

// Moment is the begin of a phase.
type Moment struct {
	Phase string    `json:"phase"`
	At    time.Time `json:"at"`
}

// Reach notes that the node is at the phase now, unless it was before in the same boot.
func (t *Record) Reach(node, phase string) { t.ReachAt(node, phase, time.Now()) }

// ReachAt notes that the node was at the phase at a time.
func (t *Record) ReachAt(node, phase string, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all == nil {
		t.all = map[string][]Moment{}
	}
	moments := t.all[node]
	this := moments // of this boot
	for i, m := range moments {
		if m.Phase == "start" {
			this = moments[i+1:]
		}
	}
	if phase == "start" || !slices.ContainsFunc(this, func(m Moment) bool { return m.Phase == phase }) {
		t.all[node] = append(moments, Moment{phase, at})
	}
}

// Ready notes what the node's report says of its boot, and that the node is ready now.
func (t *Record) Ready(node string, report guest.Report) {
	now := time.Now()
	for _, of := range []struct {
		phase  string
		uptime float64
	}{{"network", report.Network.At}, {"sshd", report.SSHD.At}} {
		started, booted := t.started(node)
		if of.uptime > 0 && booted {
			t.ReachAt(node, of.phase, within(now, report.Uptime-of.uptime, started))
		}
	}
	t.ReachAt(node, "ready", now)
}

// within is so many seconds before now, but not before the node was started, nor after now: a guest may say anything.
func within(now time.Time, seconds float64, started time.Time) time.Time {
	most := max(now.Sub(started).Seconds(), 0)
	return now.Add(-time.Duration(min(max(seconds, 0), most) * float64(time.Second)))
}

// started is when this run has started the node, if it has.
func (t *Record) started(node string) (at time.Time, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, m := range t.all[node] {
		if m.Phase == "start" {
			at, ok = m.At, true
		}
	}
	return at, ok
}

// SilentFor notes that the node's console was silent for so long in its first boot.
func (t *Record) SilentFor(node string, d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.silent == nil {
		t.silent = map[string]time.Duration{}
	}
	t.silent[node] = max(t.silent[node], d)
}

// Silences are the longest silences of the nodes that became ready, by the image that each is on.
func (t *Record) Silences(imageOf func(node string) string) map[string]time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	longest := map[string]time.Duration{}
	for node, d := range t.silent {
		if slices.ContainsFunc(t.all[node], func(m Moment) bool { return m.Phase == "ready" }) {
			longest[imageOf(node)] = max(longest[imageOf(node)], d)
		}
	}
	return longest
}

// Timeline is what a run's nodes went through.
type Timeline struct {
	Cluster string              `json:"cluster"`
	Version string              `json:"version,omitempty"` // of the program; empty if that is not known
	Nodes   map[string][]Moment `json:"nodes"`             // by name
	Hosts   map[string]string   `json:"hosts,omitempty"`   // that they are on, by the nodes' names; nil if there is one
}

// label is the node, with its host if there are several.
func (t Timeline) label(node string) string {
	if host := t.Hosts[node]; host != "" {
		return node + " " + host
	}
	return node
}

// Keep writes the record to a file, if this run has started a node. version is this program's, hosts are those that nodes are on, by the
// nodes' names; nil if there is one.
func (t *Record) Keep(path, cluster, version string, hosts map[string]string) error {
	booted := false
	for node := range t.all {
		_, started := t.started(node)
		booted = booted || started
	}
	data, err := json.Marshal(Timeline{cluster, version, t.all, hosts})
	if booted && err == nil {
		err = artifact.Write(path, data, 0o644)
	}
	return err
}

// Read is what the record in a file says. Files of before there were versions have nothing but the nodes.
func Read(path, cluster string) (Timeline, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Timeline{Cluster: cluster, Nodes: map[string][]Moment{}}, err
	}
	var read Timeline
	if err = json.Unmarshal(data, &read); err == nil && read.Nodes == nil {
		err = json.Unmarshal(data, &read.Nodes)
	}
	if err != nil {
		return Timeline{Cluster: cluster, Nodes: map[string][]Moment{}}, fmt.Errorf("%s: %w", path, err)
	}
	read.Cluster = cluster
	return read, nil
}
