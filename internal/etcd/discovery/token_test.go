package discovery

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTokenIsKept(t *testing.T) {
	vm := t.TempDir()
	if _, found, err := Read(vm, "core"); found || err != nil {
		t.Errorf("no token yet: got %v, %v", found, err)
	}
	token, err := New(KindEmbedded, netip.MustParseAddr("127.0.0.1"), 3)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(Data(vm, "core"), "member"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := token.Write(vm, "core"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(Data(vm, "core")); err == nil {
		t.Error("what the service knew of the earlier token must go")
	}
	got, found, err := Read(vm, "core")
	if err != nil || !found || got != token {
		t.Errorf("got %+v, %v, %v, want %+v", got, found, err, token)
	}
	values := got.Values()
	if values[WordURL] != values[WordEndpoints]+"/v2/keys/discovery/"+values[WordToken] || len(values[WordToken]) != 32 {
		t.Errorf("got %v", values)
	}
	text, err := os.ReadFile(filepath.Join(vm, "discovery.url.core"))
	if err != nil || !strings.HasPrefix(string(text), token.URL()+"\n") {
		t.Errorf("the script's file holds %q, %v", text, err)
	}
}

func TestTokensDiffer(t *testing.T) {
	a, errA := New(KindEmbedded, netip.MustParseAddr("127.0.0.1"), 3)
	b, errB := New(KindEmbedded, netip.MustParseAddr("127.0.0.1"), 3)
	if errA != nil || errB != nil || a.ID == b.ID {
		t.Errorf("got %v and %v, %v, %v", a, b, errA, errB)
	}
}

func TestReadRefuses(t *testing.T) {
	for _, text := range []string{"", "x", "http://h:1/\nsize=3", "http://h:1/t", "http://h:1/t\nsize=0", "http://h:1/t\nsize=x", "%"} {
		vm := t.TempDir()
		if err := os.WriteFile(file(vm, "core"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, _, err := Read(vm, "core"); err == nil || !strings.Contains(err.Error(), "discovery.url.core: ") || !strings.Contains(err.Error(), "\nhint: remove") {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

func TestBridgeAddress(t *testing.T) {
	if _, err := BridgeAddress("nobridge0"); err == nil || !strings.Contains(err.Error(), "bridge=nobridge0") {
		t.Errorf("got %v", err)
	}
	if _, err := net.InterfaceByName("lo"); err == nil {
		if _, err := BridgeAddress("lo"); err == nil || !strings.Contains(err.Error(), "no address on it") {
			t.Errorf("a loopback address is no way for nodes: got %v", err)
		}
	}
}

// TestNamesInCertificates: etcd that has formed by SRV records wants to see the domain.
func TestNamesInCertificates(t *testing.T) {
	for kind, want := range map[string]string{KindSRV: "example.org core01.example.org", KindStatic: ""} {
		if got := strings.Join((Token{Kind: kind, Endpoint: "example.org"}).Names("core01"), " "); got != want {
			t.Errorf("%s: got %s", kind, got)
		}
	}
}
