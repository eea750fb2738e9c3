package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"coreos-libvirt/internal/image/qcow2"
	"coreos-libvirt/internal/terminal/hint"
)

// Domain is one of libvirt's, as far as it may use an image.
type Domain struct {
	Bases []string // what its first disk is known to stand on, without that being looked at
	Disks []string // files
}

// Users are the images that are somebody's base, by path, and who that is: overlays of the workspaces that
// ever used the store, known by their headers, and disks of libvirt's domains. A workspace that cannot be
// looked at uses every image that it ever did. What else cannot be looked at is an error: nobody can know
// then which images are not used.
func (s Store) Users(ctx context.Context, entries []Entry, domains []Domain) (map[string][]string, error) {
	search := &search{entries: entries, users: map[string][]string{}, known: map[string]string{}}
	registered, err := s.registered()
	if err != nil {
		return nil, err
	}
	for workspace, images := range registered {
		if err := search.workspace(ctx, workspace, images); err != nil {
			return search.users, err
		}
	}
	for _, domain := range domains {
		if err := search.domain(ctx, domain); err != nil {
			return search.users, err
		}
	}
	return search.users, ctx.Err()
}

// search is for the users of entries.
type search struct {
	entries []Entry
	users   map[string][]string // by the entry's path
	known   map[string]string   // what files stand on
}

// errUnreadable is something that is there and cannot be looked at.
var errUnreadable = errors.New("it is not known what it uses")

// workspace looks at the overlays of a workspace that has had the images; nil stands for any.
func (s *search) workspace(ctx context.Context, workspace string, images []string) error {
	overlays, err := overlaysOf(workspace)
	for _, overlay := range overlays {
		err = errors.Join(err, s.chain(ctx, overlay, overlay))
	}
	if err == nil || ctx.Err() != nil || !errors.Is(err, errUnreadable) {
		return errors.Join(err, ctx.Err())
	}
	for _, entry := range s.entries {
		if images == nil || slices.Contains(images, filepath.Base(entry.Path)) {
			s.users[entry.Path] = append(s.users[entry.Path], workspace)
		}
	}
	return nil
}

// overlaysOf are the overlays' paths: none where the workspace is no more.
func overlaysOf(workspace string) (overlays []string, err error) {
	vm := filepath.Join(workspace, "vm")
	nodes, err := readDir(vm)
	for _, node := range nodes {
		files, failed := readDir(filepath.Join(vm, node.Name()))
		err = errors.Join(err, failed)
		for _, file := range files {
			if strings.HasSuffix(file.Name(), ".qcow2") {
				overlays = append(overlays, filepath.Join(vm, node.Name(), file.Name()))
			}
		}
	}
	return overlays, err
}

// readDir is os.ReadDir, also by a symbolic link, and nothing where there is no such folder.
func readDir(dir string) ([]fs.DirEntry, error) {
	files, err := os.ReadDir(dir)
	if errors.Is(err, syscall.ENOTDIR) {
		return nil, nil
	}
	return files, unlessGone(err)
}

// unlessGone is nil where err says that there is no such thing, else err as one that is errUnreadable.
func unlessGone(err error) error {
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return fmt.Errorf("%w: %w", errUnreadable, err)
}

// domain counts what the domain is known to stand on, and looks at the disks. Those of one that runs may be QEMU's
// own, for nobody else to read.
func (s *search) domain(ctx context.Context, domain Domain) error {
	known := false
	for _, base := range domain.Bases {
		if base == "" || len(domain.Disks) == 0 {
			continue
		}
		known = true
		if err := s.chain(ctx, base, domain.Disks[0]); err != nil {
			return hint.Add(err, asRoot)
		}
	}
	for i, disk := range domain.Disks {
		err := s.chain(ctx, disk, disk)
		if err != nil && (i > 0 || !known || !errors.Is(err, errUnreadable)) {
			return hint.Add(err, asRoot)
		}
	}
	return nil
}

const asRoot = "try it as root: sudo, with the same store="

// chain notes the user of all that it stands on, from the disk on down to the last.
func (s *search) chain(ctx context.Context, on, user string) error {
	for n := 0; on != "" && n < longestChain; n++ {
		err := s.uses(on, user)
		if err != nil {
			return err
		}
		if on, err = s.backing(ctx, on); err != nil {
			return err
		}
	}
	return nil
}

// longestChain is longer than any that QEMU opens.
const longestChain = 200

// backing is what the disk stands on; empty where it stands alone, or is no more.
func (s *search) backing(ctx context.Context, disk string) (string, error) {
	if on, known := s.known[disk]; known {
		return on, nil
	}
	file, err := os.Open(disk)
	if err != nil {
		return "", unlessGone(err)
	}
	_ = file.Close()
	info, err := qcow2.Inspect(ctx, disk)
	if err != nil {
		return "", errors.Join(ctx.Err(), err)
	}
	s.known[disk] = info.Backing
	return info.Backing, nil
}

// uses notes the user of the image at path, whatever the path's spelling.
func (s *search) uses(path, user string) error {
	if path == "" {
		return nil
	}
	there, err := os.Stat(path)
	if err != nil {
		return unlessGone(err)
	}
	for _, entry := range s.entries {
		if os.SameFile(there, entry.file) && !slices.Contains(s.users[entry.Path], user) {
			s.users[entry.Path] = append(s.users[entry.Path], user)
		}
	}
	return nil
}
