// Package trust checks who signed an image: detached OpenPGP signatures (RFC 9580) by pinned keys, over
// bytes that stream by.
package trust

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"coreos-libvirt/internal/terminal/hint"
)

// Keyring are the keys whose signatures count.
type Keyring struct{ entities openpgp.EntityList }

// ReadKeys reads keys, armored or binary, and keeps those with one of the fingerprints; without
// fingerprints all.
func ReadKeys(data []byte, fingerprints []string) (Keyring, error) {
	read := openpgp.ReadKeyRing
	if isArmored(data) {
		read = openpgp.ReadArmoredKeyRing
	}
	entities, err := read(bytes.NewReader(data))
	if err != nil {
		return Keyring{}, fmt.Errorf("these are no OpenPGP keys: %w", err)
	}
	var ring Keyring
	for _, e := range entities {
		if len(fingerprints) == 0 || slices.Contains(fingerprints, fingerprint(e)) {
			ring.entities = append(ring.entities, e)
		}
	}
	if len(ring.entities) == 0 {
		return ring, fmt.Errorf("none of the keys has a fingerprint that is trusted: %s", strings.Join(fingerprints, ", "))
	}
	return ring, nil
}

func isArmored(data []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(data), []byte("-----BEGIN")) }

func fingerprint(e *openpgp.Entity) string { return fmt.Sprintf("%X", e.PrimaryKey.Fingerprint) }

// ErrUnknownSigner is a signature by a key that is not in the keyring.
var ErrUnknownSigner = errors.New("the signature is by a key that is not trusted")

// Verification reads what is signed and hashes it as it passes by.
type Verification struct {
	message *openpgp.MessageDetails
	ended   bool
}

// Verify begins to check a detached signature, armored or binary, over what is read from signed. That
// the signer is a stranger is told at once.
func (k Keyring) Verify(signed io.Reader, signature []byte) (*Verification, error) {
	packets := io.Reader(bytes.NewReader(signature))
	if isArmored(signature) {
		block, err := armor.Decode(packets)
		if err != nil {
			return nil, fmt.Errorf("the signature is none: %w", err)
		}
		packets = block.Body
	}
	message, err := openpgp.VerifyDetachedSignatureReader(k.entities, signed, packets, nil)
	if err != nil {
		return nil, fmt.Errorf("the signature is none: %w", err)
	}
	strangers := []string{}
	for _, candidate := range message.SignatureCandidates {
		if candidate.SignedByEntity != nil {
			return &Verification{message: message}, nil
		}
		strangers = append(strangers, fmt.Sprintf("%016X", candidate.IssuerKeyId))
	}
	return nil, fmt.Errorf("%w: %s", ErrUnknownSigner, strings.Join(strangers, ", "))
}

// Read gives the bytes that are signed. It reads to the end but once: the library would check again there.
func (v *Verification) Read(p []byte) (int, error) {
	if v.ended {
		return 0, io.EOF
	}
	n, err := v.message.UnverifiedBody.Read(p)
	v.ended = errors.Is(err, io.EOF)
	return n, err
}

// Signer is, once all has been read, the fingerprint of the primary key whose signature holds. A subkey
// counts if it was bound to it, not expired and not revoked when it signed.
func (v *Verification) Signer() (string, error) {
	if !v.message.IsVerified {
		return "", errors.New("the signature has not been checked to its end")
	}
	if err := v.message.SignatureError; err != nil {
		return "", hint.Errorf("the bytes are not what the distributor signed, or not by a key that was valid then; nothing was kept",
			"the signature does not hold: %w", err)
	}
	return fingerprint(v.message.SignedBy.Entity), nil
}
