package command

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"coreos-libvirt/internal/cluster/facts"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/artifact"
)

// archived are the files of a node that tell what became of it.
func archived(node workspace.Node) []string {
	return []string{node.Console(), node.Ignition(), node.XML()}
}

// keepArchive puts what tells of the nodes into the file archive=, before `down` removes it. It holds
// rendered Ignition documents, which have secrets: mode 0600.
func (r *Run) keepArchive(nodes []facts.Leaving) error {
	if r.Archive == "" {
		return nil
	}
	var packed bytes.Buffer
	compressed := gzip.NewWriter(&packed)
	files := tar.NewWriter(compressed)
	for _, l := range nodes {
		for _, path := range archived(l.Node) {
			if err := r.pack(files, path); err != nil {
				return fmt.Errorf("archive=%s: %w", r.Archive, err)
			}
		}
	}
	if err := errors.Join(files.Close(), compressed.Close()); err != nil {
		return err
	}
	if err := artifact.WriteNew(r.Archive, packed.Bytes(), 0o600); err != nil {
		return err
	}
	r.log.Say("down: %s keeps consoles and Ignition documents of %d nodes", r.Archive, len(nodes))
	return nil
}

func (r *Run) pack(files *tar.Writer, path string) error {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	name, err := filepath.Rel(r.vm(), path)
	if err != nil {
		return err
	}
	header := &tar.Header{Name: name, Mode: 0o600, Size: int64(len(data)), ModTime: info.ModTime()}
	if err := files.WriteHeader(header); err != nil {
		return err
	}
	_, err = files.Write(data)
	return err
}
