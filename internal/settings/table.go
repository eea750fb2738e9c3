package settings

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// Print writes every key with its value, the value's source, its default and its meaning, and the user's own
// words with those of the file varsFile.
func (s *Settings) Print(w io.Writer, varsFile string) error {
	vars, err := s.VarsFile(varsFile)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "KEY\tVALUE\tFROM\tDEFAULT\tMEANING")
	for _, c := range s.chosen {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", c.key.Name, orDash(c.shown()), c.from, orDash(c.key.Default), c.key.Meaning)
	}
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		fmt.Fprintf(table, "%s%s\t%s\t%s\t-\ta word of yours\n", varPrefix, name, orDash(vars[name]), s.sourceOf(name, varsFile))
	}
	return table.Flush()
}

// shown is the value without a password.
func (c choice) shown() string {
	if user, _, has := strings.Cut(c.value, ":"); has && c.key.Name == "discovery_user" {
		return user + ":…"
	}
	return c.value
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
