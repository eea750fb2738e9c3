// Package row prints settings: a line each, or in groups as wide as a terminal.
package row

import (
	"fmt"
	"io"
	"strings"

	"coreos-libvirt/internal/terminal/column"
	"coreos-libvirt/internal/terminal/printable"
	"coreos-libvirt/internal/terminal/table"
)

// Default is where a value is from that nobody has set.
const Default = "default"

// Row is a setting of a run as it is printed.
type Row struct {
	Name     string `json:"name"`
	Value    string `json:"value"`
	From     string `json:"from"`               // command line, default, environment, …
	Default  string `json:"default"`            // what it is if nobody sets it
	Variable string `json:"variable,omitempty"` // of the environment, that sets it
	Group    string `json:"group"`
	Meaning  string `json:"meaning"`
}

// Print writes a line a setting, however wide.
func Print(w io.Writer, rows []Row) error {
	all := table.New("KEY", "VALUE", "FROM", "DEFAULT", "GROUP", "MEANING")
	for _, r := range rows {
		all.Row(r.Name, table.Dash(r.Value), r.From, table.Dash(r.Default), r.Group, r.Meaning)
	}
	return all.Print(w)
}

// How many columns names and values have, with the space around them.
const nameColumns, valueColumns = 20, 16

// PrintGroups writes the settings group by group, in lines of at most width columns.
func PrintGroups(w io.Writer, rows []Row, width int) error {
	text := strings.Builder{}
	for i, r := range rows {
		if i == 0 || rows[i-1].Group != r.Group {
			fmt.Fprintf(&text, "%s%s\n", strings.Repeat("\n", min(i, 1)), strings.ToUpper(r.Group))
		}
		r.print(&text, width)
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// print writes one setting: a name or a value that is longer than its column has lines of its own.
func (r Row) print(w io.Writer, width int) {
	name, value, meaning := "  "+r.Name, table.Dash(printable.Line(r.Value)), r.Meaning
	if r.From != Default {
		meaning += fmt.Sprintf(" (%s; default %s)", r.From, table.Dash(r.Default))
	}
	if len(name) >= nameColumns {
		fmt.Fprintln(w, name)
		name = ""
	}
	if len(value) >= valueColumns {
		column.Print(w, name, value, nameColumns, width)
		name, value = "", ""
	}
	column.Print(w, fmt.Sprintf("%-*s%s", nameColumns, name, value), meaning, nameColumns+valueColumns, width)
}
