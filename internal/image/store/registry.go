package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace/artifact"
)

// Register notes that the workspace has overlays on the image, so that Users looks at them.
func (s Store) Register(workspace, image string) error {
	image = filepath.Base(image)
	name := fmt.Sprintf("%x", sha256.Sum256([]byte(workspace+"\n"+image)))[:16]
	_, err := artifact.WriteIfChanged(filepath.Join(s.registry(), name), []byte(workspace+"\n"+image+"\n"), 0o644)
	return err
}

func (s Store) registry() string { return filepath.Join(s.Dir, "workspaces") }

// registered are all workspaces that ever used the store, and the images that each did; nil where that was
// not noted, as in files of one line.
func (s Store) registered() (map[string][]string, error) {
	files, err := os.ReadDir(s.registry())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	found, unknown := map[string][]string{}, []string{}
	for _, file := range files {
		data, err := os.ReadFile(filepath.Join(s.registry(), file.Name()))
		if err != nil {
			return nil, err
		}
		workspace, image, _ := strings.Cut(strings.TrimSpace(string(data)), "\n")
		if image == "" {
			unknown = append(unknown, workspace)
		}
		found[workspace] = append(found[workspace], image)
	}
	for _, workspace := range unknown {
		found[workspace] = nil
	}
	return found, nil
}

// Patience is what a run does that another keeps off the store.
type Patience struct {
	Wait bool // until the other has ended; an error if not
	Say  func(format string, args ...any)
}

// Use keeps Prune off until release is called or the process ends: between fetching an image and making
// an overlay on it nothing shows that it is used.
func (s Store) Use(ctx context.Context, p Patience) (release func(), err error) {
	lock, err := s.lock()
	if err != nil {
		return nil, err
	}
	got, err := lock.TryRLock()
	if err == nil && !got {
		err = s.await(ctx, lock, p)
	}
	if errors.Is(err, fs.ErrPermission) {
		return func() {}, nil // another user's store: its prune is that user's, and does not wait for this one
	}
	if err != nil {
		return nil, fmt.Errorf("the store of images is locked: %w", err)
	}
	return func() { _ = lock.Unlock() }, nil
}

// usePoll is how often a store that is locked is tried again.
const usePoll = 100 * time.Millisecond

func (s Store) await(ctx context.Context, lock *flock.Flock, p Patience) error {
	who := artifact.Holder(lock.Path())
	if !p.Wait {
		return hint.Errorf("without wait=false it waits until that has ended", "%s has it", who)
	}
	p.Say("image: waiting for %s, which has locked %s", who, s.Dir)
	_, err := lock.TryRLockContext(ctx, usePoll)
	return err
}

func (s Store) lock() (*flock.Flock, error) {
	path := filepath.Join(s.Dir, ".locks", "use")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("cannot make the store of images: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
		return nil, err
	}
	return flock.New(path, flock.SetPermissions(0o600)), nil // who may only read could hold it for ever
}
