package command

import (
	"context"
	"fmt"
	"strings"

	"coreos-libvirt/internal/config"
	"coreos-libvirt/internal/etcd/generation"
	"coreos-libvirt/internal/image/base"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/artifact"
)

// Transpile makes vm/ignition-template.json of the user's config, and reads the overlays of its nodes.
func (r *Run) Transpile(ctx context.Context) error {
	source, err := sourceOf(r)
	for _, warning := range source.Warnings {
		r.log.Say("%s", warning)
	}
	if err != nil {
		return err
	}
	if err := verified(ctx, r, source); err != nil {
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
		Workspace: r.Workspace, Path: configPath(r), Prefix: r.Prefix, Nodes: r.members(), Vars: r.VarsFile, VarAs: r.VarAs,
		Advice: func(word string) string { return wordAdvice(r, word) },
		Later:  generation.Later(r.generationOptions()), System: base.SystemOf(r.Image),
		Ready: r.Ready, Updates: r.Updates, UpdatesGiven: r.Given("updates"), Rendered: r.counts.rendered,
	}
}

// wordAdvice says what gives a word of discovery a value.
func wordAdvice(r *Run, word string) string {
	ways, renew := generation.Offers(r.generationOptions(), word)
	if len(ways) == 0 {
		return ""
	}
	words, end := strings.Fields(ways[0]), "gives it one"
	if renew {
		words, end = append(words, "recreate=all"), "makes a new cluster, in which it has one"
	}
	advice := fmt.Sprintf("`%s` %s", upAsCalled(r.Settings, words...), end)
	if len(ways) > 1 {
		advice += ", as would " + strings.Join(ways[1:], ", ")
	}
	return advice
}

// configPath is config= as the user would write it from the workspace.
func configPath(r *Run) string { return config.Path(r.Workspace, r.Config) }
