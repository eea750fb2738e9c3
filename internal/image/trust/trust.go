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
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
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
		return Keyring{}, fmt.Errorf("these are not OpenPGP keys: %w", err)
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

// What a detached signature has at most: distributors' have one packet of some hundred bytes. Each packet costs the hash of all
// that is signed.
const (
	MaxSignature = 64 << 10 // bytes, as it is served
	maxPackets   = 4
)

// Verify begins to check a detached signature, armored or binary, over what is read from signed. That
// the signer is a stranger is said at once.
func (k Keyring) Verify(signed io.Reader, signature []byte) (*Verification, error) {
	packets, err := packetsOf(signature)
	if err != nil {
		return nil, fmt.Errorf("the signature is none: %w", err)
	}
	message, err := openpgp.VerifyDetachedSignatureReader(k.entities, signed, bytes.NewReader(packets), nil)
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

// packetsOf are a signature's bytes without armor, which are packets of few enough (RFC 9580, section 4).
func packetsOf(signature []byte) ([]byte, error) {
	if len(signature) > MaxSignature {
		return nil, fmt.Errorf("it has more than %d KiB", MaxSignature>>10)
	}
	if isArmored(signature) {
		block, err := armor.Decode(bytes.NewReader(signature))
		if err != nil {
			return nil, err
		}
		if signature, err = io.ReadAll(block.Body); err != nil {
			return nil, err
		}
	}
	all := packet.NewOpaqueReader(bytes.NewReader(signature))
	for n := 0; ; n++ {
		switch _, err := all.Next(); {
		case errors.Is(err, io.EOF):
			return signature, nil
		case err != nil:
			return nil, err
		case n == maxPackets:
			return nil, fmt.Errorf("it has more than %d packets", maxPackets)
		}
	}
}

// Claimed is when the signature says that it was made. Nothing has been checked yet.
func (v *Verification) Claimed() (at time.Time) {
	for _, candidate := range v.message.SignatureCandidates {
		if candidate.SignedByEntity != nil && candidate.CorrespondingSig != nil {
			return candidate.CorrespondingSig.CreationTime
		}
	}
	return at
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

// Signature is one that holds.
type Signature struct {
	Signer string    // fingerprint of the primary key, hex
	Time   time.Time // when it was made, as it says itself
}

// Signature is, once all has been read, the one that holds. A subkey counts if it was bound to the primary key, not
// expired and not revoked when it signed.
func (v *Verification) Signature() (s Signature, err error) {
	if !v.message.IsVerified {
		return s, errors.New("the signature has not been checked to its end")
	}
	if err := v.message.SignatureError; err != nil {
		return s, hint.Errorf("the bytes are not what the distributor signed, or not by a key that was valid then; nothing was kept",
			"the signature does not hold: %w", err)
	}
	return Signature{Signer: fingerprint(v.message.SignedBy.Entity), Time: v.message.Signature.CreationTime}, nil
}
