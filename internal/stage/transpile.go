package stage

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"coreos-libvirt/internal/config/render"
	"coreos-libvirt/internal/config/transpile"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/artifact"
)

// large is the size of a document from which on a guest's reading it by fw_cfg is felt.
const large = 1 << 20

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
	wrote, err := artifact.WriteIfChanged(r.vm(workspace.TemplateName), template.JSON, 0o600)
	if err != nil {
		return err
	}
	if wrote {
		r.log.Say("transpile: %s -> vm/%s", path, workspace.TemplateName)
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
	words := r.wordsToCome()
	if err := r.checkWords(words); err != nil {
		return err
	}
	words[sshWord] = sshWord
	nodes, err := r.renderAll(words)
	if err != nil {
		return err
	}
	r.tried = nil
	largest := rendered{}
	for _, node := range nodes {
		r.tried = append(r.tried, sha256.Sum256(node.doc))
		if len(node.doc) > len(largest.doc) {
			largest = node
		}
	}
	if n := int64(len(largest.doc)); n > large {
		r.warn("%s: warning: the Ignition document of %s has %s; QEMU's fw_cfg is read slowly, fetch large files from a URL instead",
			r.sources(largest.Name), largest.Name, progress.Bytes(n))
	}
	return nil
}

// checkWords looks for words without a value in each config by itself, where the place still is the user's.
func (r *Run) checkWords(more render.Words) error {
	words, err := r.sharedWords()
	if err != nil {
		return err
	}
	maps.Copy(words, more)
	maps.Copy(words, nodeWords(workspace.Node{}))
	words[sshWord] = sshWord
	if err := r.checkWordsOf(r.configPath(), r.template.JSON, words); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(r.overlays)) {
		if err := r.checkWordsOf(r.beside(overlayName(name)), r.overlays[name].JSON, words); err != nil {
			return err
		}
	}
	return nil
}

func (r *Run) checkWordsOf(path string, doc []byte, words render.Words) error {
	warnings, err := render.Check(doc, words)
	for _, warning := range warnings {
		r.warn("%s: %s", path, warning)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// sources are the files that the node's document is made of.
func (r *Run) sources(node string) string {
	if _, has := r.overlays[node]; has {
		return r.configPath() + " with " + r.beside(overlayName(node))
	}
	return r.configPath()
}

// transpile reads one config and says what is worth a word.
func (r *Run) transpile(path string) (transpile.Template, error) {
	template, err := transpile.File(path, r.beside("files"))
	if err != nil {
		return template, err
	}
	for _, warning := range template.Warnings {
		r.warn("%s", warning)
	}
	if err := render.Validate(template.JSON); err != nil {
		return template, fmt.Errorf("%s: %w", path, err)
	}
	return template, nil
}

// warn says what does not stop, once; who runs the stages quietly finds it in warned.
func (r *Run) warn(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if slices.Contains(r.warned, text) {
		return
	}
	r.warned = append(r.warned, text)
	r.log.Say("%s", text)
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
