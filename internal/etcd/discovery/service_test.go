package discovery

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

func TestAServiceThatDoesNotHelp(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/html/new", "/html/token", "/html/token/_config/size":
			_, _ = w.Write([]byte("<html>Discovery is no more</html>"))
		case "/empty/new":
		case "/nosize/token", "/nosize/token/_config/size":
			_, _ = w.Write([]byte("{}"))
		default:
			http.Error(w, "gone", http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	for base, want := range map[string]string{
		server.URL + "/html":  "the answer is no discovery URL: \"<html>",
		server.URL + "/empty": "the answer is no discovery URL: \"\"",
		server.URL + "/gone":  "503 Service Unavailable",
		"http://127.0.0.1:1":  "the discovery service cannot be reached",
	} {
		if token, err := Service(t.Context(), base, 3); err == nil || !strings.Contains(err.Error(), want) || strings.Count(err.Error(), "\nhint: ") != 1 {
			t.Errorf("%s: got %+v, %v", base, token, err)
		}
	}
	for address, want := range map[string]string{
		server.URL + "/html/token":   "this is no discovery token",
		server.URL + "/nosize/token": "this token has no size",
		server.URL + "/gone/token":   "503 Service Unavailable",
	} {
		if token, err := URL(t.Context(), address, 3); err == nil || !strings.Contains(err.Error(), want) || strings.Count(err.Error(), "\nhint: ") != 1 {
			t.Errorf("%s: got %+v, %v", address, token, err)
		}
	}
}

// TestEachKind keeps a token of each kind, and gives each config's words.
func TestEachKind(t *testing.T) {
	for flags, token := range map[string]Token{
		"--discovery=https://discovery.etcd.io/abc":                                                  {Kind: KindV2, Endpoint: "https://discovery.etcd.io", ID: "abc", Size: 3},
		"--discovery-token=abc --discovery-endpoints=https://a:2379,https://b:2379":                  {Kind: KindV3, Endpoint: "https://a:2379,https://b:2379", ID: "abc", Size: 3},
		"--discovery-token=abc --discovery-endpoints=http://10.0.0.1:4000":                           {Kind: KindEmbedded, Endpoint: "http://10.0.0.1:4000", ID: "abc", Size: 3},
		"--discovery=http://10.0.0.1:4000/v2/keys/discovery/abc":                                     {Kind: KindEmbedded2, Endpoint: "http://10.0.0.1:4000", ID: "abc", Size: 3, Formed: true, Retired: true},
		"--discovery-srv=example.org":                                                                {Kind: KindSRV, Endpoint: "example.org", Size: 3},
		"--initial-cluster=a=http://10.0.0.1:2380,b=http://[fd::1]:2380 --initial-cluster-state=new": Static([]string{"a", "b"}, []string{"10.0.0.1", "fd::1"}, false),
		"--initial-cluster=a=https://10.0.0.1:2380 --initial-cluster-state=new":                      Static([]string{"a"}, []string{"10.0.0.1"}, true),
	} {
		vm := t.TempDir()
		if err := token.Write(vm, "core"); err != nil {
			t.Fatal(err)
		}
		text, _ := os.ReadFile(file(vm, "core"))
		got, found, err := Read(vm, "core")
		if err != nil || !found || got != token || got.Values()[WordFlags] != flags {
			t.Errorf("%+v was kept as %q, got %+v, %v", token, text, got, err)
		}
	}
}
