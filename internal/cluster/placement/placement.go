// Package placement chooses the host of each new node. It is pure: it asks no host.
package placement

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"coreos-libvirt/internal/terminal/hint"
)

// Node is one that is there, or will be.
type Node struct {
	Name   string
	MiB    int      // of memory
	Member bool     // of etcd
	Pins   []string // the hosts that it may be made on; none: any
	At     string   // the host that it is on, or was made for; empty if it is new
	Runs   bool     // it has its memory already
}

// Host is one that nodes can be on.
type Host struct {
	Name   string
	Free   int  // MiB; -1 if it is not known
	Silent bool // it does not answer: nothing is made on it
}

// Choice is where nodes are.
type Choice struct {
	Hosts map[string]string // the host of each node, by the node's name; a node that can be nowhere has none
	Notes []string          // what the user should know of it
}

// Choose gives each node a host. One that is on a host stays there. The others are spread so that no host has a majority of etcd's members,
// if it can be helped, and that each has the memory for its nodes. An error names the first node that no host has the memory for.
func Choose(nodes []Node, hosts []Host) (Choice, error) {
	c := choosing{Choice: Choice{Hosts: map[string]string{}}, hosts: hosts, load: map[string]*load{}}
	for _, h := range hosts {
		c.load[h.Name] = &load{}
	}
	fresh := []Node{}
	for _, n := range nodes {
		if n.At != "" {
			c.put(n, n.At)
		} else {
			fresh = append(fresh, n)
		}
	}
	slices.SortStableFunc(fresh, func(a, b Node) int { return cmp.Or(members(b)-members(a), len(b.Pins)-len(a.Pins)) })
	for _, n := range fresh {
		host, err := c.choose(n)
		if err != nil {
			return c.Choice, fmt.Errorf("%s: %w", n.Name, err)
		}
		c.put(n, host)
	}
	if len(fresh) > 0 {
		c.noteMajority()
	}
	return c.Choice, nil
}

// choosing is a choice on its way.
type choosing struct {
	Choice
	hosts []Host
	load  map[string]*load // of each host, by name
}

// load is what a host has of the nodes.
type load struct{ nodes, members, waiting int } // waiting: MiB of those that do not run

// members counts one node.
func members(n Node) int {
	if n.Member {
		return 1
	}
	return 0
}

func (c *choosing) put(n Node, host string) {
	c.Hosts[n.Name] = host
	on := c.load[host]
	if on == nil {
		return // a host that is none of these any more
	}
	on.nodes++
	on.members += members(n)
	if !n.Runs {
		on.waiting += n.MiB
	}
}

// left is the memory of the host that no node has; known is false if it is not known.
func (c *choosing) left(h Host) (mib int, known bool) {
	if h.Free < 0 {
		return 0, false
	}
	return h.Free - c.load[h.Name].waiting, true
}

// choose is the host for a new node: of those with the memory for it the one with the fewest members of etcd if it is to be one, else
// with the fewest nodes; of these the one with the most memory left.
func (c *choosing) choose(n Node) (string, error) {
	can := slices.DeleteFunc(slices.Clone(c.hosts), func(h Host) bool {
		return h.Silent || len(n.Pins) > 0 && !slices.Contains(n.Pins, h.Name)
	})
	if len(can) == 0 {
		return "", c.none(n)
	}
	fit := slices.DeleteFunc(slices.Clone(can), func(h Host) bool {
		left, known := c.left(h)
		return known && left < n.MiB
	})
	if len(fit) == 0 {
		return "", c.tooLarge(n, can)
	}
	return slices.MinFunc(fit, func(a, b Host) int { // the first of equals
		la, lb := c.load[a.Name], c.load[b.Name]
		leftA, _ := c.left(a)
		leftB, _ := c.left(b)
		if n.Member {
			return cmp.Or(la.members-lb.members, la.nodes-lb.nodes, leftB-leftA)
		}
		return cmp.Or(la.nodes-lb.nodes, leftB-leftA)
	}).Name, nil
}

// none is the error of a node for which no host is left.
func (c *choosing) none(n Node) error {
	if len(n.Pins) == 0 {
		return hint.Errorf("`mage hosts` shows why", "no host answers that it could be made on")
	}
	return hint.Errorf("`mage hosts` shows why; another `host:` in the cluster file makes it elsewhere", "the host %s does not answer, and it must be made there", strings.Join(n.Pins, " or "))
}

// tooLarge is the error of a node that no host has the memory for.
func (c *choosing) tooLarge(n Node, hosts []Host) error {
	has := []string{}
	for _, h := range hosts {
		left, _ := c.left(h)
		has = append(has, fmt.Sprintf("%s has %d MiB", h.Name, max(left, 0)))
	}
	return hint.Errorf("a smaller ram=, fewer nodes, or one more host in hosts=", "it needs %d MiB of memory, and no host has so much left: %s", n.MiB, strings.Join(has, ", "))
}

// noteMajority tells the user of a host without which etcd has no quorum.
func (c *choosing) noteMajority() {
	all := 0
	for _, on := range c.load {
		all += on.members
	}
	for _, h := range c.hosts {
		if has := c.load[h.Name].members; all > 1 && 2*has > all {
			c.Notes = append(c.Notes, fmt.Sprintf("the host %s has %d of etcd's %d members: without it etcd has no quorum", h.Name, has, all))
		}
	}
}
