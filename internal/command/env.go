package command

import (
	"context"
	"errors"
	"strings"

	"coreos-libvirt/internal/cluster/reach"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/shellword"
	"coreos-libvirt/internal/workspace/wait"
)

// SSHConfig prints the lines of ssh_config(5) for all nodes that can be reached, so that `ssh core01` works. Why the others
// cannot be reached goes to standard error.
func SSHConfig(ctx context.Context, r *Run) error {
	nodes, err := chosenNodes(r)
	if err != nil {
		return err
	}
	blocks := make([]string, len(nodes))
	failed := wait.AtOnce(len(nodes), func(i int) (err error) {
		blocks[i], err = sshBlock(ctx, r.reach(), r.Settings, nodes[i])
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
			warn("sshconfig: left out: %s", hint.FirstLine(err))
		}
	}
	return nil
}

// Env prints what a shell needs so that `docker`, and `ssh core01`, reach node=: eval "$(mage env node=core01)".
func Env(ctx context.Context, r *Run) error {
	node, err := chosenNode(r, "env")
	if err != nil {
		return err
	}
	block, err := sshBlock(ctx, r.reach(), r.Settings, node)
	if err != nil {
		return err
	}
	folder, err := r.access(node.Metadata.Cluster).Environment(node.Name, block)
	if err != nil {
		return err
	}
	if strings.Contains(folder, ":") {
		return hint.Errorf("`"+asCalled(r.Settings, "sshconfig")+"` prints lines for ~/.ssh/config", "the workspace has a colon in its path: PATH cannot name its folders")
	}
	r.log.Say(`export PATH=%s:"$PATH"`, shellword.Of(folder))
	r.log.Say("export DOCKER_HOST='ssh://%s@%s'", r.User, node.Name)
	r.log.Say("# docker, ssh, git and rsync of this shell know %s by its name now: eval \"$(%s)\"", node.Name, asCalled(r.Settings, "env", "node="+node.Name))
	r.log.Say("# `%s` prints lines for ~/.ssh/config, by which other programs do", asCalled(r.Settings, "sshconfig"))
	return nil
}

// sshBlock is the node's block of ssh_config(5) for user=, after the node was asked where it is.
func sshBlock(ctx context.Context, nodes reach.Nodes, s *settings.Settings, d engine.Domain) (string, error) {
	if err := standsStill(s, d); err != nil {
		return "", err
	}
	access, address, err := nodes.Way(ctx, d)
	if err != nil {
		return "", err
	}
	return access.Config(s.User, d.Name, address), nil
}
