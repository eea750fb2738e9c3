package settings

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Print writes every key with its value, the value's source, its default and its meaning.
func (s *Settings) Print(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "KEY\tVALUE\tFROM\tDEFAULT\tMEANING")
	for _, c := range s.chosen {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", c.key.Name, orDash(c.shown()), c.from, orDash(c.key.Default), c.key.Meaning)
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
