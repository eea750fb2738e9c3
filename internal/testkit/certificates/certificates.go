// Package certificates makes, for tests, certificates of a cluster's authority that were made some time ago.
package certificates

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Write writes a certificate with its key, PEM, to each of the paths. It is signed by the authority in the folder, and holds for the
// addresses from and until so long from now.
func Write(t testing.TB, authority string, from, until time.Duration, addresses []string, paths ...string) {
	t.Helper()
	parent, key := read(t, filepath.Join(authority, "ca.pem")), read(t, filepath.Join(authority, "ca-key.pem"))
	ca, errCA := x509.ParseCertificate(parent)
	signer, errKey := x509.ParsePKCS8PrivateKey(key)
	own, errOwn := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err := errors.Join(errCA, errKey, errOwn); err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "aged"},
		NotBefore: time.Now().Add(from), NotAfter: time.Now().Add(until), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, DNSNames: []string{"localhost"},
	}
	for _, address := range addresses {
		template.IPAddresses = append(template.IPAddresses, net.ParseIP(address))
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca, own.Public(), signer)
	private, failed := x509.MarshalPKCS8PrivateKey(own)
	if err := errors.Join(err, failed); err != nil {
		t.Fatal(err)
	}
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...)
	for _, path := range paths {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, text, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}

// read gives the first block of a PEM file.
func read(t testing.TB, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatalf("%s is not a PEM file", path)
	}
	return block.Bytes
}
