// Package verify judges nodes' Ignition documents before a node boots: they are applied by Ignition itself into a folder, and what
// is there is looked at by the programs that will read it. What is wrong is said at its place in the user's own files.
package verify

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"coreos-libvirt/internal/config/problem"
	"coreos-libvirt/internal/config/readable"
	"coreos-libvirt/internal/config/verify/lacks"
	"coreos-libvirt/internal/config/verify/place"
	"coreos-libvirt/internal/config/verify/unit"
	"coreos-libvirt/internal/upstream"
)

// Node is one node's document, and what it was made of.
type Node struct {
	Name, MAC string
	JSON      []byte
	System    string              // that the image has: "fcos", "flatcar", or empty if it is not known
	Image     lacks.Image         // what the image has, if that is known
	Files     []place.File        // what counts more first
	Replace   func(string) string // puts words' values in their places
}

// Finding is one thing that is wrong.
type Finding struct {
	Severity string   `json:"severity"` // "error": it cannot be right; "warning": it may be right on the image
	Nodes    []string `json:"nodes"`
	File     string   `json:"file"` // of the user's
	Line     int      `json:"line"` // from 1; 0 is nowhere in particular
	Column   int      `json:"column"`
	Message  string   `json:"message"`
	Hint     string   `json:"hint,omitempty"`

	source []byte // the file's text
}

// IsError reports whether it cannot be right.
func (f Finding) IsError() bool { return f.Severity == severityError }

const (
	severityError   = "error"
	severityWarning = "warning"
)

// Show is the finding as people read it.
func (f Finding) Show() string {
	p := problem.Problem{Line: f.Line, Column: f.Column, Kind: f.Severity, Text: f.Message}
	text := p.Show(f.File, f.source)
	if f.Hint != "" {
		text += "\nhint: " + f.Hint
	}
	return text
}

// Report is what was found, in the order of the user's files, and what could not be looked at.
type Report struct {
	Findings []Finding `json:"findings"`
	Missing  []string  `json:"missing"` // each once, a sentence
	Judged   int       `json:"judged"`  // documents that differ in more than their nodes' names
}

// Judge judges documents, and remembers what it said of them. Its zero value is ready.
type Judge struct {
	Programs upstream.Programs

	mu    sync.Mutex
	known map[[sha256.Size]byte]judged
	keys  sync.Once
	unit  unit.Known
}

// judged is what was said of a document.
type judged struct {
	findings []Finding
	missing  []string
}

// All judges the documents of all nodes. Those that differ in no more than the node's name and hardware address are judged once.
func (j *Judge) All(ctx context.Context, nodes []Node) (Report, error) {
	groups, order, err := grouped(nodes)
	if err != nil {
		return Report{}, err
	}
	all := make([]judged, len(order))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.NumCPU())
	for i, key := range order {
		g.Go(func() (err error) {
			all[i], err = j.one(ctx, key, groups[key][0])
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return Report{}, err
	}
	r := Report{Judged: len(order), Findings: []Finding{}, Missing: []string{}}
	for i, key := range order {
		r.add(all[i], groups[key])
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Message, b.Message))
	})
	return r, nil
}

// grouped are the nodes by what is judged once.
func grouped(nodes []Node) (groups map[[sha256.Size]byte][]Node, order [][sha256.Size]byte, err error) {
	groups = map[[sha256.Size]byte][]Node{}
	for _, n := range nodes {
		text, err := readable.Document(n.JSON)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", n.Name, err)
		}
		names := []string{"\x00", "\x00\x00"}
		if n.Name != "" {
			names = append(names, n.Name, "\x00name")
		}
		if n.MAC != "" {
			names = append(names, n.MAC, "\x00mac")
		}
		sum := sha256.New()
		fmt.Fprintln(sum, strings.NewReplacer(names...).Replace(string(text)))
		fmt.Fprintln(sum, n.System, n.Image.ID)
		for _, f := range n.Files {
			fmt.Fprintf(sum, "%q %q\n", f.Path, f.Text)
		}
		key := [sha256.Size]byte(sum.Sum(nil))
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], n)
	}
	return groups, order, nil
}

// add adds what was said of one document, which those nodes have.
func (r *Report) add(j judged, nodes []Node) {
	names := []string{}
	for _, n := range nodes {
		names = append(names, n.Name)
	}
	for _, f := range j.findings {
		i := slices.IndexFunc(r.Findings, func(has Finding) bool {
			return has.File == f.File && has.Line == f.Line && has.Column == f.Column && has.Message == f.Message
		})
		if i >= 0 {
			r.Findings[i].Nodes = append(r.Findings[i].Nodes, names...)
			continue
		}
		f.Nodes = names
		r.Findings = append(r.Findings, f)
	}
	for _, text := range j.missing {
		if !slices.Contains(r.Missing, text) {
			r.Missing = append(r.Missing, text)
		}
	}
}

// one judges a document, unless that was done before.
func (j *Judge) one(ctx context.Context, key [sha256.Size]byte, n Node) (judged, error) {
	j.mu.Lock()
	was, known := j.known[key]
	j.mu.Unlock()
	if known {
		return was, nil
	}
	faults, missing, err := j.faults(ctx, n)
	if err != nil {
		return judged{}, err
	}
	now := judged{missing: missing}
	finder := place.New(n.Files, n.Replace, os.ReadFile)
	for _, f := range faults {
		at := finder.Of(f)
		severity := severityWarning
		if f.Error {
			severity = severityError
		}
		now.findings = append(now.findings, Finding{Severity: severity, File: at.Path, Line: at.Line, Column: at.Column, Message: f.Text, Hint: f.Hint, source: at.Text})
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.known == nil {
		j.known = map[[sha256.Size]byte]judged{}
	}
	j.known[key] = now
	return now, nil
}

// Errors are the findings that cannot be right.
func (r Report) Errors() []Finding { return r.of(severityError) }

// Warnings are the findings that may be right.
func (r Report) Warnings() []Finding { return r.of(severityWarning) }

func (r Report) of(severity string) (some []Finding) {
	for _, f := range r.Findings {
		if f.Severity == severity {
			some = append(some, f)
		}
	}
	return some
}
