package command

import (
	"context"
	"os"

	"coreos-libvirt/internal/config"
	"coreos-libvirt/internal/settings/row"
	"coreos-libvirt/internal/terminal/column"
	"coreos-libvirt/internal/terminal/table"
)

// Settings prints each setting with its value, and its source: on a terminal in lines that it has room for.
func Settings(_ context.Context, r *Run) error {
	rows, err := r.Rows(config.Beside(configPath(r), "vars.yml"))
	if err != nil {
		return err
	}
	width, terminal := column.Width(os.Stdout)
	switch {
	case r.Format == "json":
		return table.JSON(r.out, rows)
	case terminal:
		return row.PrintGroups(r.log.Writer(), rows, width)
	}
	return row.Print(r.log.Writer(), rows)
}
