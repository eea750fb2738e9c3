package workspace

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"coreos-libvirt/internal/workspace/artifact"
)

// Unfinished is what a run has begun with all nodes of a cluster, and has not ended: a snapshot, a rollback to one, or a restore of etcd.
type Unfinished struct {
	Target      string               `json:"target"`                // snapshot, rollback or restore
	Name        string               `json:"name"`                  // of the snapshot; of a restore its time, which is in names on the nodes
	Definitions map[string]string    `json:"definitions,omitempty"` // of the nodes, which a rollback keeps
	Places      map[string]EtcdPlace `json:"places,omitempty"`      // by the nodes' names, of a restore
	Starts      bool                 `json:"starts,omitempty"`      // a restore: all nodes have the new data, and etcd starts
}

// EtcdPlace is where a node's etcd is.
type EtcdPlace struct {
	Unit string `json:"unit"` // of systemd: etcd.service
	Data string `json:"data"` // its data folder on the node: /var/lib/etcd
}

// The targets that a run may not have ended.
const (
	TargetSnapshot = "snapshot"
	TargetRollback = "rollback"
	TargetRestore  = "restore"
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
		err = fmt.Errorf("%s: cannot read whether a snapshot, a rollback or a restore has not ended: %w", w.Relative(path), err)
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
