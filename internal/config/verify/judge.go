package verify

import (
	"context"
	"os/exec"
	"regexp"
	"slices"
	"strings"

	"coreos-libvirt/internal/config/verify/document"
	"coreos-libvirt/internal/config/verify/grammar"
	"coreos-libvirt/internal/config/verify/network"
	"coreos-libvirt/internal/config/verify/quadlet"
	"coreos-libvirt/internal/config/verify/sandbox"
	"coreos-libvirt/internal/config/verify/unit"
)

// faults are what is wrong with a document, in places of the node, and what this host lacks to know more.
func (j *Judge) faults(ctx context.Context, doc []byte, system string) (faults []document.Fault, missing []string, err error) {
	d, err := document.Parse(doc)
	if err != nil {
		return nil, nil, err
	}
	applied, err := document.Applicable(doc)
	if err != nil {
		return nil, nil, err
	}
	checks, missing := checksOf(d)
	results, err := sandbox.Run(ctx, j.Programs, applied, checks)
	if err != nil {
		return nil, nil, err
	}
	faults = slices.Concat(d.Paths(system), grammar.Logins(d), grammar.Texts(d), network.Faults(d), unit.Unstarted(d))
	if r := results[sandbox.Apply]; r.Status != 0 {
		return append(faults, refused(r)...), missing, nil
	}
	faults = append(faults, grammar.Said(d, results)...)
	faults = append(faults, network.Said(d, results)...)
	quadlets, made := quadlet.Said(results[quadlet.CheckName].Said, d)
	faults = append(faults, quadlets...)
	faults = append(faults, j.units(ctx, d, results[unit.CheckName].Said, made)...)
	return faults, missing, nil
}

// checksOf are the checks of what is in the document, and what this host lacks for more.
func checksOf(d document.Document) (checks []sandbox.Check, missing []string) {
	made := ""
	if len(quadlet.Names(d)) > 0 {
		checks, made = append(checks, sandbox.Check{Name: quadlet.CheckName, Command: quadlet.Command()}), quadlet.MadeUnits
	}
	if whole, partial := unit.Names(d); len(whole)+len(partial) > 0 || made != "" {
		if _, err := exec.LookPath("systemd-analyze"); err != nil {
			missing = append(missing, "units are not looked at: this host has no systemd-analyze (package systemd)")
		} else {
			checks = append(checks, sandbox.Check{Name: unit.CheckName, Command: unit.Command(whole, partial, made)})
		}
	}
	more, lacks := grammar.Checks(d)
	for _, p := range lacks {
		missing = append(missing, "files for "+p.Name+" are not looked at: this host has none (package "+p.Package+")")
	}
	cards, lacking := network.Checks(d)
	return slices.Concat(checks, more, cards), append(missing, lacking...)
}

// units are the faults of units, and of those that Quadlet made.
func (j *Judge) units(ctx context.Context, d document.Document, said string, made map[string]string) (faults []document.Fault) {
	whole, _ := unit.Names(d)
	o := unit.Options{Document: d, Whole: whole, Text: d.Text, Known: func() unit.Known {
		j.keys.Do(func() { j.unit = unit.Ask(ctx) })
		return j.unit
	}}
	for _, f := range unit.Said(said, o) {
		name, is := quadlet.IsMade(f.Path)
		if !is {
			faults = append(faults, f)
			continue
		}
		if back, is := quadlet.Back(f, made[name], d); is {
			faults = append(faults, back)
		}
	}
	return faults
}

var (
	critical = regexp.MustCompile(`(?m)^CRITICAL ?: (?:failed to apply: )?(.*)$`)
	pathIn   = regexp.MustCompile(sandbox.Node + `(/[^\s":]+)`)
)

// refused is what Ignition says where it cannot apply the document.
func refused(r sandbox.Result) []document.Fault {
	m := critical.FindAllStringSubmatch(r.Said, -1)
	if len(m) == 0 {
		lines := strings.Split(r.Said, "\n")
		return []document.Fault{{Error: true, Text: "Ignition cannot write this: " + lines[len(lines)-1]}}
	}
	said := m[len(m)-1][1]
	f := document.Fault{Error: true}
	if at := pathIn.FindStringSubmatch(said); at != nil {
		f.Path = at[1]
		_, said, _ = strings.Cut(said, at[0]+": ")
		said = f.Path + ": " + said
	}
	f.Text = "Ignition cannot write this: " + strings.ReplaceAll(said, sandbox.Node+"/", "/")
	return []document.Fault{f}
}
