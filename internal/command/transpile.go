package command

import (
	"context"

	"coreos-libvirt/internal/config"
	"coreos-libvirt/internal/etcd/generation"
	"coreos-libvirt/internal/image/base"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/artifact"
)

// Transpile makes vm/ignition-template.json of the user's config, and reads the overlays of its nodes.
func (r *Run) Transpile(context.Context) error {
	source, err := sourceOf(r)
	for _, warning := range source.Warnings {
		r.log.Say("%s", warning)
	}
	if err != nil {
		return err
	}
	wrote, err := artifact.WriteIfChanged(r.ws().VM(workspace.TemplateName), source.Common.JSON, 0o600)
	if err != nil {
		return err
	}
	if wrote {
		r.log.Say("transpile: %s -> vm/%s", source.Path, workspace.TemplateName)
	} else {
		r.log.Say("transpile: %s unchanged", source.Path)
	}
	return nil
}

// configOptions say what the run's documents are made of.
func configOptions(r *Run) config.Options {
	return config.Options{
		Workspace: r.Workspace, Path: configPath(r), Prefix: r.Prefix, Nodes: r.members(), Vars: r.VarsFile,
		Later: generation.Later(r.generationOptions()), System: base.SystemOf(r.Image),
		Ready: r.Ready, Updates: r.Updates, UpdatesGiven: r.Given("updates"), Rendered: r.counts.rendered,
	}
}

// configPath is config= as the user would write it from the workspace.
func configPath(r *Run) string { return config.Path(r.Workspace, r.Config) }
