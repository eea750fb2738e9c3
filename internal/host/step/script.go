package step

import (
	"encoding/base64"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"coreos-libvirt/internal/workspace/artifact"
)

// Forth is a command that does what Do does, for a shell that goes on when this process has ended.
func (f *File) Forth() string { return f.writes(f.Text, f.Mode) }

// Back is such a command that brings back what was there before.
func (f *File) Back() string {
	switch path := Quoted("/" + f.Path); {
	case f.Link != "":
		return "ln -sfnT -- " + Quoted(f.Link) + " " + path
	case f.Before == nil:
		return "rm -f -- " + path
	}
	return f.writes(*f.Before, f.Had)
}

// writes is the command that puts a file in place whole, whatever is in it. It does not write through a link.
func (f *File) writes(text string, mode fs.FileMode) string {
	path := "/" + f.Path
	new := Quoted(filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".coreos-libvirt"))
	steps := []string{
		"rm -f -- " + new,
		fmt.Sprintf("(umask 077; echo %s | base64 -d > %s)", base64.StdEncoding.EncodeToString([]byte(text)), new),
	}
	if o := f.owner(); o != (artifact.Owner{UID: -1, GID: -1}) {
		steps = append(steps, fmt.Sprintf("chown %d:%d -- %s", o.UID, o.GID, new))
	}
	steps = append(steps, fmt.Sprintf("chmod %04o -- %s", mode, new), fmt.Sprintf("mv -fT -- %s %s", new, Quoted(path)))
	return strings.Join(steps, " && ")
}

func (f *File) owner() artifact.Owner {
	if f.Owner == nil {
		return artifact.Owner{UID: -1, GID: -1}
	}
	return *f.Owner
}
