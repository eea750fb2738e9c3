// Package restoration gives the etcd of a cluster whose nodes run all that a snapshot has: keys with their revisions, leases, users and
// roles. Each member gets new data, as `etcdutl snapshot restore` makes them, and keeps those that it had beside them. Either all
// members get theirs, or all go on with what they had. A run that is killed between leaves a note, by which the next one goes back.
package restoration

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/etcdunit"
	"coreos-libvirt/internal/cluster/members"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/wait"
)

// Cluster is a cluster's etcd, and the nodes that its members are on: all of them, and they can be reached.
type Cluster struct {
	View   members.View
	Nodes  []boot.Node
	Folder string // of this host, for the new data of all members; it goes in the end

	// Note keeps what a run has begun, until it has no target.
	Note func(workspace.Unfinished) error
	Back string // the command that puts back what was there
}

// Snapshot is a file that `mage backup` wrote, and what is in it.
type Snapshot struct {
	Path string
	etcd.Snapshot
}

// NameOf is the name of a restore that begins at that time.
func NameOf(at time.Time) string { return at.UTC().Format("20060102T150405Z") }

// Check is an error if the etcd that there is must not be replaced: it has keys, or nobody knows whether it has. force says that it
// may have some.
func (c Cluster) Check(ctx context.Context, force string) error {
	status, err := c.View.StatusOf(ctx, c.Nodes)
	if err != nil {
		return err
	}
	sound := status.Sound()
	if len(sound) == 0 {
		return hint.Errorf("`"+force+"` restores all the same; what the members have now is kept beside it", "etcd does not say whether it has keys: %w", status.Check(1))
	}
	has, err := etcd.Count(ctx, c.View.Client(), members.Endpoints(sound))
	if err == nil && has.Keys > 0 {
		err = hint.Errorf("`"+force+"` replaces them; what the members have now is kept beside it", "etcd of the cluster %s has %d keys, which a restore replaces", c.View.Options.Prefix, has.Keys)
	}
	return err
}

// Restore gives the members the data of the snapshot. name is that of the restore, NameOf.
func (c Cluster) Restore(ctx context.Context, snapshot Snapshot, name string) error {
	was, err := c.View.StatusOf(ctx, c.Nodes)
	if err != nil {
		return err
	}
	u := workspace.Unfinished{Target: workspace.TargetRestore, Name: name}
	if u.Places, err = c.places(ctx); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(c.Folder) }()
	dirs := c.dirs(was.Peers)
	if err := c.brought(ctx, snapshot, u, dirs); err != nil {
		_ = c.each(ctx, u, "clean") // of a node that does not answer the next restore removes it
		return fmt.Errorf("nothing was restored, etcd is as it was: %w", err)
	}
	if err := c.Note(u); err != nil {
		return err
	}
	if err = c.exchange(ctx, u); err == nil {
		err = c.verify(ctx, snapshot, dirs)
	}
	if err != nil {
		return c.failed(ctx, u, was, err)
	}
	return c.Note(workspace.Unfinished{})
}

// places are where the nodes' etcd are, by the nodes' names.
func (c Cluster) places(ctx context.Context) (map[string]workspace.EtcdPlace, error) {
	found := make([]workspace.EtcdPlace, len(c.Nodes))
	err := errors.Join(wait.AtOnce(len(c.Nodes), func(i int) (err error) {
		ctx, cancel := etcdunit.Limited(ctx, c.View)
		defer cancel()
		if found[i], err = etcdunit.Look(ctx, c.View.SSH, c.Nodes[i]); err != nil {
			err = fmt.Errorf("%s: %w", c.Nodes[i].Step.Node.Name, err)
		}
		return err
	})...)
	places := map[string]workspace.EtcdPlace{}
	for i, node := range c.Nodes {
		places[node.Step.Node.Name] = found[i]
	}
	return places, err
}

// peerPort is where etcd's members reach each other (IANA: etcd-server).
const peerPort = "2380"

// dirs are the members that there will be: of each node the one that it has by what the others know or, if nobody knows one, of the
// node's name at its address.
func (c Cluster) dirs(known etcd.Peers) (dirs []etcd.DataDir) {
	for _, node := range c.Nodes {
		name, address := node.Step.Node.Name, node.Address()
		dir := etcd.DataDir{Name: name, URLs: []string{strings.TrimSuffix(c.View.ClientURL(address), "2379") + peerPort}, Folder: filepath.Join(c.Folder, name)}
		if peer, is := known.Of(name, address); is && len(peer.URLs) > 0 {
			dir.URLs = peer.URLs
			if peer.Name != "" {
				dir.Name = peer.Name
			}
		}
		dirs = append(dirs, dir)
	}
	return dirs
}

// brought makes the new data and brings them to the nodes. Etcd knows nothing of them.
func (c Cluster) brought(ctx context.Context, snapshot Snapshot, u workspace.Unfinished, dirs []etcd.DataDir) error {
	if err := errors.Join(os.RemoveAll(c.Folder), os.MkdirAll(c.Folder, 0o700)); err != nil {
		return err
	}
	if err := etcd.MakeDataDirs(ctx, c.View.Options.Helper, snapshot.Path, c.View.Options.Prefix+"-"+u.Name, dirs); err != nil {
		return err
	}
	return errors.Join(wait.Each(len(c.Nodes), func(i int) error {
		name := c.Nodes[i].Step.Node.Name
		err := c.bring(ctx, c.Nodes[i], u.Places[name], u.Name, filepath.Join(dirs[i].Folder, "member"))
		if err == nil {
			c.View.Log.Say("%s: has the new data beside those of its etcd", name)
		}
		return err
	})...)
}

// exchange stops all members, puts the new data in place, and starts all members.
func (c Cluster) exchange(ctx context.Context, u workspace.Unfinished) error {
	for _, verb := range []string{"stop", "swap"} {
		if err := c.each(ctx, u, verb); err != nil {
			return err
		}
	}
	c.View.Log.Say("etcd: stopped on %d nodes, and started with the new data", len(c.Nodes))
	u.Starts = true
	return errors.Join(c.Note(u), c.each(ctx, u, "start"))
}

// verify waits until all members are healthy, and have what the snapshot has.
func (c Cluster) verify(ctx context.Context, snapshot Snapshot, dirs []etcd.DataDir) error {
	status, err := members.AwaitHealthy(ctx, c.View, c.Nodes)
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		if !slices.ContainsFunc(status.Peers, func(p etcd.Peer) bool { return slices.Equal(p.URLs, dir.URLs) }) || len(status.Peers) != len(dirs) {
			return fmt.Errorf("etcd does not have the members that were made, %s among them", dir.Name)
		}
	}
	has, err := etcd.Count(ctx, c.View.Client(), members.Endpoints(status.Members))
	if err == nil && has.Revision < snapshot.Revision {
		err = fmt.Errorf("etcd is at revision %d, and the snapshot at %d", has.Revision, snapshot.Revision)
	}
	return err
}

// failed puts back what there was before, and says so. was is how etcd was.
func (c Cluster) failed(ctx context.Context, u workspace.Unfinished, was etcd.Status, err error) error {
	if ctx.Err() != nil { // nobody waits for that
		return hint.Errorf("`"+c.Back+"` puts back what was there before", "the restore has begun, and has not ended: etcd may be stopped: %w", err)
	}
	if notBack := c.putBack(ctx, u, "drop"); notBack != nil {
		return c.stuck(errors.Join(fmt.Errorf("the restore failed: %w", err), notBack))
	}
	back := "all members have the data again that they had"
	if was.Check(len(c.Nodes)) == nil {
		if _, unwell := members.AwaitHealthy(ctx, c.View, c.Nodes); unwell != nil {
			return errors.Join(fmt.Errorf("the restore failed, and %s: %w", back, err), unwell)
		}
		back += ", and etcd is healthy"
	}
	return fmt.Errorf("the restore failed, and %s: %w", back, err)
}

// stuck is the error of members that are not as they were.
func (c Cluster) stuck(err error) error {
	return hint.Errorf("`"+c.Back+"` tries it again, nothing is lost", "not all members have the data again that they had, and etcd may be stopped on some: %w", err)
}

// tries is how often a node that does not answer is asked to put back what was there.
const tries = 3

// putBack puts back what there was before. What etcd has written since is kept if that is said by "keep".
func (c Cluster) putBack(ctx context.Context, u workspace.Unfinished, since string) (err error) {
	for try := range tries {
		if try > 0 && !wait.Sleep(ctx, time.Second) {
			break
		}
		if err = c.each(ctx, u, "back", since); err == nil {
			return c.Note(workspace.Unfinished{})
		}
	}
	return err
}

// all does something for all nodes at once.
func (c Cluster) all(do func(boot.Node) error) error {
	return errors.Join(wait.AtOnce(len(c.Nodes), func(i int) error { return do(c.Nodes[i]) })...)
}
