package stage

import (
	"context"
	"crypto/sha256"
	"os"
	"path/filepath"

	"coreos-libvirt/internal/artifact"
	"coreos-libvirt/internal/discovery"
	"coreos-libvirt/internal/render"
	"coreos-libvirt/internal/transpile"
)

// largeKiB is the size of a document from which on a guest's reading it by fw_cfg is felt.
const largeKiB = 1024

const templateName = "ignition-template.json"

// Transpile makes vm/ignition-template.json of the user's config, and reads the overlays of its nodes.
func (r *Run) Transpile(context.Context) error {
	path := r.configPath()
	template, err := r.transpile(path)
	if err != nil {
		return err
	}
	r.template = template
	if err := r.transpileOverlays(); err != nil {
		return err
	}
	if err := r.try(); err != nil {
		return err
	}
	if r.readOnly {
		return nil
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

func overlayName(node string) string { return filepath.Join("nodes", node+".yml") }

// transpileOverlays reads what is special of a node: nodes/<node>.yml, where it exists.
func (r *Run) transpileOverlays() error {
	r.overlays = map[string]transpile.Template{}
	for _, node := range r.members() {
		path := r.beside(overlayName(node.Name))
		if _, err := os.Stat(path); os.IsNotExist(err) {
			continue
		}
		overlay, err := r.transpile(path)
		if err != nil {
			return err
		}
		r.overlays[node.Name] = overlay
	}
	return nil
}

// try renders all nodes before anything is written, with the words of discovery and the cluster's key
// as their own values: what is wrong with the config leaves vm/ as it was. What it gives tells later
// whether a node differs from what it was made from.
func (r *Run) try() error {
	words := render.Words{sshWord: sshWord}
	for _, word := range discovery.Words {
		words[word] = word
	}
	nodes, err := r.renderAll(words)
	r.tried = nil
	for _, node := range nodes {
		r.tried = append(r.tried, sha256.Sum256(node.doc))
	}
	return err
}

// transpile reads one config and says what is worth a word.
func (r *Run) transpile(path string) (transpile.Template, error) {
	template, err := transpile.File(path, r.beside("files"))
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

// beside is where a thing is that goes with the config: beside it, and what is not there, in ignition/.
func (r *Run) beside(name string) string {
	own := filepath.Join(filepath.Dir(r.configPath()), name)
	if _, err := os.Stat(own); err == nil {
		return own
	}
	return filepath.Join("ignition", name)
}

// configPath is config= as the user would write it from the workspace.
func (r *Run) configPath() string {
	if filepath.IsAbs(r.Config) {
		return r.Config
	}
	return r.relative(filepath.Join(r.Workspace, r.Config))
}
