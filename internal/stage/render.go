package stage

import (
	"context"

	"coreos-libvirt/internal/config"
	"coreos-libvirt/internal/workspace/artifact"
)

// Render makes each node's vm/<node>/ignition.json of the template. None is written before all are made.
func (r *Run) Render(ctx context.Context) error {
	if err := r.lockUnlessReadOnly(ctx); err != nil {
		return err
	}
	made, err := r.forDocuments()
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

// forDocuments is what was made for the cluster and goes into its documents: what its generation has, and the public
// half of the key pair if the config asks for it.
func (r *Run) forDocuments() (config.Made, error) {
	made := r.generation.ForDocuments(r.members())
	used, err := r.source.Uses(config.SSHWord)
	if err != nil || !used {
		return made, err
	}
	made.Words[config.SSHWord], err = r.publicKey()
	return made, err
}

// publicKey is the public half of the cluster's key pair, which is made if it is missing.
func (r *Run) publicKey() (string, error) {
	if r.readOnly && !r.access(r.Prefix).HasKey() {
		return config.SSHWord, nil // the key pair is still to be made, as are the nodes
	}
	return r.access(r.Prefix).PublicKey("cluster-" + r.Prefix)
}

func (r *Run) writeDocument(d config.Document) error {
	if r.readOnly || r.generation.Pending {
		return nil
	}
	wrote, err := artifact.WriteIfChanged(d.Ignition(), d.JSON, 0o600)
	if err != nil {
		return err
	}
	if wrote {
		r.log.Say("%s: rendered %s", d.Name, r.relative(d.Ignition()))
	} else {
		r.log.Say("%s: ignition.json unchanged", d.Name)
	}
	return nil
}
