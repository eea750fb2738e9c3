package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/guest/transfer"
	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/workspace/wait"
)

// Copy copies a file or folder to nodes, or from nodes: from several into a folder for each.
func Copy(ctx context.Context, r *Run) error {
	from, to := endOf(r.From), endOf(r.To)
	if err := oneAway(r.Settings, from, to); err != nil {
		return err
	}
	nodes, err := nodesToCopy(r, from, to)
	if err != nil {
		return err
	}
	return errors.Join(wait.AtOnce(len(nodes), func(i int) error {
		err := copyOf(ctx, r, nodes[i], from, to)
		if err == nil || strings.HasPrefix(err.Error(), nodes[i].Name) {
			return err
		}
		return fmt.Errorf("%s: %w", nodes[i].Name, err)
	})...)
}

// place is a path here, or one of a node's.
type place struct {
	away bool
	node string // its name; empty for those that node=, prefix= or all=true choose
	path string
}

// endOf parts node:path. As in scp(1), a colon behind a slash is one of a path here.
func endOf(text string) place {
	node, path, colon := strings.Cut(text, ":")
	if !colon || strings.Contains(node, "/") {
		return place{path: text}
	}
	if path == "" || path == "~" {
		path = "."
	}
	return place{away: true, node: node, path: strings.TrimPrefix(path, "~/")}
}

// oneAway is an error unless just one of the two is a node's.
func oneAway(s *settings.Settings, from, to place) error {
	advice := fmt.Sprintf("`%s`, or `%s`; a path here that has a colon begins with ./",
		asCalled(s, "cp", "from=site", "to=core01:/srv"), asCalled(s, "cp", "from=core01:/etc/os-release", "to=."))
	switch {
	case s.From == "" || s.To == "":
		return hint.Errorf(advice, "cp wants from= and to=")
	case from.away == to.away:
		return hint.Errorf(advice, "from=%s to=%s: one of them is node:path, the other a path here", s.From, s.To)
	}
	return nil
}

// nodesToCopy are the nodes that one of the places is on.
func nodesToCopy(r *Run, from, to place) ([]engine.Domain, error) {
	domains, err := r.domains()
	if err != nil {
		return nil, err
	}
	c, named := chosen(r), from.node+to.node
	switch {
	case named != "" && (r.All || r.Node != "" && r.Node != named):
		return nil, hint.Errorf("a path without a node, :path, is of those that they choose", "%s: is named beside node= or all=true", named)
	case named == "" && isSeveral(r):
		return c.some(domains)
	case named != "":
		c.node = named
	}
	node, err := c.one(domains)
	return []engine.Domain{node}, err
}

// copyOf copies to the node, or from it.
func copyOf(ctx context.Context, r *Run, node engine.Domain, from, to place) error {
	if err := standsStill(r.Settings, node); err != nil {
		return err
	}
	access, address, err := r.reach().Way(ctx, node)
	if err != nil {
		return err
	}
	files, err := transfer.Open(access.SFTP(ctx, r.User, node.Name, address))
	if err != nil {
		return err
	}
	defer func() { _ = files.Close() }()
	if from.away {
		return gotten(ctx, r, node.Name, files, from, to)
	}
	copied, err := files.Put(ctx, from.path, to.path)
	sayCopied(r, node.Name, copied, err)
	if errors.Is(err, os.ErrPermission) {
		err = hint.Errorf(fmt.Sprintf("copy it to :/tmp; `%s` then puts it there", asCalled(r.Settings, "ssh", "node="+node.Name, "cmd='sudo mv /tmp/… …'")), "%w", err)
	}
	return err
}

// gotten copies from the node: into a folder of its own, if nodes were asked for and not one of them.
func gotten(ctx context.Context, r *Run, node string, files *transfer.Files, from, to place) error {
	if from.node == "" && isSeveral(r) {
		to.path = filepath.Join(to.path, node)
		if err := os.MkdirAll(to.path, 0o755); err != nil {
			return err
		}
	}
	copied, err := files.Get(ctx, from.path, to.path)
	sayCopied(r, node, copied, err)
	return err
}

// sayCopied says what was copied, and what was left out.
func sayCopied(r *Run, node string, c transfer.Copied, err error) {
	for _, path := range c.LeftOut {
		r.log.Say("%s: left out, as it is not a file, folder or symbolic link: %s", node, path)
	}
	if err == nil {
		r.log.Say("%s: %s (%s, %s)", node, c.To, count(c.Files, "file"), progress.Bytes(c.Bytes))
	}
}
