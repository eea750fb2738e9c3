package stage

import (
	"context"
	"os"
	"path/filepath"

	"coreos-libvirt/internal/artifact"
	"coreos-libvirt/internal/render"
	"coreos-libvirt/internal/transpile"
)

// largeKiB is the size of a document from which on a guest's reading it by fw_cfg is felt.
const largeKiB = 1024

const templateName = "ignition-template.json"

// Transpile makes vm/ignition-template.json of the user's config, and reads the overlays of its nodes.
func (r *Run) Transpile(context.Context) error {
	path := r.configPath()
	template, err := r.transpile(path, transpile.File)
	if err != nil {
		return err
	}
	r.template = template
	if err := r.transpileOverlays(); err != nil {
		return err
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

// transpileOverlays reads what is special of a node: nodes/<node>.yml beside the config, where it exists.
func (r *Run) transpileOverlays() error {
	r.overlays = map[string]transpile.Template{}
	for _, node := range r.members() {
		path := filepath.Join(filepath.Dir(r.configPath()), "nodes", node.Name+".yml")
		if _, err := os.Stat(path); os.IsNotExist(err) {
			continue
		}
		overlay, err := r.transpile(path, func(path string) (transpile.Template, error) {
			return transpile.Overlay(path, r.configPath())
		})
		if err != nil {
			return err
		}
		r.overlays[node.Name] = overlay
	}
	return nil
}

// transpile reads one config and says what is worth a word.
func (r *Run) transpile(path string, read func(string) (transpile.Template, error)) (transpile.Template, error) {
	template, err := read(path)
	if err != nil {
		return template, err
	}
	for _, warning := range template.Warnings {
		r.log.Say("%s", warning)
	}
	if kib := len(template.JSON) >> 10; kib > largeKiB {
		r.log.Say("%s: warning: the Ignition document has %d KiB; QEMU's fw_cfg is read slowly, fetch large files from a URL instead", path, kib)
	}
	return template, render.Validate(template.JSON)
}

// configPath is config= as the user would write it from the workspace.
func (r *Run) configPath() string {
	if filepath.IsAbs(r.Config) {
		return r.Config
	}
	return r.relative(filepath.Join(r.Workspace, r.Config))
}
