package moment

import (
	"fmt"
	"slices"
	"strings"

	"coreos-libvirt/internal/engine"
)

// Check is an error if the cluster, of these nodes now, cannot go back to the moment: it is not complete, or there is a node that
// it does not know, or whose disks were other files then.
func (m Snapshot) Check(nodes []engine.Domain) (obstacle Obstacle) {
	if !m.Complete() {
		return Obstacle{What: "it is incomplete: " + m.Lacking(), Incomplete: true}
	}
	for _, d := range nodes {
		is, known := m.of[d.Name]
		switch {
		case !known:
			return Obstacle{What: d.Name + " came to the cluster later", Later: true}
		case !slices.Equal(is.Disks, d.Disks):
			return Obstacle{What: fmt.Sprintf("%s had the disk %s then, and has %s now", d.Name, strings.Join(is.Disks, ", "), strings.Join(d.Disks, ", "))}
		}
	}
	return Obstacle{}
}

// Obstacle is why a cluster does not go back to a snapshot.
type Obstacle struct {
	What       string // empty if nothing is in the way
	Incomplete bool   // not all nodes have it
	Later      bool   // there is a node that it does not know
}

// Rollback takes all nodes back to the moment. Their definitions stay as they are now. All nodes are paused before the first goes
// back, and none goes on, so that no two ever run that are of different times: if it fails, or its process is killed, it can be
// done again. done is called when all are back, before those that have their memory go on. It gives those that
// do, and those that are to be booted.
func Rollback(on Engine, m Snapshot, nodes []engine.Domain, definitions map[string]string, done func() error) (goOn, boot []engine.Domain, err error) {
	if _, err := pause(on, nodes); err != nil {
		return nil, nil, err
	}
	err = each(nodes, func(d engine.Domain) error {
		if err := on.Revert(d.Name, m.of[d.Name]); err != nil {
			return err
		}
		_, err := on.Define(definitions[d.Name])
		return err
	})
	if err == nil {
		err = done()
	}
	if err != nil {
		return nil, nil, err
	}
	for _, d := range nodes {
		switch note, _ := ParseNote(m.of[d.Name].Note); {
		case m.of[d.Name].Memory:
			goOn = append(goOn, d)
		case note.Boots:
			boot = append(boot, d)
		}
	}
	return goOn, boot, letGo(on, goOn)
}

// Definitions are those of the nodes, by name.
func Definitions(nodes []engine.Domain) map[string]string {
	all := map[string]string{}
	for _, d := range nodes {
		all[d.Name] = d.XML
	}
	return all
}
