package command

import (
	"slices"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/terminal/hint"
)

// isProtected reports whether the cluster is protected: by protect= of this run, else by its file, else as it was said last.
func isProtected(r *Run, prefix string) bool {
	if r.Said("protect") && r.Protect != "" {
		return r.Protect == "true"
	}
	if declared := settings.IsProtected(prefix, settings.System()); declared != "" {
		return declared == "true"
	}
	return r.ws().IsProtected(prefix)
}

// unprotected is an error if one of the clusters, which the target would remove, is protected.
func unprotected(r *Run, target string, clusters []string) error {
	for _, prefix := range clusters {
		if isProtected(r, prefix) {
			words := []string{"prefix=" + prefix, "protect=false"}
			if target == "labdown" { // it is about all of them
				words = words[1:]
			}
			return hint.Errorf("`"+asCalled(r.Settings, target, words...)+"` removes it all the same", "the cluster %s is protected (protect=true); nothing was removed", prefix)
		}
	}
	return nil
}

// keepProtection notes protect= for the cluster of this run, which stays as it is if nodes of a protected one should be recreated.
func keepProtection(r *Run) error {
	if err := keepsProtected(r, plan.Plan{}); err != nil || r.Protect == "" {
		return err
	}
	return r.ws().Protect(r.Prefix, isProtected(r, r.Prefix))
}

// keepsProtected is an error if nodes of a protected cluster should be recreated or removed. One that was never ready has no data,
// and may be recreated.
func keepsProtected(r *Run, p plan.Plan) error {
	removes := slices.ContainsFunc(p.Surplus, func(s plan.Step) bool { return s.Action == plan.Remove })
	if !removes && r.Recreate == "" || !isProtected(r, r.Prefix) {
		return nil
	}
	what := "nodes=, which removes some"
	if r.Recreate != "" {
		what = "recreate=" + r.Recreate
	}
	return hint.Errorf("protect=false on the same command line allows it, from now on", "the cluster %s is protected (protect=true) from %s", r.Prefix, what)
}
