package authority

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func made(t *testing.T) Authority {
	t.Helper()
	a := Authority{Dir: filepath.Join(t.TempDir(), "tls.core")}
	if err := a.Make(); err != nil {
		t.Fatal(err)
	}
	return a
}

func issued(t *testing.T, a Authority, address string) string {
	t.Helper()
	text, err := a.Issue("core01", address)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "etcd.pem")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestAuthorityStays(t *testing.T) {
	a := made(t)
	first, _ := a.Certificate()
	again, err := a.Certificate()
	if err != nil || string(first) != string(again) || strings.Contains(string(first), "PRIVATE") {
		t.Errorf("got %s, then %s, %v", first, again, err)
	}
	for _, secret := range []string{a.keyFile(), a.ClientFile()} {
		if info, err := os.Stat(secret); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: got %v, %v", secret, info, err)
		}
	}
}

// TestBothSidesAreChecked has a connection by TLS with Issue's files on both sides.
func TestBothSidesAreChecked(t *testing.T) {
	a, other := made(t), made(t)
	member := issued(t, a, "127.0.0.2")
	for name, c := range map[string]struct {
		client  string // file of a certificate, or none
		trusted Authority
		dial    string
		works   bool
	}{
		"a client of the cluster":         {a.ClientFile(), a, "127.0.0.2", true},
		"another member":                  {issued(t, a, "10.0.0.9"), a, "127.0.0.2", true},
		"no certificate":                  {"", a, "127.0.0.2", false},
		"a client of another cluster":     {other.ClientFile(), a, "127.0.0.2", false},
		"a member of another cluster":     {a.ClientFile(), other, "127.0.0.2", false},
		"a member that says another host": {a.ClientFile(), a, "127.0.0.3", false},
	} {
		if err := handshake(t, a, member, c.trusted, c.client, c.dial); (err == nil) != c.works {
			t.Errorf("%s: works %t is wanted, got %v", name, c.works, err)
		}
	}
}

func pool(t *testing.T, a Authority) *x509.CertPool {
	t.Helper()
	text, err := a.Certificate()
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	return roots
}

// handshake is of a server with the file member, and a client that dials it at the address.
func handshake(t *testing.T, a Authority, member string, trusted Authority, client, address string) error {
	t.Helper()
	own, err := tls.LoadX509KeyPair(member, member)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := tls.Listen("tcp", net.JoinHostPort(address, "0"), &tls.Config{
		Certificates: []tls.Certificate{own}, ClientCAs: pool(t, a), ClientAuth: tls.RequireAndVerifyClientCert,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	go func() {
		if conn, err := listener.Accept(); err == nil {
			_, _ = conn.Write([]byte("well"))
			_ = conn.Close()
		}
	}()
	config := &tls.Config{RootCAs: pool(t, trusted)}
	if client != "" {
		pair, err := tls.LoadX509KeyPair(client, client)
		if err != nil {
			t.Fatal(err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	conn, err := tls.Dial("tcp", listener.Addr().String(), config)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	_, err = conn.Read(make([]byte, 4)) // TLS 1.3 tells a client here that it is refused
	return err
}

func TestFits(t *testing.T) {
	a, other := made(t), made(t)
	file := issued(t, a, "10.0.0.7")
	if !a.Fits(file, "10.0.0.7") || a.Fits(file, "10.0.0.8") || other.Fits(file, "10.0.0.7") || a.Fits(file+"-none", "10.0.0.7") {
		t.Error("a certificate fits its own address, by its own authority, and nothing else")
	}
	if a.holds(file, "10.0.0.7", time.Now().Add(lent-time.Hour)) != nil || a.holds(file, "10.0.0.7", time.Now().Add(lent+time.Hour)) == nil {
		t.Error("it holds for its time, and no longer")
	}
	if err := os.WriteFile(file, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	if a.Fits(file, "10.0.0.7") {
		t.Error("a file of something else fits")
	}
}

func TestClientIsRenewed(t *testing.T) {
	a := made(t)
	before, _ := os.ReadFile(a.ClientFile())
	if err := a.RenewClient(); err != nil {
		t.Fatal(err)
	}
	if after, _ := os.ReadFile(a.ClientFile()); string(after) != string(before) {
		t.Error("a fresh one is made anew")
	}
	if err := os.Remove(a.ClientFile()); err != nil {
		t.Fatal(err)
	}
	if err := a.RenewClient(); err != nil || a.holds(a.ClientFile(), "", time.Now()) != nil {
		t.Errorf("a lost one is not made anew: %v", err)
	}
}

func TestBrokenAuthority(t *testing.T) {
	a := made(t)
	if err := os.WriteFile(a.keyFile(), []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Issue("core01", "10.0.0.7"); err == nil || !strings.Contains(err.Error(), "ca-key.pem is no PEM file\nhint: ") {
		t.Errorf("got %v", err)
	}
}
