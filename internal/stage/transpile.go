package stage

import (
	"context"
	"path/filepath"

	"coreos-libvirt/internal/artifact"
	"coreos-libvirt/internal/transpile"
)

const templateName = "ignition-template.json"

// Transpile makes vm/ignition-template.json of the user's config.
func (r *Run) Transpile(context.Context) error {
	path := r.Config
	if !filepath.IsAbs(path) {
		path = r.relative(filepath.Join(r.Workspace, path))
	}
	template, err := transpile.File(path)
	if err != nil {
		return err
	}
	r.template = template
	wrote, err := artifact.WriteIfChanged(r.vm(templateName), template.JSON, 0o600)
	if err != nil {
		return err
	}
	if wrote {
		r.log.Say("transpile: %s -> vm/%s", path, templateName)
	} else {
		r.log.Say("transpile: %s unchanged", path)
	}
	return nil
}
