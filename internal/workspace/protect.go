package workspace

import "coreos-libvirt/internal/workspace/artifact"

// protection is the path of the mark that the cluster is not to be removed.
func (w Workspace) protection(prefix string) string { return w.VM(protectName + prefix) }

// IsProtected reports whether the cluster is not to be removed, and its nodes are not to be recreated.
func (w Workspace) IsProtected(prefix string) bool { return Exists(w.protection(prefix)) }

// Protect notes whether the cluster is protected.
func (w Workspace) Protect(prefix string, on bool) error {
	if on {
		return artifact.Write(w.protection(prefix), []byte("protect=true\n"), 0o600)
	}
	return Forget(w.protection(prefix))
}
