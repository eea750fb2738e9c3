package trust

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

const signed = "an image"

// signer is a key pair, and its signature over an image.
func signer(f *testing.F) (ring Keyring, signature []byte) {
	f.Helper()
	key, err := openpgp.NewEntity("distributor", "", "d@example.org", nil)
	if err != nil {
		f.Fatal(err)
	}
	var out bytes.Buffer
	if err := openpgp.DetachSign(&out, []*openpgp.Entity{key}, strings.NewReader(signed), nil); err != nil {
		f.Fatal(err)
	}
	return Keyring{entities: openpgp.EntityList{key}}, out.Bytes()
}

// FuzzSignature gives any packets for the signature of bytes that the key did not sign: none holds.
func FuzzSignature(f *testing.F) {
	ring, signature := signer(f)
	var armored bytes.Buffer
	w, err := armor.Encode(&armored, "PGP SIGNATURE", nil)
	if err != nil {
		f.Fatal(err)
	}
	_, _ = w.Write(signature)
	_ = w.Close()
	for _, seed := range [][]byte{signature, bytes.Repeat(signature, maxPackets), bytes.Repeat(signature, maxPackets+1), armored.Bytes(), signature[:20], {0xff, 0xff}, nil} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, signature []byte) {
		v, err := ring.Verify(strings.NewReader(signed+" of a stranger's"), signature)
		if err != nil {
			return
		}
		_ = v.Claimed()
		if _, err := io.Copy(io.Discard, v); err != nil {
			return
		}
		if s, err := v.Signature(); err == nil {
			t.Errorf("%x holds: %+v", signature, s)
		}
	})
}

// FuzzReadKeys reads any bytes for a distributor's keys.
func FuzzReadKeys(f *testing.F) {
	ring, signature := signer(f)
	var key bytes.Buffer
	if err := ring.entities[0].Serialize(&key); err != nil {
		f.Fatal(err)
	}
	f.Add(key.Bytes())
	f.Add(signature)
	f.Add([]byte("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAA==\n-----END PGP PUBLIC KEY BLOCK-----\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if ring, err := ReadKeys(data, []string{"0123456789ABCDEF0123456789ABCDEF01234567"}); err == nil {
			t.Errorf("%x is believed: %d keys", data, len(ring.entities))
		}
	})
}
