package settings

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// Print writes every key with its value, the value's source, its default and its meaning.
func (s *Settings) Print(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "KEY\tVALUE\tFROM\tDEFAULT\tMEANING")
	for _, c := range s.chosen {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", c.key.Name, orDash(c.value), c.from, orDash(c.key.Default), c.key.Meaning)
	}
	return table.Flush()
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
