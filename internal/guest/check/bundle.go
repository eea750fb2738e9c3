package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"coreos-libvirt/internal/guest/transfer"
)

// put copies the test and its data to the node, into the user's home, under the name. Links in the data are copied as what they lead to,
// which may be outside: tests share data that way.
func (n Node) put(ctx context.Context, job Job, name string) error {
	folder, err := os.MkdirTemp("", "kola-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	whole := filepath.Join(folder, "test")
	if err := gather(job, whole); err != nil {
		return err
	}
	access, address, err := n.Way(ctx)
	if err != nil {
		return err
	}
	files, err := transfer.Open(access.SFTP(ctx, n.User, n.Name, address))
	if err != nil {
		return err
	}
	_, err = files.Put(ctx, whole, name)
	return errors.Join(err, files.Close())
}

// gather makes a folder of all that the test is made of.
func gather(job Job, to string) error {
	if err := os.Mkdir(to, 0o755); err != nil {
		return err
	}
	if err := file(job.Exe, filepath.Join(to, "exe")); err != nil {
		return err
	}
	if job.Data == "" {
		return nil
	}
	return tree(job.Data, filepath.Join(to, "data"), 0)
}

// deepest is how many folders may be in each other: links may lead in a circle.
const deepest = 30

// tree copies what is there, and what links lead to.
func tree(from, to string, depth int) error {
	info, err := os.Stat(from)
	switch {
	case err != nil:
		return err
	case info.Mode().IsRegular():
		return file(from, to)
	case !info.IsDir():
		return fmt.Errorf("%s is neither a file nor a folder", from)
	case depth > deepest:
		return fmt.Errorf("%s: more than %d folders in each other: does a link lead in a circle?", from, deepest)
	}
	entries, err := os.ReadDir(from)
	if err == nil {
		err = os.Mkdir(to, 0o755)
	}
	for _, entry := range entries {
		if err == nil {
			err = tree(filepath.Join(from, entry.Name()), filepath.Join(to, entry.Name()), depth+1)
		}
	}
	return err
}

func file(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }()
	info, err := source.Stat()
	if err != nil {
		return err
	}
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, info.Mode().Perm()|0o444)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close())
}
