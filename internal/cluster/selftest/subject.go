// Package selftest looks at one running node, and at what this host sees of it, for the facts that the project relies on.
package selftest

import (
	"context"
	"fmt"
	"strings"

	"coreos-libvirt/internal/cluster/reach"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/guest/facts"
	"coreos-libvirt/internal/workspace"
)

// Subject is the node that is looked at, and what was found so far.
type Subject struct {
	workspace.Workspace
	Node   workspace.Node
	Access guest.Access
	Report facts.Report // what was found
	Ended  func() error // whether the user has interrupted it: what is seen after that says nothing
	Say    func(format string, args ...any)

	said guest.Report // of the node
}

// Booted reports whether there is a node to look at.
func (s *Subject) Booted() bool { return s.address() != "" }

// address is where the node said that it is.
func (s *Subject) address() string { return s.said.Address(s.Node.MAC) }

// is notes what was found of a fact.
func (s *Subject) is(fact string, result facts.Result) {
	if s.Ended() == nil {
		s.Report.Results[fact] = result
	}
}

// LookForReport looks whether the node reported itself in its first boot, which ended with err. A node that did not is looked
// for otherwise.
func (s *Subject) LookForReport(ctx context.Context, nodes reach.Nodes, err error) {
	s.said, _ = nodes.Kept(s.Node.Name)
	reported := s.said.BootID != ""
	s.is("ready", facts.Found(err == nil && reported, "%s", orText(err, fmt.Sprintf("network after %.0f s, sshd after %.0f s", s.said.Network.At, s.said.SSHD.At))))
	if !reported && ctx.Err() == nil {
		if found, _, err := nodes.Searched(ctx, s.Node); err == nil {
			s.said, s.Access.New = found, true
		}
	}
	address := s.address()
	s.is("address", facts.Found(address != "" && reported, "%s", orText(nil, address)))
}

// LookForLeft notes what is left of the node after its removal, which ended with err.
func (s *Subject) LookForLeft(left []string, err error) {
	s.Report.Results["down"] = facts.Found(err == nil && len(left) == 0, "left: %s", orText(err, strings.Join(left, ", ")))
}

// orText is the error's text, or the other.
func orText(err error, text string) string {
	switch {
	case err != nil:
		return err.Error()
	case text == "":
		return "nothing"
	}
	return text
}

// errText is what is added to a text for the error, if there is one.
func errText(err error) string {
	if err == nil {
		return ""
	}
	return ": " + err.Error()
}
