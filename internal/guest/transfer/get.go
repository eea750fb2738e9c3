package transfer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/pkg/sftp"
)

// Get copies a file or folder of the node, whose path begins at the user's home unless at /, to a path of this host. What the
// node says of names and links never leads to a file outside of the copy.
func (f *Files) Get(ctx context.Context, from, to string) (c Copied, err error) {
	info, err := f.client.Stat(from)
	if err != nil {
		return c, there(from, err)
	}
	name, err := f.ownName(from)
	if err != nil {
		return c, err
	}
	if c.To, err = place(to, name, os.Stat); err != nil {
		return c, err
	}
	if real, err := filepath.EvalSymlinks(c.To); err == nil && kindOf(info.Mode()) == file {
		c.To = real // the link stays, and what it leads to is replaced
	}
	root, err := os.OpenRoot(filepath.Dir(c.To))
	if err != nil {
		return c, err
	}
	defer func() { _ = root.Close() }()
	return c, getting{f, root, &c}.one(ctx, from, filepath.Base(c.To), info)
}

// ownName is the name of the copy of what is at the path: of a symbolic link, its own.
func (f *Files) ownName(from string) (string, error) {
	if name, err := nameOf(from); err == nil {
		return name, nil
	}
	whole, err := f.client.RealPath(from)
	if err != nil {
		return "", there(from, err)
	}
	return nameOf(whole)
}

// getting is one Get under way.
type getting struct {
	*Files
	root   *os.Root // the folder that the copy is put in
	copied *Copied
}

// one copies to the path below root.
func (g getting) one(ctx context.Context, from, to string, info os.FileInfo) error {
	if err := ended(ctx); err != nil {
		return err
	}
	switch kindOf(info.Mode()) {
	case folder:
		return g.folder(ctx, from, to, info)
	case file:
		return g.file(ctx, from, to, info)
	case link:
		return g.link(from, to)
	}
	g.copied.LeftOut = append(g.copied.LeftOut, from)
	return nil
}

func (g getting) folder(ctx context.Context, from, to string, info os.FileInfo) error {
	made, err := g.makeFolder(to)
	if err != nil {
		return err
	}
	entries, err := g.client.ReadDirContext(ctx, from)
	if err != nil {
		return there(from, err)
	}
	for _, entry := range entries {
		name := entry.Name()
		if !filepath.IsLocal(name) || name == "." || strings.ContainsRune(name, '/') || strings.Count(to, "/") > deepest {
			return there(from, fmt.Errorf("the node says that there is a file named %q", name))
		}
		if err := g.one(ctx, path.Join(from, name), path.Join(to, name), entry); err != nil {
			return err
		}
	}
	if !made {
		return nil
	}
	return g.root.Chmod(to, info.Mode().Perm())
}

func (g getting) makeFolder(to string) (made bool, err error) {
	if info, err := g.root.Lstat(to); err == nil && info.IsDir() {
		return false, nil
	}
	return true, g.root.Mkdir(to, 0o700)
}

func (g getting) file(ctx context.Context, from, to string, info os.FileInfo) error {
	source, err := g.client.Open(from)
	if err != nil {
		return there(from, err)
	}
	defer func() { _ = source.Close() }()
	return g.replace(to, func(whole string) error {
		written, err := g.write(ctx, source, whole, info.Mode().Perm())
		g.copied.Files++
		g.copied.Bytes += written
		return err
	})
}

// replace is that of putting.
func (g getting) replace(to string, make func(whole string) error) error {
	whole := beside(to)
	err := make(whole)
	if err == nil {
		err = g.root.Rename(whole, to)
	}
	if err != nil {
		_ = g.root.Remove(whole) // if it was made at all
	}
	return err
}

func (g getting) write(ctx context.Context, source *sftp.File, to string, mode fs.FileMode) (int64, error) {
	target, err := g.root.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, err
	}
	stop := context.AfterFunc(ctx, func() { _ = source.Close() })
	written, err := source.WriteTo(target)
	if !stop() {
		err = ended(ctx)
	}
	return written, errors.Join(there(source.Name(), err), target.Chmod(mode), target.Close())
}

func (g getting) link(from, to string) error {
	leads, err := g.client.ReadLink(from)
	if err != nil {
		return there(from, err)
	}
	return g.replace(to, func(whole string) error { return g.root.Symlink(leads, whole) })
}
