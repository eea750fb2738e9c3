package authority

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"time"
)

// Life is from when until when a certificate holds.
type Life struct{ From, Until time.Time }

// Due reports whether two thirds of the life are over at that time: then a certificate is replaced.
func (l Life) Due(at time.Time) bool { return at.After(l.Until.Add(-l.Until.Sub(l.From) / 3)) }

// String is for people, at this time.
func (l Life) String() string {
	const day = "2006-01-02"
	switch now := time.Now(); {
	case l == Life{}:
		return "not known"
	case now.After(l.Until):
		return "expired on " + l.Until.Format(day) + ": `mage up` renews it"
	case l.Due(now):
		return "until " + l.Until.Format(day) + ": `mage up` renews it"
	}
	return "until " + l.Until.Format(day)
}

// LifeOf is that of the first certificate in a file of PEM.
func LifeOf(file string) (Life, error) {
	certificate, err := read(file)
	if err != nil {
		return Life{}, err
	}
	return lifeOf(certificate), nil
}

func lifeOf(certificate *x509.Certificate) Life {
	return Life{certificate.NotBefore, certificate.NotAfter}
}

func read(file string) (*x509.Certificate, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s is not a PEM file", file)
	}
	return x509.ParseCertificate(block.Bytes)
}

// pool has the certificates of those who may have signed.
func (a Authority) pool() (*x509.CertPool, error) {
	trusted, err := a.trusted()
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	for _, certificate := range trusted {
		roots.AddCert(certificate)
	}
	return roots, nil
}

// Served is the life of the certificate that the member at host:port shows now. It may be over; the authority must have
// signed it.
func (a Authority) Served(ctx context.Context, hostPort string) (Life, error) {
	own, err := a.trusted()
	if err != nil {
		return Life{}, err
	}
	// who has signed what is shown is verified below; it may be over
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}} //nolint:gosec // see above
	conn, err := dialer.DialContext(ctx, "tcp", hostPort)
	if err != nil {
		return Life{}, err
	}
	defer func() { _ = conn.Close() }()
	secure, is := conn.(*tls.Conn)
	if !is || len(secure.ConnectionState().PeerCertificates) == 0 {
		return Life{}, errors.New("it shows no certificate")
	}
	shown := secure.ConnectionState().PeerCertificates[0]
	for _, one := range own {
		if err = shown.CheckSignatureFrom(one); err == nil {
			return lifeOf(shown), nil
		}
	}
	return Life{}, fmt.Errorf("its certificate is not of this cluster: %w", err)
}
