package workspace

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"coreos-libvirt/internal/workspace/artifact"
)

// Unfinished is what a run has begun with all nodes of a cluster, and has not ended: a snapshot, or a rollback to one.
type Unfinished struct {
	Target      string            `json:"target"`                // snapshot or rollback
	Name        string            `json:"name"`                  // of the snapshot
	Definitions map[string]string `json:"definitions,omitempty"` // of the nodes, which a rollback keeps
}

// The targets that a run may not have ended.
const (
	TargetSnapshot = "snapshot"
	TargetRollback = "rollback"
)

// UnfinishedOf is what has not ended; without a target if that is nothing.
func UnfinishedOf(w Workspace, prefix string) (u Unfinished, err error) {
	path := w.VM(unfinishedName + prefix)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return u, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &u)
	}
	if err != nil {
		err = fmt.Errorf("%s: cannot read whether a snapshot or a rollback has not ended: %w", w.Relative(path), err)
	}
	return u, err
}

// Begin notes that a run begins it with all nodes of the cluster.
func (u Unfinished) Begin(w Workspace, prefix string) error {
	text, err := json.Marshal(u)
	if err != nil {
		return err
	}
	return artifact.Write(w.VM(unfinishedName+prefix), append(text, '\n'), 0o600)
}

// Finished notes that it has ended.
func Finished(w Workspace, prefix string) error { return Forget(w.VM(unfinishedName + prefix)) }
