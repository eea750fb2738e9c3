package artifact

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// lockPoll is how often a held lock is tried again.
const lockPoll = 100 * time.Millisecond

// Lock takes the lock file at path, waiting while another process holds it; waiting is called once
// if it has to. The lock goes with the process, so none is ever left behind by one that died.
func Lock(ctx context.Context, path string, waiting func()) (unlock func(), err error) {
	if err := Folder(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("cannot make the folder of %s: %w", path, err)
	}
	lock := flock.New(path)
	got, err := lock.TryLock()
	if err == nil && !got {
		waiting()
		_, err = lock.TryLockContext(ctx, lockPoll)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot lock %s: %w", path, err)
	}
	return func() { _ = lock.Unlock() }, nil
}
