package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"coreos-libvirt/internal/image/stream"
	"coreos-libvirt/internal/image/trust"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace/artifact"
)

// signed is a signature and the keys of which one must have made it.
type signed struct {
	ring      trust.Keyring
	signature []byte
}

// maxKeys is more than any key material there is.
const maxKeys = 4 << 20

// signature gets the image's signature and the keys, before the image itself: a missing one, or one by a
// stranger, costs no download.
func (f Fetcher) signature(ctx context.Context, i stream.Image) (s signed, err error) {
	if i.Signature == "" {
		return s, vouched(i)
	}
	if s.signature, err = f.Client.Document(ctx, i.Signature, trust.MaxSignature); err != nil {
		return s, hint.Add(fmt.Errorf("no signature: %w", err), "an image of a stream is not used without its signature")
	}
	for _, fresh := range []bool{false, true} {
		if s.ring, err = f.keys(ctx, i.Distributor(), fresh); err != nil {
			return s, err
		}
		if err = f.known(i, s); !errors.Is(err, trust.ErrUnknownSigner) {
			break
		}
	}
	return s, hint.Add(err, "this version trusts "+strings.Join(i.Distributor().Fingerprints, ", ")+"; keyring= names a file of other keys")
}

// known says at once if none of the keys may have made the signature, or if it is too old, as far as it can be believed unchecked.
func (f Fetcher) known(i stream.Image, s signed) error {
	v, err := s.ring.Verify(strings.NewReader(""), s.signature)
	if err != nil {
		return err
	}
	return f.inTime(i, v.Claimed())
}

// inTime refuses a signature that was made before this version, or before one that was seen of the stream.
func (f Fetcher) inTime(i stream.Image, at time.Time) error {
	if err := i.SignedAt(at); err != nil {
		return err
	}
	return f.Seen.Check(i, at)
}

// keys are those in keyring=, or the distributor's: that this program has, or fetched once, and anew after a while or where fresh says so.
func (f Fetcher) keys(ctx context.Context, d trust.Distributor, fresh bool) (trust.Keyring, error) {
	switch {
	case f.Keyring != "":
		return keysIn(f.Keyring)
	case d.Material != nil:
		return readKeys(d.Name, d.Material, d.Fingerprints)
	}
	cached := filepath.Join(f.Dir, "keys", strings.ToLower(d.Name)+".gpg")
	had, young, hadErr := cachedKeys(cached, d)
	if hadErr == nil && young && !fresh {
		return had, nil
	}
	data, err := f.Client.Document(ctx, d.Keys, maxKeys)
	if err != nil && hadErr == nil && !fresh && ctx.Err() == nil {
		return had, nil
	}
	if err != nil {
		return trust.Keyring{}, hint.Add(fmt.Errorf("no keys of %s: %w", d.Name, err), "keyring= names a file of keys")
	}
	ring, err := readKeys(d.Keys, data, d.Fingerprints)
	if err != nil {
		return ring, err
	}
	return ring, artifact.Write(cached, data, 0o644)
}

// keysIn are all keys in the user's file.
func keysIn(path string) (trust.Keyring, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return trust.Keyring{}, hint.Errorf("keyring= names a file of OpenPGP keys", "cannot read the keys: %w", err)
	}
	return readKeys(path, data, nil)
}

// keysAge is after how long keys are fetched again: theirs may have been made to last longer, or been revoked.
const keysAge = 7 * 24 * time.Hour

// cachedKeys are the distributor's as they were fetched, and whether that is not long ago.
func cachedKeys(path string, d trust.Distributor) (ring trust.Keyring, young bool, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return ring, false, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return ring, false, err
	}
	ring, err = readKeys(path, data, d.Fingerprints)
	return ring, time.Since(info.ModTime()) < keysAge, err
}

func readKeys(source string, data []byte, fingerprints []string) (trust.Keyring, error) {
	ring, err := trust.ReadKeys(data, fingerprints)
	if err != nil {
		err = fmt.Errorf("%s: %w", source, err)
	}
	return ring, err
}
