package authority

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"net"
	"os"
	"time"

	"coreos-libvirt/internal/workspace/artifact"
)

// Issue is a fresh certificate and its key in one PEM file, for a member of that name at that address:
// one file is either there or not.
func (a Authority) Issue(name, address string) ([]byte, error) {
	der, key, err := a.load()
	if err != nil {
		return nil, err
	}
	return a.sign(der, key, name, name, "localhost", address, "127.0.0.1", "::1")
}

// sign makes a certificate that holds for hosts: names and addresses.
func (a Authority) sign(authority []byte, key *ecdsa.PrivateKey, name string, hosts ...string) ([]byte, error) {
	parent, err := x509.ParseCertificate(authority)
	if err != nil {
		return nil, err
	}
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	certificate := template(pkix.Name{CommonName: name}, lent)
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			certificate.IPAddresses = append(certificate.IPAddresses, ip)
		} else {
			certificate.DNSNames = append(certificate.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, certificate, parent, own.Public(), key)
	if err != nil {
		return nil, err
	}
	private, err := keyPEM(own)
	return append(certificatePEM(der), private...), err
}

// Fits tells whether a file that Issue made is still good for the address: signed by this authority, and
// with a third of its time left.
func (a Authority) Fits(file, address string) bool {
	return a.holds(file, address, time.Now().Add(lent/3)) == nil
}

// RenewClient makes what this host shows to the cluster anew when two thirds of its time are over.
func (a Authority) RenewClient() error {
	if a.holds(a.ClientFile(), "", time.Now().Add(lent/3)) == nil {
		return nil
	}
	der, key, err := a.load()
	if err != nil {
		return err
	}
	client, err := a.sign(der, key, "coreos-libvirt")
	if err != nil {
		return err
	}
	return artifact.Write(a.ClientFile(), client, 0o600)
}

func (a Authority) holds(file, address string, until time.Time) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return os.ErrInvalid
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return err
	}
	own, err := os.ReadFile(a.CertificateFile())
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(own)
	_, err = certificate.Verify(x509.VerifyOptions{
		Roots: roots, DNSName: address, CurrentTime: until, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	return err
}
