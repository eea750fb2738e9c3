package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// Put copies a file or folder of this host to a path of the node, which begins at the user's home unless at /.
func (f *Files) Put(ctx context.Context, from, to string) (c Copied, err error) {
	if from, err = filepath.Abs(from); err != nil {
		return c, err
	}
	info, err := os.Stat(from)
	if err != nil {
		return c, err
	}
	name, err := nameOf(from)
	if err != nil {
		return c, err
	}
	if c.To, err = place(to, name, f.client.Stat); err != nil {
		return c, there(to, err)
	}
	if kindOf(info.Mode()) == file { // the link stays, and what it leads to is replaced
		c.To = f.leadsTo(c.To)
	}
	p := putting{f, &c}
	return c, p.one(ctx, from, c.To, info)
}

// there is the error with the path of the node that it is about: SFTP's have none.
func there(path string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", path, err)
}

// mostLinks is how many symbolic links are followed one after the other, as by Linux (path_resolution(7)).
const mostLinks = 40

// leadsTo is what a symbolic link leads to in the end, or the path itself if it is none.
func (f *Files) leadsTo(to string) string {
	for range mostLinks {
		info, err := f.client.Lstat(to)
		if err != nil || kindOf(info.Mode()) != link {
			break
		}
		leads, err := f.client.ReadLink(to)
		if err != nil {
			break
		}
		if !path.IsAbs(leads) {
			leads = path.Dir(to) + "/" + leads // not cleaned: what is before ".." may be a link, too
		}
		to = leads
	}
	return to
}

// putting is one Put under way.
type putting struct {
	*Files
	copied *Copied
}

func (p putting) one(ctx context.Context, from, to string, info os.FileInfo) error {
	if err := ended(ctx); err != nil {
		return err
	}
	switch kindOf(info.Mode()) {
	case folder:
		return p.folder(ctx, from, to, info)
	case file:
		return p.file(from, to, info)
	case link:
		return p.link(from, to)
	}
	p.copied.LeftOut = append(p.copied.LeftOut, from)
	return nil
}

// folder copies into the folder, which it makes if it is not there.
func (p putting) folder(ctx context.Context, from, to string, info os.FileInfo) error {
	made, err := p.makeFolder(to)
	if err != nil {
		return there(to, err)
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		inside, err := entry.Info()
		if err != nil {
			return err
		}
		if err := p.one(ctx, filepath.Join(from, entry.Name()), path.Join(to, entry.Name()), inside); err != nil {
			return err
		}
	}
	if !made {
		return nil
	}
	return there(to, p.client.Chmod(to, info.Mode().Perm())) // now: it may forbid to write into it
}

func (p putting) makeFolder(to string) (made bool, err error) {
	if info, err := p.client.Stat(to); err == nil && info.IsDir() {
		return false, nil
	}
	return true, p.client.Mkdir(to)
}

func (p putting) file(from, to string, info os.FileInfo) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }()
	return p.replace(to, func(whole string) error {
		written, err := p.write(source, whole, info.Mode().Perm())
		p.copied.Files++
		p.copied.Bytes += written
		return err
	})
}

// replace makes something beside its place, and renames it when it is whole. If that fails, what was there before stays.
func (p putting) replace(to string, make func(whole string) error) error {
	whole := beside(to)
	err := make(whole)
	if err == nil {
		err = p.client.PosixRename(whole, to)
	}
	if err != nil {
		_ = p.client.Remove(whole) // if it was made at all
	}
	return there(to, err)
}

func (p putting) write(source io.Reader, to string, mode fs.FileMode) (int64, error) {
	target, err := p.client.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return 0, err
	}
	if err := target.Chmod(0o600); err != nil { // nobody else reads it before it has its own mode
		return 0, errors.Join(err, target.Close())
	}
	written, err := target.ReadFrom(source)
	return written, errors.Join(err, target.Chmod(mode), target.Close())
}

func (p putting) link(from, to string) error {
	leads, err := os.Readlink(from)
	if err != nil {
		return err
	}
	return p.replace(to, func(whole string) error { return p.client.Symlink(leads, whole) })
}
