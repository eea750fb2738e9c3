package facts

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"time"

	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/config/render"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/wait"
)

// How long a node may take to say that it is ready, if it is: it does so within a second, and each other one that is asked at the
// same time keeps the host busy.
const (
	oneAnswer = 2 * time.Second
	eachMore  = 10 * time.Millisecond
)

// Unruled reports whether the node was made from another document than that of the digest, and one that has no rule by which
// its system uses what is plugged. It is taken for one if the document that it was made from is not known.
func Unruled(found plan.Found, digest string) bool {
	return found.Defined && found.Domain.Metadata.Ignition != digest && !hasRule(found.Node)
}

// hasRule reports whether the document that the node was made from has the readiness snippet, with its rule.
func hasRule(node workspace.Node) bool {
	made, err := os.ReadFile(node.MadeOf())
	return err == nil && bytes.Contains(made, []byte(render.HotplugRules))
}

// wasReady reports whether the node reported that it is ready, in any boot since it was made.
func wasReady(node workspace.Node) bool {
	return workspace.Exists(node.Report()) || workspace.Exists(node.EarlierReport())
}

// Ask waits for the node's next report that says that it can be reached. waits gets the reasons why it cannot be reached yet.
type Ask func(ctx context.Context, node string, waits func(reason string)) (guest.Report, error)

// AskAll finds out of each node whose document is another one now, of that digest, whether it has never been ready since it was
// made. All are asked at once: most of the time each is waited for.
func AskAll(ctx context.Context, disks engine.Disks, found []plan.Found, digests []string, ask Ask) {
	patience := oneAnswer + time.Duration(len(found))*eachMore
	_ = wait.AtOnce(len(found), func(i int) error {
		found[i].NeverReady = neverReady(ctx, disks, found[i], digests[i], patience, ask)
		return nil
	})
}

// neverReady reports whether nobody has data on the node: it has never been ready. If that is not sure, it was ready.
func neverReady(ctx context.Context, disks engine.Disks, found plan.Found, digest string, patience time.Duration, ask Ask) bool {
	node := found.Node
	if !found.Defined || found.Domain.Metadata.Ignition == digest || !found.Fresh || !hasRule(node) || wasReady(node) {
		return false
	}
	cameUp, failed, err := bootsOn(disks.Log(node.Files()))
	switch {
	case err != nil || cameUp: // somebody may have logged in
		return false
	case failed || found.Domain.State == engine.ShutOff:
		return true
	case found.Domain.State != engine.Running:
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return silent(ctx, node, ask)
}

// silent reports whether the node says nothing at all by its channel. One that says why it is not ready has come up.
func silent(ctx context.Context, node workspace.Node, ask Ask) bool {
	said := false
	_, err := ask(ctx, node.Name, func(string) { said = true })
	return !said && errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, engine.ErrBusy)
}

// bootsOn tells what a console shows: whether the system came up in any boot, and whether its last boot failed. A log of which a
// part was moved away does not show all.
func bootsOn(log engine.Log) (cameUp, failed bool, err error) {
	console := guest.NewConsole(log)
	told, err := console.Failure()
	cameUp = slices.Contains(console.Passed(), "login") || log.Cut()
	return cameUp, len(told) > 0, err
}
