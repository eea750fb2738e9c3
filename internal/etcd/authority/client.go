package authority

import "crypto/tls"

// ClientTLS is what this host shows to the cluster's members, and whom it believes to be one.
func (a Authority) ClientTLS() (*tls.Config, error) {
	roots, err := a.pool()
	if err != nil {
		return nil, err
	}
	own, err := tls.LoadX509KeyPair(a.ClientFile(), a.ClientFile())
	if err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, Certificates: []tls.Certificate{own}}, nil
}
