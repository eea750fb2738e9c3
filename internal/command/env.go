package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/wait"
)

// SSHConfig prints the lines of ssh_config(5) for all nodes that can be reached, so that `ssh core01` works. Of the
// others it tells beside them.
func (r *Run) SSHConfig(ctx context.Context) error {
	nodes, err := r.chosenNodes()
	if err != nil {
		return err
	}
	blocks := make([]string, len(nodes))
	failed := wait.AtOnce(len(nodes), func(i int) (err error) {
		blocks[i], err = r.sshBlock(ctx, nodes[i])
		return err
	})
	reached := 0
	for i, block := range blocks {
		if failed[i] == nil {
			r.log.Say("%s", block)
			reached++
		}
	}
	if reached == 0 {
		return errors.Join(failed...)
	}
	for _, err := range failed {
		if err != nil {
			fmt.Fprintln(os.Stderr, "sshconfig: left out:", hint.FirstLine(err))
		}
	}
	return nil
}

// Env prints what a shell needs so that `docker` talks to node=: eval "$(mage env node=core01)".
func (r *Run) Env(ctx context.Context) error {
	node, err := r.chosen()
	if err != nil {
		return err
	}
	block, err := r.sshBlock(ctx, node)
	if err != nil {
		return err
	}
	r.log.Say("export DOCKER_HOST='ssh://%s@%s'", r.User, node.Name)
	r.log.Say("# ssh must know the node: put these lines into ~/.ssh/config (`mage sshconfig` prints those of all nodes)")
	for line := range strings.Lines(block) {
		r.log.Say("# %s", strings.TrimRight(line, "\n"))
	}
	return nil
}

// sshBlock is the node's block of ssh_config(5), after asking it where it is.
func (r *Run) sshBlock(ctx context.Context, d engine.Domain) (string, error) {
	if d.State != engine.Running {
		return "", hint.Errorf("`mage start node="+d.Name+"` boots it", "%s: it does not run (%s)", d.Name, d.State)
	}
	report, err := r.reach().Whereabouts(ctx, d, r.Ready)
	if err != nil {
		return "", err
	}
	access := r.access(d.Metadata.Cluster)
	if err := access.Trust(map[string]guest.Report{d.Name: report}); err != nil {
		return "", err
	}
	return access.Config(r.User, d.Name, report.Address(workspace.MAC(d.Name))), nil
}
