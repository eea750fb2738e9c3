package command

import (
	"context"

	"coreos-libvirt/internal/config"
	"coreos-libvirt/internal/etcd/generation"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/artifact"
)

// Render makes each node's vm/<node>/ignition.json of the template. None is written before all are made.
func (r *Run) Render(ctx context.Context) error {
	documents, err := documentsOf(ctx, r)
	if err != nil {
		return err
	}
	current, err := generationOf(ctx, r)
	if err != nil {
		return err
	}
	return writeDocuments(r.ws(), current, r.log.Say, documents...)
}

// renderAll makes the documents of all nodes.
func renderAll(r *Run, source config.Set, current generation.Generation, looks bool) ([]config.Document, error) {
	made, err := forDocuments(r, source, current, looks)
	if err != nil {
		return nil, err
	}
	return source.Render(made)
}

// wouldRender makes all documents as `mage render` would, and nothing else: nothing is written, made, locked or said. With
// an error it gives what there is so far. try also finds what would go wrong with a discovery token that is still to be made.
func wouldRender(ctx context.Context, r *Run, try bool) (all rendered, err error) {
	if all.source, err = readConfigs(r); err != nil {
		return all, err
	}
	o, err := generation.WithMembers(r.generationOptions(), all.source)
	if err != nil {
		return all, err
	}
	o.ReadOnly, o.Try, o.Say = true, try, func(string, ...any) {}
	if all.generation, err = generation.Make(ctx, o, all.source); err != nil {
		return all, err
	}
	all.documents, err = renderAll(r, all.source, all.generation, true)
	return all, err
}

// toLook gives what wouldRender does, without asking what the discovery service would say.
func toLook(r *Run) func(context.Context) (rendered, error) {
	return func(ctx context.Context) (rendered, error) { return wouldRender(ctx, r, false) }
}

// forDocuments is what was made for the cluster and goes into its documents: what its generation has, and the public
// half of the key pair if the config asks for it.
func forDocuments(r *Run, source config.Set, current generation.Generation, looks bool) (config.Made, error) {
	made := current.ForDocuments(r.members())
	used, err := source.Uses(config.SSHWord)
	if err != nil || !used {
		return made, err
	}
	made.Words[config.SSHWord], err = publicKey(r.access(r.Prefix), "cluster-"+r.Prefix, looks)
	return made, err
}

// publicKey is the public half of the cluster's key pair, which is made if it is missing, but not by a run that looks.
// comment is what is written behind a new one.
func publicKey(access guest.Access, comment string, looks bool) (string, error) {
	if looks && !access.HasKey() {
		return config.SSHWord, nil // the key pair is still to be made, as are the nodes
	}
	return access.PublicKey(comment)
}

// writeDocuments writes nodes' documents, unless their words are still to come.
func writeDocuments(w workspace.Workspace, current generation.Generation, say func(string, ...any), documents ...config.Document) error {
	if current.Pending {
		return nil
	}
	for _, d := range documents {
		wrote, err := artifact.WriteIfChanged(d.Ignition(), d.JSON, 0o600)
		if err != nil {
			return err
		}
		if wrote {
			say("%s: rendered %s", d.Name, w.Relative(d.Ignition()))
		} else {
			say("%s: ignition.json unchanged", d.Name)
		}
	}
	return nil
}
