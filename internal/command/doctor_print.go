package command

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"coreos-libvirt/internal/terminal/table"
)

// print writes all for people, a part behind the other.
func (d diagnosis) print(w io.Writer) error {
	versions := table.New("VERSION OF", "")
	for _, name := range slices.Sorted(maps.Keys(d.Versions)) {
		versions.Row(name, table.Dash(d.Versions[name]))
	}
	set := table.New("SETTING", "VALUE", "FROM")
	for _, s := range d.Settings {
		set.Row(s.Name, table.Dash(s.Value), s.From)
	}
	err := versions.Print(w)
	d.printChecks(w)
	err = errors.Join(err, below(w, set), d.printNodes(w))
	for _, e := range d.Errors {
		fmt.Fprintf(w, "\n%s:\n  %s\n", e.Of, strings.ReplaceAll(e.Text, "\n", "\n  "))
	}
	return err
}

// below writes a table below what is there.
func below(w io.Writer, t *table.Table) error {
	fmt.Fprintln(w)
	return t.Print(w)
}

func (d diagnosis) printChecks(w io.Writer) {
	fmt.Fprintln(w)
	for _, check := range d.Checks {
		printResult(check, func(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) })
	}
}

func (d diagnosis) printNodes(w io.Writer) error {
	all := []nodeStatus{}
	made := table.New("NODE", "MADE BY")
	for _, node := range d.Nodes {
		all = append(all, node.nodeStatus)
		made.Row(node.Node, table.Dash(node.Version))
	}
	if len(all) == 0 {
		fmt.Fprintln(w, "\nThere are no nodes.")
		return nil
	}
	return errors.Join(below(w, statusTable(all)), below(w, made))
}
