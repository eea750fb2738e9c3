package verify

import (
	"context"
	"maps"
	"os/exec"
	"regexp"
	"slices"
	"strings"

	"coreos-libvirt/internal/config/verify/document"
	"coreos-libvirt/internal/config/verify/grammar"
	"coreos-libvirt/internal/config/verify/lacks"
	"coreos-libvirt/internal/config/verify/network"
	"coreos-libvirt/internal/config/verify/quadlet"
	"coreos-libvirt/internal/config/verify/sandbox"
	"coreos-libvirt/internal/config/verify/unit"
)

// faults are what is wrong with a document, in places of the node, and what this host lacks to know more.
func (j *Judge) faults(ctx context.Context, n Node) (faults []document.Fault, missing []string, err error) {
	d, err := document.Parse(n.JSON)
	if err != nil {
		return nil, nil, err
	}
	applied, err := document.Applicable(n.JSON)
	if err != nil {
		return nil, nil, err
	}
	checks, missing := checksOf(d)
	results, err := sandbox.Run(ctx, j.Programs, applied, checks)
	if err != nil {
		return nil, nil, err
	}
	faults = slices.Concat(d.Paths(n.System), grammar.Logins(d), grammar.Texts(d), network.Faults(d), unit.Unstarted(d), unit.OfSystem(d, quadlet.Users.Names(d)))
	if r := results[sandbox.Apply]; r.Status != 0 {
		return append(faults, refused(r)...), missing, nil
	}
	faults = append(faults, grammar.Said(d, results)...)
	faults = append(faults, network.Said(d, results)...)
	quadlets, made := quadlet.System.Said(results[quadlet.System.Check].Said, d)
	ofUsers, madeForUsers := quadlet.Users.Said(results[quadlet.Users.Check].Said, d)
	whole, _ := unit.Names(d)
	faults = slices.Concat(faults, quadlets, ofUsers, j.units(ctx, d, unit.Options{Whole: whole}, results[unit.CheckName].Said, quadlet.System, made))
	faults = append(faults, lacks.Faults(d, n.Image, slices.Collect(maps.Keys(made)))...)
	for _, folder := range userFolders(d) {
		o := unit.Options{Whole: folder.Whole, Folder: folder.Path}
		faults = append(faults, j.units(ctx, d, o, results[folder.Check()].Said, quadlet.Users, madeForUsers)...)
	}
	return faults, missing, nil
}

// userFolders are the folders of users' units, with one for those that are made of users' Quadlets.
func userFolders(d document.Document) []unit.UserFolder {
	folders := unit.UserFolders(d)
	if len(quadlet.Users.Names(d)) > 0 && !slices.ContainsFunc(folders, func(u unit.UserFolder) bool { return u.Path == unit.Quadlets.Path }) {
		folders = append(folders, unit.Quadlets)
	}
	return folders
}

// checksOf are the checks of what is in the document, and what this host lacks for more.
func checksOf(d document.Document) (checks []sandbox.Check, missing []string) {
	units := []sandbox.Check{}
	made := ""
	for _, of := range []quadlet.Of{quadlet.System, quadlet.Users} {
		if len(of.Names(d)) > 0 {
			checks = append(checks, sandbox.Check{Name: of.Check, Command: of.Command(d)})
		}
	}
	if len(quadlet.System.Names(d)) > 0 {
		made = quadlet.MadeUnits
	}
	if whole, partial := unit.Names(d); len(whole)+len(partial) > 0 || made != "" {
		units = append(units, sandbox.Check{Name: unit.CheckName, Command: unit.Command(whole, partial, made)})
	}
	for _, folder := range userFolders(d) {
		units = append(units, sandbox.Check{Name: folder.Check(), Command: folder.Command(quadlet.Users.Made)})
	}
	if _, err := exec.LookPath("systemd-analyze"); err == nil {
		checks = append(checks, units...)
	} else if len(units) > 0 {
		missing = append(missing, "units are not looked at: this host has no systemd-analyze (package systemd)")
	}
	more, lacks := grammar.Checks(d)
	for _, p := range lacks {
		missing = append(missing, "files for "+p.Name+" are not looked at: this host has none (package "+p.Package+")")
	}
	cards, lacking := network.Checks(d)
	return slices.Concat(checks, more, cards), append(missing, lacking...)
}

// units are the faults of units, and of those that Quadlet made.
func (j *Judge) units(ctx context.Context, d document.Document, o unit.Options, said string, of quadlet.Of, made map[string]string) (faults []document.Fault) {
	o.Document, o.Text, o.Known = d, d.Text, func() unit.Known {
		j.keys.Do(func() { j.unit = unit.Ask(ctx) })
		return j.unit
	}
	for _, f := range unit.Said(said, o) {
		name, is := of.IsMade(f.Path)
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
