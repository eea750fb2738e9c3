package etcd

import (
	"encoding/json"
	"os"
)

// CredentialsVariable is the environment variable by which the helper gets Credentials, as JSON: a password
// on a command line is everybody's.
const CredentialsVariable = "COREOS_ETCD_CREDENTIALS" //nolint:gosec // a name

// Credentials are what a client shows to etcd; all may be empty.
type Credentials struct {
	CA       string `json:"ca"`   // file of certificates, PEM, that may have signed etcd's; empty are the system's
	Cert     string `json:"cert"` // file of the client's own certificate, PEM
	Key      string `json:"key"`  // file of its key, PEM
	User     string `json:"user"`
	Password string `json:"password"`
}

// With is a helper that shows the credentials.
func (h Helper) With(c Credentials) Helper {
	h.credentials = c
	return h
}

// environment is the helper program's.
func (h Helper) environment() []string {
	text, _ := json.Marshal(h.credentials) //nolint:gosec // strings: never fails; for the helper's environment alone
	return append(os.Environ(), CredentialsVariable+"="+string(text))
}
