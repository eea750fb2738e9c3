package restoration

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/etcdunit"
	"coreos-libvirt/internal/terminal/printable"
	"coreos-libvirt/internal/workspace"
)

//go:embed node.sh
var script string

// ask runs one of the script's verbs on the node, with standard input from in, and gives what it prints.
func (c Cluster) ask(ctx context.Context, node boot.Node, in io.Reader, verb string, args ...string) (string, error) {
	out, err := etcdunit.Run(ctx, c.View.SSH, node, in, "restore", script, append([]string{verb}, args...)...)
	if err != nil {
		return "", fmt.Errorf("%s: %s: %w", node.Step.Node.Name, does[verb], err)
	}
	return out, nil
}

// does is what a verb does, for people.
var does = map[string]string{
	"bring": "the new data cannot be brought to it",
	"clean": "the new data cannot be removed from it",
	"stop":  "its etcd cannot be stopped",
	"swap":  "the new data cannot be put in place",
	"start": "its etcd cannot be started",
	"back":  "what was there before cannot be put back",
}

// bring brings a member's new data to the node, beside those that it has.
func (c Cluster) bring(ctx context.Context, node boot.Node, at workspace.EtcdPlace, id, folder string) error {
	need, err := sizeOf(folder)
	if err != nil {
		return err
	}
	coming, packed := io.Pipe()
	go func() { packed.CloseWithError(pack(packed, folder)) }()
	defer func() { _ = coming.Close() }()
	_, err = c.ask(ctx, node, coming, "bring", at.Unit, at.Data, id, fmt.Sprint(need>>10))
	return err
}

// sizeOf is how many bytes the files of a folder have, and what a file system needs beside.
func sizeOf(folder string) (bytes int64, err error) {
	const each = 4 << 10
	err = filepath.WalkDir(folder, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			bytes += each + info.Size()
		}
		return err
	})
	return bytes, err
}

// pack writes the files of a folder, compressed: etcd's log is mostly empty.
func pack(to io.Writer, folder string) error {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	small, err := gzip.NewWriterLevel(to, gzip.BestSpeed)
	if err != nil {
		return err
	}
	all := tar.NewWriter(small)
	return errors.Join(all.AddFS(root.FS()), all.Close(), small.Close())
}

// each does a verb on all nodes at once.
func (c Cluster) each(ctx context.Context, u workspace.Unfinished, verb string, args ...string) error {
	return c.all(func(node boot.Node) error {
		ctx, cancel := etcdunit.Limited(ctx, c.View)
		defer cancel()
		at := u.Places[node.Step.Node.Name]
		out, err := c.ask(ctx, node, bytes.NewReader(nil), verb, append([]string{at.Unit, at.Data, u.Name}, args...)...)
		if kept, is := strings.CutPrefix(strings.TrimSpace(out), "kept "); is {
			c.View.Log.Say("%s: what its etcd had since the restore began is kept in %s", node.Step.Node.Name, printable.Line(kept))
		}
		return err
	})
}
