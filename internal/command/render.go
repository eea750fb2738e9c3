package command

import (
	"context"

	"coreos-libvirt/internal/config"
	"coreos-libvirt/internal/etcd/generation"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/workspace/artifact"
)

// Render makes each node's vm/<node>/ignition.json of the template. None is written before all are made.
func (r *Run) Render(ctx context.Context) error {
	if err := r.lock(ctx, r.Prefix); err != nil {
		return err
	}
	made, err := r.forDocuments(r.source, r.generation, false)
	if err != nil {
		return err
	}
	if r.documents, err = r.source.Render(made); err != nil {
		return err
	}
	for _, d := range r.documents {
		if err := r.writeDocument(d); err != nil {
			return err
		}
	}
	return nil
}

// wouldRender makes all documents as `mage render` would, and nothing else: nothing is written, made, locked or said. With
// an error it gives what there is so far. try also finds what would go wrong with a discovery token that is still to be made.
func (r *Run) wouldRender(ctx context.Context, try bool) (all rendered, err error) {
	if all.source, err = config.Read(configOptions(r)); err != nil {
		return all, err
	}
	o := r.generationOptions()
	o.ReadOnly, o.Try, o.Say = true, try, func(string, ...any) {}
	if all.generation, err = generation.Make(ctx, o, all.source); err != nil {
		return all, err
	}
	made, err := r.forDocuments(all.source, all.generation, true)
	if err != nil {
		return all, err
	}
	all.documents, err = all.source.Render(made)
	return all, err
}

// looksRendered is wouldRender without a look at what the discovery service would say.
func (r *Run) looksRendered(ctx context.Context) (rendered, error) { return r.wouldRender(ctx, false) }

// forDocuments is what was made for the cluster and goes into its documents: what its generation has, and the public
// half of the key pair if the config asks for it.
func (r *Run) forDocuments(source config.Source, g generation.Generation, readOnly bool) (config.Made, error) {
	made := g.ForDocuments(r.members())
	used, err := source.Uses(config.SSHWord)
	if err != nil || !used {
		return made, err
	}
	made.Words[config.SSHWord], err = publicKey(r.access(r.Prefix), "cluster-"+r.Prefix, readOnly)
	return made, err
}

// publicKey is the public half of the cluster's key pair, which is made if it is missing, but not by a look.
// comment is what is written behind a new one.
func publicKey(access guest.Access, comment string, readOnly bool) (string, error) {
	if readOnly && !access.HasKey() {
		return config.SSHWord, nil // the key pair is still to be made, as are the nodes
	}
	return access.PublicKey(comment)
}

func (r *Run) writeDocument(d config.Document) error {
	if r.generation.Pending {
		return nil
	}
	wrote, err := artifact.WriteIfChanged(d.Ignition(), d.JSON, 0o600)
	if err != nil {
		return err
	}
	if wrote {
		r.log.Say("%s: rendered %s", d.Name, r.ws().Relative(d.Ignition()))
	} else {
		r.log.Say("%s: ignition.json unchanged", d.Name)
	}
	return nil
}
