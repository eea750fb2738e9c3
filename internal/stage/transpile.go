package stage

import (
	"context"
	"path/filepath"

	"coreos-libvirt/internal/artifact"
	"coreos-libvirt/internal/transpile"
)

// largeKiB is the size of a document from which on a guest's reading it by fw_cfg is felt.
const largeKiB = 1024

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
	for _, warning := range template.Warnings {
		r.log.Say("%s", warning)
	}
	if kib := len(template.JSON) >> 10; kib > largeKiB {
		r.log.Say("%s: warning: the Ignition document has %d KiB; QEMU's fw_cfg is read slowly, fetch large files from a URL instead", path, kib)
	}
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
