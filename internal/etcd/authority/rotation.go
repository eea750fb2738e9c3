package authority

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"coreos-libvirt/internal/workspace/artifact"
)

// A rotation has three steps, after each of which the next run can go on:
//
//	Trust   the next authority is made, and trusted beside the one that there is
//	Switch  the next one signs
//	Finish  only the next one is trusted
//
// Between them members must have what is trusted, and new certificates.

func (a Authority) nextKeyFile() string { return filepath.Join(a.Dir, "next-key.pem") }

// Next is the certificate, PEM, that is trusted alone at the end of a rotation: of the next authority, or if it signs already, of that.
func (a Authority) Next() ([]byte, error) {
	trusted, err := a.trusted()
	if err != nil {
		return nil, err
	}
	return certificatePEM(trusted[len(trusted)-1].Raw), nil
}

// Trust makes the next authority, unless a rotation has begun, and gives what is trusted then, PEM.
func (a Authority) Trust() ([]byte, error) {
	if _, _, err := a.load(); err != nil { // which must sign what the next one does not sign yet
		return nil, err
	}
	trusted, err := a.trusted()
	if err == nil && len(trusted) == 1 {
		err = addNext(a)
	}
	if err != nil {
		return nil, err
	}
	return a.Certificate()
}

// addNext makes the next authority: its key first, so that no certificate is trusted whose key is not there.
func addNext(a Authority) error {
	now, err := a.Certificate()
	if err != nil {
		return err
	}
	der, key, err := generate(filepath.Base(a.Dir))
	if err != nil {
		return err
	}
	private, err := keyPEM(key)
	if err != nil {
		return err
	}
	if err := artifact.Write(a.nextKeyFile(), private, 0o600); err != nil {
		return err
	}
	return artifact.Write(a.CertificateFile(), append(now, certificatePEM(der)...), 0o644)
}

// Switch has the next authority sign, if it does not yet.
func (a Authority) Switch() error {
	private, err := os.ReadFile(a.nextKeyFile())
	if errors.Is(err, fs.ErrNotExist) { // it does
		return nil
	}
	if err == nil {
		err = artifact.Write(a.keyFile(), private, 0o600)
	}
	if err == nil {
		err = os.Remove(a.nextKeyFile())
	}
	return err
}

// Finish trusts only the authority that signs.
func (a Authority) Finish() error {
	next, err := a.Next()
	if err != nil {
		return err
	}
	return artifact.Write(a.CertificateFile(), next, 0o644)
}
