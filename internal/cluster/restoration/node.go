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
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/printable"
	"coreos-libvirt/internal/terminal/shellword"
	"coreos-libvirt/internal/workspace"
)

//go:embed node.sh
var script string

// mostSeen is how many bytes `look` may print.
const mostSeen = 4 << 20

// afterEnd is how long what a command has left running may keep its output open.
const afterEnd = time.Second

// ask runs one of the script's verbs on the node, with standard input from in, and gives what it prints.
func (c Cluster) ask(ctx context.Context, node boot.Node, in io.Reader, verb string, args ...string) (string, error) {
	name := node.Step.Node.Name
	cmd := c.View.SSH.Access.Unattended(ctx, c.View.SSH.User, name, node.Address(), command(verb, args...))
	out, said := &guest.Limited{Left: mostSeen}, &guest.Limited{Left: 4 << 10}
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = in, out, said, afterEnd
	err := cmd.Run()
	if err == nil || errors.Is(err, exec.ErrWaitDelay) {
		return out.String(), nil
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return "", fmt.Errorf("%s: %s: %w", name, does[verb], because(printable.Text(said.String()), err))
}

// does is what a verb does, for people.
var does = map[string]string{
	"look":  "it cannot be seen how its etcd runs",
	"bring": "the new data cannot be brought to it",
	"clean": "the new data cannot be removed from it",
	"stop":  "its etcd cannot be stopped",
	"swap":  "the new data cannot be put in place",
	"start": "its etcd cannot be started",
	"back":  "what was there before cannot be put back",
}

// because is what was said, with the error.
func because(said string, err error) error {
	if said == "" {
		return fmt.Errorf("ssh to the node: %w", err)
	}
	return fmt.Errorf("%s (%w)", said, err)
}

// command is the line that runs a verb as root.
func command(verb string, args ...string) string {
	words := []string{"sudo", "-n", "sh", "-c", shellword.Of(script), "restore", verb}
	for _, arg := range args {
		words = append(words, shellword.Of(arg))
	}
	return strings.Join(words, " ")
}

// look finds the node's etcd.
func (c Cluster) look(ctx context.Context, node boot.Node) (workspace.EtcdPlace, error) {
	ctx, cancel := context.WithTimeout(ctx, c.View.Timeout)
	defer cancel()
	out, err := c.ask(ctx, node, nil, "look")
	if err != nil {
		return workspace.EtcdPlace{}, hint.Add(err, "the config must let user="+c.View.SSH.User+" in by ssh, and into sudo")
	}
	place, err := read(out).place()
	if err != nil {
		return place, fmt.Errorf("%s: %w", node.Step.Node.Name, err)
	}
	return place, nil
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
		ctx, cancel := context.WithTimeout(ctx, c.View.Timeout)
		defer cancel()
		at := u.Places[node.Step.Node.Name]
		out, err := c.ask(ctx, node, bytes.NewReader(nil), verb, append([]string{at.Unit, at.Data, u.Name}, args...)...)
		if kept, is := strings.CutPrefix(strings.TrimSpace(out), "kept "); is {
			c.View.Log.Say("%s: what its etcd had since the restore began is kept in %s", node.Step.Node.Name, printable.Line(kept))
		}
		return err
	})
}
