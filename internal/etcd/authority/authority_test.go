package authority

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/testkit/certificates"
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

// What this host shows is replaced when two thirds of its life are over, and not before; a lost one, and one of another
// authority, at once.
func TestClientIsRenewed(t *testing.T) {
	a, other := made(t), made(t)
	const hours = time.Hour
	for what, c := range map[string]struct {
		prepare func()
		renewed bool
	}{
		"fresh":                {func() {}, false},
		"just before":          {func() { certificates.Write(t, a.Dir, -60*hours, 40*hours, nil, a.ClientFile()) }, false},
		"two thirds are over":  {func() { certificates.Write(t, a.Dir, -70*hours, 30*hours, nil, a.ClientFile()) }, true},
		"expired":              {func() { certificates.Write(t, a.Dir, -70*hours, -hours, nil, a.ClientFile()) }, true},
		"lost":                 {func() { _ = os.Remove(a.ClientFile()) }, true},
		"of another authority": {func() { certificates.Write(t, other.Dir, -hours, 40*hours, nil, a.ClientFile()) }, true},
	} {
		c.prepare()
		before, _ := os.ReadFile(a.ClientFile())
		renewed, err := a.RenewClient()
		after, _ := os.ReadFile(a.ClientFile())
		if err != nil || renewed != c.renewed || renewed == (string(after) == string(before)) || a.holds(a.ClientFile(), "", time.Now()) != nil {
			t.Errorf("%s: renewed %t, %v", what, renewed, err)
		}
		if info, err := os.Stat(a.ClientFile()); err != nil || renewed && info.Mode().Perm() != 0o600 {
			t.Errorf("%s: got %v, %v", what, info, err)
		}
	}
}

// Where the authority's key is gone, what still holds is used on; what does not is an error.
func TestClientWithoutTheKey(t *testing.T) {
	a := made(t)
	aged := func(until time.Duration) {
		certificates.Write(t, a.Dir, -70*time.Hour, until, nil, a.ClientFile())
	}
	aged(time.Hour)
	before, _ := os.ReadFile(a.ClientFile())
	key, err := os.ReadFile(a.keyFile())
	if err := errors.Join(err, os.Remove(a.keyFile())); err != nil {
		t.Fatal(err)
	}
	if renewed, err := a.RenewClient(); err != nil || renewed {
		t.Errorf("got %t, %v", renewed, err)
	}
	if after, _ := os.ReadFile(a.ClientFile()); string(after) != string(before) {
		t.Error("it is another one")
	}
	if err := os.WriteFile(a.keyFile(), key, 0o600); err != nil {
		t.Fatal(err)
	}
	aged(-time.Hour)
	if err := os.Remove(a.keyFile()); err != nil {
		t.Fatal(err)
	}
	if renewed, err := a.RenewClient(); err == nil || renewed || !strings.Contains(err.Error(), "cannot read the cluster's certificate authority: ") || !strings.Contains(err.Error(), "\nhint: ") {
		t.Errorf("got %t, %v", renewed, err)
	}
}

func TestLife(t *testing.T) {
	now := time.Now()
	for want, l := range map[string]Life{
		"not known": {}, "until " + now.Add(48*time.Hour).Format("2006-01-02"): {now.Add(-time.Hour), now.Add(48 * time.Hour)},
		"until " + now.Add(24*time.Hour).Format("2006-01-02") + ": `mage up` renews it":       {now.Add(-72 * time.Hour), now.Add(24 * time.Hour)},
		"expired on " + now.Add(-24*time.Hour).Format("2006-01-02") + ": `mage up` renews it": {now.Add(-72 * time.Hour), now.Add(-24 * time.Hour)},
	} {
		if got := l.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestBrokenAuthority(t *testing.T) {
	a := made(t)
	if err := os.WriteFile(a.keyFile(), []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Issue("core01", "10.0.0.7"); err == nil || !strings.Contains(err.Error(), "ca-key.pem is not a PEM file\nhint: ") {
		t.Errorf("got %v", err)
	}
}

// TestNamesOfAMember: one is known by an address, and by names, too.
func TestNamesOfAMember(t *testing.T) {
	a := made(t)
	text, err := a.Issue("core01", "10.0.0.7", "example.org", "core01.example.org")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "member.pem")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"10.0.0.7", "example.org", "core01.example.org", "core01"} {
		if err := a.holds(file, host, time.Now()); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	if err := a.holds(file, "core02.example.org", time.Now()); err == nil {
		t.Error("it holds for another one, too")
	}
}
