package command

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"coreos-libvirt/internal/config"
	"coreos-libvirt/internal/etcd/generation"
	"coreos-libvirt/internal/image/base"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/artifact"
)

// Transpile makes vm/ignition-template.json of the user's config, and reads the overlays of its nodes. A cluster with several
// configs gets a template of each.
func (r *Run) Transpile(ctx context.Context) error {
	source, err := sourceOf(r)
	for _, warning := range source.Warnings() {
		r.log.Say("%s", warning)
	}
	if err != nil {
		return err
	}
	if err := verified(ctx, r, source); err != nil {
		return err
	}
	said := map[string]bool{}
	for _, one := range source.Sources {
		if said[one.Path] {
			continue
		}
		if err := writeTemplate(r, one, workspace.Template(one.Path, len(said) == 0)); err != nil {
			return err
		}
		said[one.Path] = true
	}
	return nil
}

func writeTemplate(r *Run, source config.Source, name string) error {
	wrote, err := artifact.WriteIfChanged(r.ws().VM(name), source.Common.JSON, 0o600)
	if err != nil {
		return err
	}
	if wrote {
		r.log.Say("transpile: %s -> vm/%s", source.Path, name)
	} else {
		r.log.Say("transpile: %s unchanged", source.Path)
	}
	return nil
}

// readConfigs reads the configs of all nodes, each once. With an error it gives those before, for their warnings.
func readConfigs(r *Run) (config.Set, error) {
	read := []config.Source{}
	for _, p := range alike(partsOf(r), byConfig) {
		source, err := config.Read(configOptions(r, p))
		if read = append(read, source); err != nil {
			return config.SetOf(r.members(), read...), err
		}
	}
	return config.SetOf(r.members(), read...), nil
}

// configOptions say what the documents of a part's nodes are made of.
func configOptions(r *Run, p part) config.Options {
	return config.Options{
		Workspace: r.Workspace, Path: config.Path(r.Workspace, p.Config), Prefix: r.Prefix, Nodes: p.nodes, Cluster: r.members(),
		Vars: p.VarsNeeded, VarAs: p.VarAs,
		Advice: func(word string) string { return wordAdvice(r, word) },
		Later:  generation.Later(r.generationOptions()), System: base.SystemOf(p.Image),
		Ready: p.Ready, Updates: p.Updates, UpdatesGiven: p.Given("updates"), Rendered: r.counts.rendered,
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

// configPaths are those of all nodes.
func configPaths(r *Run) (paths []string) {
	for _, p := range partsOf(r) {
		if path := config.Path(r.Workspace, p.Config); !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	return paths
}
