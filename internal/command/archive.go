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

// keepArchive puts what tells of the nodes into the file archive=, if that is not empty, before `down` removes it. It holds
// rendered Ignition documents, which have secrets: mode 0600. vm is the folder that names in it are relative to.
func keepArchive(archive, vm string, nodes []facts.Leaving, say func(string, ...any)) error {
	if archive == "" {
		return nil
	}
	paths := []string{}
	for _, l := range nodes {
		paths = append(paths, archived(l.Node)...)
	}
	packed, err := packed(vm, paths)
	if err != nil {
		return fmt.Errorf("archive=%s: %w", archive, err)
	}
	if err := artifact.WriteNew(archive, packed, 0o600); err != nil {
		return err
	}
	say("down: %s keeps consoles and Ignition documents of %d nodes", archive, len(nodes))
	return nil
}

// packed is a compressed archive of those files that are there. Their names are relative to the folder root.
func packed(root string, paths []string) ([]byte, error) {
	var packed bytes.Buffer
	compressed := gzip.NewWriter(&packed)
	files := tar.NewWriter(compressed)
	for _, path := range paths {
		if err := pack(files, root, path); err != nil {
			return nil, err
		}
	}
	err := errors.Join(files.Close(), compressed.Close())
	return packed.Bytes(), err
}

func pack(files *tar.Writer, root, path string) error {
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
	name, err := filepath.Rel(root, path)
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
