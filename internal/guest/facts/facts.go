// Package facts is what the project relies on in the systems that nodes boot: a table of facts, each with the
// source that it was read in, and with a check that a running node passes or fails. docs/distributions.md is made
// from it, the tests of all files that go into nodes ask it, and `mage selftest` checks each line of it.
package facts

import (
	"fmt"
	"slices"
)

// Distribution is a system that nodes boot: a real one, or one of the lab's stand-ins.
type Distribution string

// The distributions that the table knows.
const (
	FCOS       Distribution = "fcos"
	Flatcar    Distribution = "flatcar"
	Lab        Distribution = "lab"
	LabFCOS    Distribution = "lab-fcos"
	LabFlatcar Distribution = "lab-flatcar"
)

// Distributions are all of them, the real ones first.
var Distributions = []Distribution{FCOS, Flatcar, Lab, LabFCOS, LabFlatcar}

// StandsFor is the real distribution that a stand-in resembles. A real one is its own, and `lab` resembles none
// of them closely.
func (d Distribution) StandsFor() Distribution {
	switch d {
	case LabFCOS:
		return FCOS
	case LabFlatcar:
		return Flatcar
	}
	return d
}

// Source is the place where a fact was read.
type Source struct{ Repo, Path, At string }

// String is the source as one writes it.
func (s Source) String() string { return fmt.Sprintf("%s: %s (%s)", s.Repo, s.Path, s.At) }

// Claim is what the table says of one distribution.
type Claim struct {
	Is    string   // what is so
	From  []Source // where that was read; none: it was not read
	Check string   // commands for a POSIX shell in the node, as root: they print evidence, and fail if the claim is wrong
	Tells string   // in place of Check, where nothing is claimed: commands that print how it is
}

// Fact is one thing that the project relies on.
type Fact struct {
	ID     string // its name in the output of `mage selftest`
	Topic  string
	Needed string // what in the project relies on it
	OnHost bool   // whether `mage selftest` checks it on the host, by a function of this name
	Claims map[Distribution]Claim
}

// Of is the claim about a distribution. A stand-in is as the distribution that it stands for, unless the table says
// how it differs.
func (f Fact) Of(d Distribution) (Claim, bool) {
	if claim, ok := f.Claims[d]; ok {
		return claim, true
	}
	claim, ok := f.Claims[d.StandsFor()]
	return claim, ok
}

// Checked reports whether `mage selftest` looks at the fact on the distribution.
func (f Fact) Checked(d Distribution) bool {
	claim, ok := f.Of(d)
	return ok && (f.OnHost || claim.Check != "" || claim.Tells != "")
}

// Table is all facts, topic by topic.
func Table() []Fact {
	return slices.Concat(shell(), sshd(), network(), ignition(), files(), kernel(), consoles(), firmware(), updates(), selinux(), containers(), sizes(), removal())
}
