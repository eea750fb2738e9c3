package authority

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"time"

	"coreos-libvirt/internal/workspace/artifact"
)

// Issue is a fresh certificate and its key in one PEM file, for a member of that name at that address, and of these names, too:
// one file is either there or not.
func (a Authority) Issue(name, address string, too ...string) ([]byte, error) {
	der, key, err := a.load()
	if err != nil {
		return nil, err
	}
	return a.sign(der, key, name, append([]string{name, "localhost", address, "127.0.0.1", "::1"}, too...)...)
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

// Fits reports whether a file that Issue made is still good for the address: signed by this authority, and with less than two
// thirds of its life over.
func (a Authority) Fits(file, address string) bool {
	life, err := LifeOf(file)
	return err == nil && !life.Due(time.Now()) && a.holds(file, address, time.Now()) == nil && hasSigned(a, file)
}

// hasSigned reports whether the authority that signs now has signed the file's certificate: while it is rotated, another one may have.
func hasSigned(a Authority, file string) bool {
	certificate, err := read(file)
	if err != nil {
		return false
	}
	signer, err := a.signer()
	return err == nil && certificate.CheckSignatureFrom(signer) == nil
}

// RenewClient replaces what this host shows to the cluster, when two thirds of its life are over. It reports whether it did. Where
// that fails, what there is may still hold: it is not an error then.
func (a Authority) RenewClient() (renewed bool, err error) {
	if a.Fits(a.ClientFile(), "") {
		return false, nil
	}
	if err := a.newClient(); err != nil && a.holds(a.ClientFile(), "", time.Now()) != nil {
		return false, err
	} else if err != nil {
		return false, nil
	}
	return true, nil
}

func (a Authority) newClient() error {
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

func (a Authority) holds(file, address string, at time.Time) error {
	certificate, err := read(file)
	if err != nil {
		return err
	}
	roots, err := a.pool()
	if err != nil {
		return err
	}
	_, err = certificate.Verify(x509.VerifyOptions{
		Roots: roots, DNSName: address, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	return err
}
