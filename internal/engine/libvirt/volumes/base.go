package volumes

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"coreos-libvirt/internal/engine/libvirt/storagexml"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/workspace/artifact"
)

// A base image is the volume base-<digest>-<client>.qcow2, and counts only if there is the volume of that name with .whole behind it, which
// is made when the image has been read back: a run that is killed leaves a volume that looks whole. Each client uploads to a name of
// its own, so that none damages another's; the first that is whole is used by all.
const (
	baseBegin   = "base-"
	wholeEnding = ".whole"
	digestShown = 32 // hex digits of the digest in a name
)

// abandoned is how long nobody has written to another client's upload that has ended.
const abandoned = 24 * time.Hour

// bases are the base images that this run has found, or brought, one after the other.
type bases struct {
	*store
	o Options

	mu      sync.Mutex
	digests map[string]string  // of files of this host, by path
	brought map[string]brought // by the file's path
	failed  map[string]error   // why files do not come into the pool, by path
}

// brought is a base image in the pool.
type brought struct {
	name   string // of the volume
	digest string // sha256, in hex
}

// bring gives the pool's copy of the file on this host, which is uploaded, or fetched there, if there is none. All nodes of a run wait for
// one upload. One that has failed is not tried again for the next node: that may take minutes each time.
func (b *bases) bring(ctx context.Context, path string) (has brought, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if has, is := b.brought[path]; is {
		return has, nil
	}
	if err := b.failed[path]; err != nil {
		return brought{}, err
	}
	if has, err = b.find(ctx, path); err == nil {
		b.brought[path] = has
	} else if ctx.Err() == nil {
		b.failed[path] = err
	}
	return has, err
}

// find is bring for the first node that needs the file.
func (b *bases) find(ctx context.Context, path string) (has brought, err error) {
	fetches := b.o.Fetch != nil && b.o.Fetch.Fetches(path)
	has.digest, err = b.digestOf(path, fetches)
	if err == nil && fetches {
		has, err = b.wholeOrFetched(ctx, path, has.digest)
	} else if err == nil {
		has.name, err = b.wholeOrUploaded(ctx, path, has.digest)
	}
	if err != nil {
		return has, fmt.Errorf("%s does not come into the storage pool %s of %s: %w", filepath.Base(path), b.pool.Name(), b.pool.URI(), err)
	}
	return has, nil
}

// digestOf is the sha256 of the image: of the file that is here, or as it is known of one that is not. One that is fetched may be unknown.
func (b *bases) digestOf(path string, fetches bool) (string, error) {
	digest, err := b.digest(path)
	if !errors.Is(err, fs.ErrNotExist) || b.o.Fetch == nil {
		return digest, err
	}
	if digest = b.o.Fetch.Known(path); digest == "" && !fetches {
		return "", err
	}
	return digest, nil
}

// wholeOrFetched is the image in the pool, which its host fetches if it is not there. The digest may be unknown.
func (b *bases) wholeOrFetched(ctx context.Context, path, digest string) (has brought, err error) {
	if digest != "" {
		if name, err := b.whole(digest); err != nil || name != "" {
			return brought{name, digest}, err
		}
	}
	has.digest, err = b.o.Fetch.Fetch(ctx, path, b.pool.Name())
	if err != nil {
		return has, err
	}
	if digest != "" && digest != has.digest {
		return has, fmt.Errorf("its host has fetched one with the sha256 %s, and it should be %s", has.digest, digest)
	}
	b.changed()
	if has.name, err = b.whole(has.digest); err == nil && has.name == "" {
		err = errors.New("its host says that it has fetched it, and there is no such volume")
	}
	return has, err
}

// digest is the sha256 of the file, in hex, as it was when this run first read it.
func (b *bases) digest(path string) (string, error) {
	if known := b.digests[path]; known != "" {
		return known, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", err
	}
	b.digests[path] = hex.EncodeToString(sum.Sum(nil))
	return b.digests[path], nil
}

// wholeOrUploaded is the name of a whole volume with that content.
func (b *bases) wholeOrUploaded(ctx context.Context, path, digest string) (name string, err error) {
	if name, err = b.whole(digest); err != nil || name != "" {
		return name, err
	}
	unlock, err := artifact.Lock(ctx, b.lockOf(digest), func() {
		b.o.Log().Say("waiting for another run, which uploads %s to %s", filepath.Base(path), b.pool.URI())
	})
	if err != nil {
		return "", err
	}
	defer unlock()
	b.changed()
	if name, err = b.whole(digest); err != nil || name != "" {
		return name, err
	}
	return b.upload(ctx, path, digest)
}

// lockOf is the file that keeps runs of this client from uploading the same to the same.
func (b *bases) lockOf(digest string) string {
	to := sha256.Sum256([]byte(b.pool.URI() + "\x00" + b.pool.Name() + "\x00" + digest))
	return filepath.Join(b.o.Locks, ".lock.upload-"+hex.EncodeToString(to[:6]))
}

// whole is the name of the volume that has the content and that was read back; empty if there is none.
func (b *bases) whole(digest string) (string, error) {
	names, err := b.names()
	if err != nil {
		return "", err
	}
	found := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return !isBase(name, digest) || !slices.Contains(names, name+wholeEnding)
	})
	if len(found) == 0 {
		return "", nil
	}
	return slices.Min(found), nil
}

// isBase reports whether the volume is for the content of that digest, or if that is empty of any, whole or not.
func isBase(name, digest string) bool {
	begin := baseBegin + digest[:min(len(digest), digestShown)]
	return strings.HasPrefix(name, begin) && strings.HasSuffix(name, ".qcow2")
}

// client is a word for this host and its folder of locks: whoever has the lock may remove what has that word.
func (b *bases) client() string {
	host, _ := os.Hostname()
	machine, _ := os.ReadFile("/etc/machine-id")
	sum := sha256.Sum256([]byte(host + "\x00" + string(machine) + "\x00" + b.o.Locks))
	return hex.EncodeToString(sum[:4])
}

// upload makes a volume of the file. Its caller has the lock, so that an unfinished one of this client is of a run that was killed.
func (b *bases) upload(ctx context.Context, path, digest string) (name string, err error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	name = baseBegin + digest[:digestShown] + "-" + b.client() + ".qcow2"
	if err := b.remove(name, name+wholeEnding); err != nil {
		return "", err
	}
	if err := b.hasRoom(info.Size()); err != nil {
		return "", err
	}
	if err := b.create(storagexml.Volume{Name: name, Format: storagexml.Raw, Bytes: info.Size(), Mode: 0o444}); err != nil {
		return "", err
	}
	if err := b.fill(ctx, file, info.Size(), name, digest); err != nil {
		_ = b.remove(name) // if that fails, too, the next upload does it
		return "", err
	}
	if err := b.create(storagexml.Volume{Name: name + wholeEnding, Format: storagexml.Raw, Mode: 0o444}); err != nil {
		return "", err
	}
	return name, b.sweepUploads(digest, name)
}

// hasRoom is an error if so many bytes do not fit into the pool.
func (b *bases) hasRoom(bytes int64) error {
	free, err := b.pool.Free()
	if err != nil || free >= bytes {
		return err
	}
	return hint.Errorf("pool= names another one; virsh -c '"+b.pool.URI()+"' vol-list "+b.pool.Name()+" shows what is in it",
		"it has %s, and %s are free there", progress.Bytes(bytes), progress.Bytes(free))
}

// fill copies the file into the volume, and reads that back.
func (b *bases) fill(ctx context.Context, file *os.File, length int64, name, digest string) error {
	if err := b.send(ctx, file, length, name); err != nil {
		return err
	}
	info, err := b.pool.Info(name)
	if err != nil {
		return err
	}
	if info.Length != length {
		return fmt.Errorf("it has %d bytes there, and %d here", info.Length, length)
	}
	has, err := b.sum(ctx, name, length)
	if err == nil && has != digest {
		err = fmt.Errorf("it has the sha256 %s there, and %s here", has, digest)
	}
	return err
}

// sweepUploads removes what other clients have begun to upload of the same content and given up. The pool's host has the clock.
func (b *bases) sweepUploads(digest, own string) error {
	names, err := b.names()
	if err != nil {
		return err
	}
	now, err := b.pool.Info(own)
	if err != nil {
		return err
	}
	for _, name := range names {
		if name == own || !isBase(name, digest) || slices.Contains(names, name+wholeEnding) {
			continue
		}
		if info, err := b.pool.Info(name); err == nil && now.Written.Sub(info.Written) > abandoned {
			_ = b.remove(name)
		}
	}
	return nil
}
