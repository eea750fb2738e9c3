package step

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace/artifact"
)

// recordPath is where the record is, below the root.
const recordPath = "var/lib/coreos-libvirt/host.json"

// entry is a step that was begun.
type entry struct {
	Kind  string          `json:"kind"`
	Title string          `json:"title"`
	Done  bool            `json:"done"` // false where Do has not come to its end
	Step  json.RawMessage `json:"step"`
}

// record is what setup has done to the machine, in order.
type record struct {
	path    string
	Version int     `json:"version"`
	Entries []entry `json:"entries"`
}

// read gives the record; a machine that was never set up has an empty one.
func (m Machine) read() (*record, error) {
	r := &record{path: m.Root.Path(recordPath), Version: 1}
	data, err := os.ReadFile(r.path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the record of what was set up: %w", err)
	}
	if err := json.Unmarshal(data, r); err != nil || r.Version != 1 {
		return nil, hint.Errorf("look at it; without it nothing is known of what to undo", "%s is not a record of this version (%w)", r.path, err)
	}
	return r, nil
}

// write puts the record in place; the last entry's removal removes the file. It may hold what a profile
// of NetworkManager does, which root alone may read.
func (r *record) write() error {
	if len(r.Entries) == 0 {
		if err := os.Remove(r.path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return artifact.Write(r.path, append(data, '\n'), 0o600)
}

// keep writes the step to the record, in place of the entry at, or as a new one where at is -1.
func (r *record) keep(at int, kind string, p Planned, done bool) (int, error) {
	data, err := json.Marshal(p.Step)
	if err != nil {
		return at, err
	}
	e := entry{Kind: kind, Title: p.Title, Done: done, Step: data}
	if at < 0 {
		r.Entries, at = append(r.Entries, e), len(r.Entries)
	} else {
		r.Entries[at] = e
	}
	return at, r.write()
}
