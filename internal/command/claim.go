package command

import "context"

// Claim makes sure, before anything of the cluster is made, that nothing of it is somebody else's, and keeps other
// runs off it.
func (r *Run) Claim(ctx context.Context) error {
	if err := r.lock(ctx, r.Prefix); err != nil {
		return err
	}
	domains, err := r.values.domains.get(r.domains)
	if err != nil {
		return err
	}
	return r.at().InTheWay(r.members(), domains, r.Prefix)
}
