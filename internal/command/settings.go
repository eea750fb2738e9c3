package command

import (
	"context"

	"coreos-libvirt/internal/config"
)

// Settings prints each setting with its value, and where that is from.
func Settings(_ context.Context, r *Run) error {
	return r.Print(r.log.Writer(), config.Beside(configPath(r), "vars.yml"))
}
