package kubernetes

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// authority signs certificates, and writes them to a folder: <name>.crt and <name>.key, PEM.
type authority struct {
	dir  string
	name string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// validity is how long certificates hold: longer than any test.
const validity = 24 * time.Hour

// newAuthority makes one, whose own certificate is <name>.crt.
func newAuthority(dir, name string) (authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return authority{}, err
	}
	template := &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, Subject: pkix.Name{CommonName: name}}
	a := authority{dir: dir, name: name, cert: template, key: key}
	der, err := a.sign(template, key)
	if err == nil {
		a.cert, err = x509.ParseCertificate(der)
	}
	return a, errors.Join(err, a.write(name, der, key))
}

// issue makes a certificate for a server at the hosts (addresses and names), and for a client whose name is user, in the groups.
func (a authority) issue(file, user string, groups, hosts []string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		Subject: pkix.Name{CommonName: user, Organization: groups},
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	der, err := a.sign(template, key)
	if err != nil {
		return err
	}
	return a.write(file, der, key)
}

func (a authority) sign(template *x509.Certificate, key *ecdsa.PrivateKey) ([]byte, error) {
	now := time.Now()
	template.SerialNumber, template.NotBefore, template.NotAfter = big.NewInt(now.UnixNano()), now.Add(-time.Hour), now.Add(validity)
	return x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
}

func (a authority) write(file string, der []byte, key *ecdsa.PrivateKey) error {
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	at := filepath.Join(a.dir, file)
	return errors.Join(
		os.WriteFile(at+".crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600),
		os.WriteFile(at+".key", pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private}), 0o600),
	)
}

// kubeconfig makes a certificate for the user, and <file>.kubeconfig, which has all that it takes to reach the server; its context
// has the user's file as its name. It gives its path.
func (a authority) kubeconfig(file, server, user string, groups ...string) (path string, err error) {
	if err := a.issue(file, user, groups, nil); err != nil {
		return "", err
	}
	data := map[string]string{"NAME": file, "SERVER": server}
	for word, from := range map[string]string{"AUTHORITY": a.name + ".crt", "CERTIFICATE": file + ".crt", "KEY": file + ".key"} {
		text, err := os.ReadFile(filepath.Join(a.dir, from))
		if err != nil {
			return "", err
		}
		data[word] = base64.StdEncoding.EncodeToString(text)
	}
	text := os.Expand(kubeconfigTemplate, func(word string) string { return data[word] })
	path = filepath.Join(a.dir, file+".kubeconfig")
	return path, os.WriteFile(path, []byte(strings.TrimLeft(text, "\n")), 0o600)
}

// kubeconfigTemplate is a file of clients of Kubernetes (https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/).
const kubeconfigTemplate = `
apiVersion: v1
kind: Config
clusters:
- name: bed
  cluster: {server: "$SERVER", certificate-authority-data: $AUTHORITY}
users:
- name: $NAME
  user: {client-certificate-data: $CERTIFICATE, client-key-data: $KEY}
contexts:
- name: $NAME
  context: {cluster: bed, user: $NAME, namespace: default}
current-context: $NAME
`

// service is the account of a part of KubeVirt, as Kubernetes names it in certificates.
func (a authority) service(file, server, account string) (path string, err error) {
	return a.kubeconfig(file, server, fmt.Sprintf("system:serviceaccount:%s:%s", namespace, account),
		"system:serviceaccounts", "system:serviceaccounts:"+namespace, "system:authenticated")
}
