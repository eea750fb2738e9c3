package command

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"coreos-libvirt/internal/cluster/facts"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/artifact"
)

// archived is a file that shows what became of a node.
type archived struct {
	path string // that it has, or would have, on this host
	open func() (fs.File, error)
}

// archivedOf are a node's.
func archivedOf(disks engine.Disks, node workspace.Node) []archived {
	of := []archived{{node.Console(), func() (fs.File, error) { return disks.Log(node.Files()).Open(0) }}}
	for _, path := range []string{node.Ignition(), node.XML()} {
		of = append(of, archivedFile(path))
	}
	return of
}

// archivedFile is a file of this host.
func archivedFile(path string) archived {
	return archived{path, func() (fs.File, error) { return os.Open(path) }}
}

// keepArchive puts what tells of the nodes into the file archive=, if that is not empty, before `down` removes it. It holds
// rendered Ignition documents, which have secrets: mode 0600. vm is the folder that names in it are relative to.
func keepArchive(archive, vm string, disks engine.Disks, nodes []facts.Leaving, say func(string, ...any)) error {
	if archive == "" {
		return nil
	}
	files := []archived{}
	for _, l := range nodes {
		files = append(files, archivedOf(disks, l.Node)...)
	}
	packed, err := packed(vm, files)
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
func packed(root string, all []archived) ([]byte, error) {
	var packed bytes.Buffer
	compressed := gzip.NewWriter(&packed)
	files := tar.NewWriter(compressed)
	for _, a := range all {
		if err := a.pack(files, root); err != nil {
			return nil, err
		}
	}
	err := errors.Join(files.Close(), compressed.Close())
	return packed.Bytes(), err
}

func (a archived) pack(files *tar.Writer, root string) error {
	file, err := a.open()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(file)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		return err
	}
	name, err := filepath.Rel(root, a.path)
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
