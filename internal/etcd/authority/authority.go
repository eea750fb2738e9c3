// Package authority is a cluster's own certificate authority (X.509, RFC 5280): it signs what etcd's
// members show each other and their clients.
package authority

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace/artifact"
)

const (
	// life is how long the authority's own certificate holds: longer than a cluster lives.
	life = 10 * 365 * 24 * time.Hour
	// lent is how long a certificate that it signs holds.
	lent = 365 * 24 * time.Hour
	// skew is by how much a guest's clock may be behind the host's.
	skew = time.Hour
)

// Authority is kept in a folder: its certificate, its key, which never leaves the host, and one client's.
type Authority struct{ Dir string }

// CertificateFile is the path of the authority's own certificate, PEM.
func (a Authority) CertificateFile() string { return filepath.Join(a.Dir, "ca.pem") }

func (a Authority) keyFile() string { return filepath.Join(a.Dir, "ca-key.pem") }

// ClientFile is the path of what this host shows to the cluster: a certificate and its key, PEM.
func (a Authority) ClientFile() string { return filepath.Join(a.Dir, "client.pem") }

// Certificate is the authority's own, PEM.
func (a Authority) Certificate() ([]byte, error) {
	text, err := os.ReadFile(a.CertificateFile())
	if err != nil {
		return nil, hint.Errorf("put it back; `mage up recreate=all` makes a new cluster, with another one", "cannot read the cluster's certificate authority: %w", err)
	}
	return text, nil
}

// Make makes the authority, in place of an earlier one.
func (a Authority) Make() error {
	if err := os.RemoveAll(a.Dir); err != nil {
		return err
	}
	_, err := a.make()
	return err
}

// make writes the certificate last: where it is, the rest is too.
func (a Authority) make() ([]byte, error) {
	der, key, err := generate(filepath.Base(a.Dir))
	if err != nil {
		return nil, err
	}
	private, err := keyPEM(key)
	if err != nil {
		return nil, err
	}
	text := certificatePEM(der)
	if err := artifact.Write(a.keyFile(), private, 0o600); err != nil {
		return nil, err
	}
	client, err := a.sign(der, key, "coreos-libvirt")
	if err != nil {
		return nil, err
	}
	if err := artifact.Write(a.ClientFile(), client, 0o600); err != nil {
		return nil, err
	}
	return text, artifact.Write(a.CertificateFile(), text, 0o644)
}

// generate makes the certificate, DER, and the key of an authority of that name.
func generate(name string) (der []byte, key *ecdsa.PrivateKey, err error) {
	if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, nil, err
	}
	own := template(pkix.Name{CommonName: name + " (coreos-libvirt)"}, life)
	own.IsCA, own.BasicConstraintsValid, own.MaxPathLenZero = true, true, true
	own.KeyUsage, own.ExtKeyUsage = x509.KeyUsageCertSign, nil
	der, err = x509.CreateCertificate(rand.Reader, own, own, key.Public(), key)
	return der, key, err
}

// load is the certificate, DER, of the authority that signs, and its key. While it is rotated, two are trusted: the key says which signs.
func (a Authority) load() (der []byte, key *ecdsa.PrivateKey, err error) {
	if key, err = a.key(); err != nil {
		return nil, nil, err
	}
	trusted, err := a.trusted()
	if err != nil {
		return nil, nil, err
	}
	for _, certificate := range trusted {
		if key.PublicKey.Equal(certificate.PublicKey) {
			return certificate.Raw, key, nil
		}
	}
	return nil, nil, hint.Errorf(lost, "%s is not the key of a certificate in %s", a.keyFile(), a.CertificateFile())
}

// lost is what helps if a file of the authority is lost.
const lost = "put it back; `mage up recreate=all` makes a new cluster, with another one"

// key is that of the authority that signs.
func (a Authority) key() (*ecdsa.PrivateKey, error) {
	text, err := os.ReadFile(a.keyFile())
	if err != nil {
		return nil, hint.Errorf(lost, "cannot read the cluster's certificate authority: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, hint.Errorf("`mage up recreate=all` makes a new cluster with a new one", "%s is not a PEM file", a.keyFile())
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.keyFile(), err)
	}
	if key, is := parsed.(*ecdsa.PrivateKey); is {
		return key, nil
	}
	return nil, fmt.Errorf("%s: this is not the key that was made here", a.keyFile())
}

// trusted are the certificates of those who may have signed: the authority's own and, while it is rotated, that of the next one.
func (a Authority) trusted() (all []*x509.Certificate, err error) {
	text, err := os.ReadFile(a.CertificateFile())
	if err != nil {
		return nil, hint.Errorf(lost, "cannot read the cluster's certificate authority: %w", err)
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", a.CertificateFile(), err)
		}
		all = append(all, certificate)
	}
	if len(all) == 0 {
		return nil, hint.Errorf("`mage up recreate=all` makes a new cluster with a new one", "%s is not a PEM file", a.CertificateFile())
	}
	return all, nil
}

// signer is the certificate of the authority that signs, or if its key is lost the first that is trusted.
func (a Authority) signer() (*x509.Certificate, error) {
	trusted, err := a.trusted()
	if err != nil {
		return nil, err
	}
	if key, err := a.key(); err == nil {
		for _, certificate := range trusted {
			if key.PublicKey.Equal(certificate.PublicKey) {
				return certificate, nil
			}
		}
	}
	return trusted[0], nil
}

// template is what all certificates have in common.
func template(subject pkix.Name, holds time.Duration) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)) // never fails
	return &x509.Certificate{
		SerialNumber: serial, Subject: subject,
		NotBefore: time.Now().Add(-skew), NotAfter: time.Now().Add(holds),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, // members are both
	}
}

func certificatePEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func keyPEM(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}
