package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"coreos-libvirt/internal/image/download"
	"coreos-libvirt/internal/image/qcow2"
	"coreos-libvirt/internal/image/stream"
	"coreos-libvirt/internal/image/trust"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace/artifact"
)

// Fetcher gets images into the store.
type Fetcher struct {
	Store
	Client  *download.Client
	Keyring string                           // file of the keys to trust; empty: the distributor's
	Seen    Seen                             // of the stream, unless a version was named
	Say     func(format string, args ...any) // a line of what happens
	Meter   func(done, total int64) Meter    // counts bytes as they come; total is -1 where it is not known
}

// Meter shows the bytes that are written to it.
type Meter = io.WriteCloser

// Fetch gets the image, unless it is there: in one pass over the bytes, each checked against all that
// vouches for it, and only when all does at its path. Of two processes one fetches.
func (f Fetcher) Fetch(ctx context.Context, i stream.Image) (path string, err error) {
	path = f.Path(i)
	held := filepath.Join(f.Dir, ".locks", filepath.Base(path))
	unlock, err := artifact.Lock(ctx, held, func() {
		f.Say("image: %s fetches %s", artifact.Holder(held), filepath.Base(path))
	})
	if err != nil {
		return "", err
	}
	defer unlock()
	if f.Has(i) {
		return path, nil
	}
	if _, err := os.Lstat(path); err == nil {
		return "", hint.Errorf("`mage prune` removes it if nobody uses it; else move it away",
			"image %s: there is another image of this name in %s, or one without its record: it is not trusted", filepath.Base(path), f.Dir)
	}
	signature, err := f.signature(ctx, i)
	if err != nil {
		return "", fmt.Errorf("image: %w", err)
	}
	begin := time.Now()
	if err := f.tries(ctx, i, signature); err != nil {
		return "", fmt.Errorf("image %s: %w", filepath.Base(path), full(err, f.Dir))
	}
	f.Say("image: %s fetched and verified (%.0f s)", filepath.Base(path), time.Since(begin).Seconds())
	return path, nil
}

// full explains a full disk.
func full(err error, dir string) error {
	if errors.Is(err, syscall.ENOSPC) {
		return hint.Errorf("`mage prune` removes images that nobody uses; store= names another folder", "%s has no room for it: %w", dir, err)
	}
	return err
}

// errStale is a pass that went on from bytes of an earlier run and did not end well: those may be at fault.
var errStale = errors.New("it went on from an earlier run's bytes")

// tries passes over the bytes, from their begin where going on from what is there does not work.
func (f Fetcher) tries(ctx context.Context, i stream.Image, s signed) error {
	for again := 0; ; again++ {
		err := f.pass(ctx, i, s)
		stale := errors.Is(err, errStale) || errors.Is(err, download.ErrChanged)
		if !stale || again == 2 {
			return err
		}
		f.Say("image: from the begin again: %v", err)
	}
}

// pass is one run of the bytes from network to file.
func (f Fetcher) pass(ctx context.Context, i stream.Image, s signed) error {
	p := &pipeline{Fetcher: f, image: i, path: f.Path(i), signed: s}
	defer p.close()
	if err := p.open(ctx); err != nil {
		return p.failed(ctx, err)
	}
	signature, err := p.run(ctx)
	if err == nil {
		err = p.finish(ctx, signature)
	}
	if err == nil {
		return remove(p.part(), headOf(p.part()), recordOf(p.part()))
	}
	return p.failed(ctx, err)
}

// finish puts the verified image in place, its record first.
func (p *pipeline) finish(ctx context.Context, signature trust.Signature) error {
	if err := p.out.release(); err != nil {
		return err
	}
	if _, err := qcow2.CheckBase(ctx, p.out.path); err != nil {
		return err
	}
	if err := p.isFor(ctx, p.image.Arch); err != nil {
		return err
	}
	if err := os.Chmod(p.out.path, 0o444); err != nil {
		return err
	}
	record := Record{Image: p.image.Public(), Signer: signature.Signer, Signed: signature.Time.UTC(), Fetched: time.Now().UTC().Truncate(time.Second)}
	if err := writeJSON(recordOf(p.path), record); err != nil {
		return err
	}
	return os.Rename(p.out.path, p.path)
}

// isFor is an error if the image's own partitions say that it is for another architecture: no signature binds that.
func (p *pipeline) isFor(ctx context.Context, arch string) error {
	is, err := qcow2.Architecture(ctx, p.out.path, p.path+".esp")
	if err != nil || is == "" || arch == "" || is == arch {
		return err
	}
	return hint.Errorf(fmt.Sprintf("nothing was kept; arch=%s is for such images, else the server that names this one is at fault", is),
		"this is an image for %s, and it should be for %s", is, arch)
}

// failed cleans up. What came from the network stays for the next run only where it was the network that
// failed, or the user who ended it.
func (p *pipeline) failed(ctx context.Context, err error) error {
	clean := []error{remove(p.unpacked(), headOf(p.unpacked()))}
	nothing := p.packed == nil || p.packed.size == 0
	if nothing || p.remoteErr == nil && ctx.Err() == nil || errors.Is(err, download.ErrChanged) || errors.Is(err, syscall.ENOSPC) {
		clean = append(clean, remove(p.part(), headOf(p.part()), recordOf(p.part())))
		if p.resumed && !errors.Is(err, syscall.ENOSPC) {
			err = fmt.Errorf("%w: %w", errStale, err)
		}
	}
	return errors.Join(append([]error{err}, clean...)...)
}
