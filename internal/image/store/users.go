package store

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"coreos-libvirt/internal/artifact"
	"coreos-libvirt/internal/image"
)

// Register notes that the workspace uses the store, so that Users looks at its overlays.
func (s Store) Register(workspace string) error {
	name := fmt.Sprintf("%x", sha256.Sum256([]byte(workspace)))[:16]
	_, err := artifact.WriteIfChanged(filepath.Join(s.Dir, "workspaces", name), []byte(workspace+"\n"), 0o644)
	return err
}

// workspaces are those that are still there.
func (s Store) workspaces() (found []string) {
	names, _ := filepath.Glob(filepath.Join(s.Dir, "workspaces", "*"))
	for _, name := range names {
		data, err := os.ReadFile(name)
		workspace := strings.TrimSpace(string(data))
		if _, gone := os.Stat(workspace); err == nil && gone == nil {
			found = append(found, workspace)
		}
	}
	return found
}

// Users are the images that are somebody's base, by path, and who that is: the overlays of all
// workspaces that ever used the store, told by their headers, and more disks, as those of libvirt's domains.
func (s Store) Users(ctx context.Context, disks []string) (map[string][]string, error) {
	for _, workspace := range s.workspaces() {
		overlays, err := filepath.Glob(filepath.Join(workspace, "vm", "*", "*.qcow2"))
		if err != nil {
			return nil, err
		}
		disks = append(disks, overlays...)
	}
	slices.Sort(disks)
	users := map[string][]string{}
	for _, disk := range slices.Compact(disks) {
		users[disk] = append(users[disk], disk)
		info, err := image.Inspect(ctx, disk)
		if err != nil {
			continue // a disk of another kind, or gone by now
		}
		if info.Backing != "" {
			users[info.Backing] = append(users[info.Backing], disk)
		}
	}
	return users, nil
}

// Use keeps Prune off until release is called or the process ends: between fetching an image and making
// an overlay on it nothing shows that it is used.
func (s Store) Use(ctx context.Context) (release func(), err error) {
	lock, err := s.lock()
	if err != nil {
		return nil, err
	}
	if _, err := lock.TryRLockContext(ctx, 100*time.Millisecond); err != nil {
		return nil, fmt.Errorf("the store of images is locked: %w", err)
	}
	return func() { _ = lock.Unlock() }, nil
}

func (s Store) lock() (*flock.Flock, error) {
	path := filepath.Join(s.Dir, ".locks", "use")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("cannot make the store of images: %w", err)
	}
	return flock.New(path), nil
}
