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
		case "/file/new":
			_, _ = w.Write([]byte("file:///etc/shadow"))
		case "/unit/new":
			_, _ = w.Write([]byte("http://10.0.0.1/token\nExecStartPre=/bin/sh"))
		case "/shell/new":
			_, _ = w.Write([]byte("http://10.0.0.1/$(reboot)"))
		case "/specifier/new":
			_, _ = w.Write([]byte("http://10.0.0.1/%25h"))
		case "/flags/new":
			_, _ = w.Write([]byte("http://10.0.0.1/x --data-dir=/"))
		case "/two/new":
			_, _ = w.Write([]byte("http://10.0.0.1/x,http://10.0.0.2/x"))
		case "/round/new":
			http.Redirect(w, r, "/round/new", http.StatusFound)
		case "/nosize/token", "/nosize/token/_config/size":
			_, _ = w.Write([]byte("{}"))
		default:
			http.Error(w, "gone", http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	for base, want := range map[string]string{
		server.URL + "/html":      "the answer is not a discovery URL: \"<html>",
		server.URL + "/empty":     "the answer is not a discovery URL: \"\"",
		server.URL + "/gone":      "503 Service Unavailable",
		server.URL + "/file":      "the answer is not a discovery URL: \"file:",
		server.URL + "/unit":      "the answer is not a discovery URL: \"http:",
		server.URL + "/shell":     "the answer is not a discovery URL: \"http:",
		server.URL + "/specifier": "the answer is not a discovery URL: \"http:",
		server.URL + "/flags":     "the answer is not a discovery URL: \"http:",
		server.URL + "/two":       "the answer is not a discovery URL: \"http:",
		server.URL + "/round":     "stopped after 10 redirects",
		"http://127.0.0.1:1":      "the discovery service cannot be reached",
	} {
		if token, err := Service(t.Context(), base, 3); err == nil || !strings.Contains(err.Error(), want) || strings.Count(err.Error(), "\nhint: ") != 1 {
			t.Errorf("%s: got %+v, %v", base, token, err)
		}
	}
	for address, want := range map[string]string{
		server.URL + "/html/token":   "this is not a discovery token",
		server.URL + "/nosize/token": "this token has no size",
		server.URL + "/gone/token":   "503 Service Unavailable",
	} {
		if token, err := URL(t.Context(), address, 3); err == nil || !strings.Contains(err.Error(), want) || strings.Count(err.Error(), "\nhint: ") != 1 {
			t.Errorf("%s: got %+v, %v", address, token, err)
		}
	}
}

// TestAServiceSendsNobodyToHTTP who came by https.
func TestAServiceSendsNobodyToHTTP(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("http://10.0.0.1/token")) }))
	defer plain.Close()
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, plain.URL+r.URL.Path, http.StatusFound)
	}))
	defer secure.Close()
	before := client.Transport
	defer func() { client.Transport = before }()
	client.Transport = secure.Client().Transport // which knows its certificate
	if token, err := Service(t.Context(), secure.URL, 3); err == nil || !strings.Contains(err.Error(), "a redirect from https to http is not followed\nhint: ") {
		t.Errorf("got %+v, %v", token, err)
	}
	if token, err := Service(t.Context(), plain.URL, 3); err != nil || token.ID != "token" {
		t.Errorf("got %+v, %v", token, err)
	}
}

// FuzzAnswers is of what a v2 service answers: what is taken is one word of a unit, a shell and an environment file.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte("https://discovery.etcd.io/3e86b59982e49066c5d813af1c2e2579cbf573de"), []byte(`{"node":{"value":"3"}}`), []byte(`{"node":{"nodes":[{"key":"a"}]}}`))
	f.Add([]byte("http://[fd00::1]:2379/v2/keys/discovery/x\n"), []byte(`{}`), []byte(`[]`))
	f.Add([]byte("file:///etc/shadow"), []byte(`{"node":{"value":"-1"}}`), []byte(`{"node":null}`))
	f.Fuzz(func(t *testing.T, answer, size, members []byte) {
		token, err := answered(answer, 3)
		if flags := token.Values()[WordFlags]; err == nil && (!strings.HasPrefix(flags, "--discovery=http") || strings.ContainsFunc(flags, harmful)) {
			t.Errorf("%q was taken: %q", answer, flags)
		}
		if of, registered, err := known(size, members); err == nil && (of < 1 || registered < 0) {
			t.Errorf("%q, %q were taken: %d, %d", size, members, of, registered)
		}
	})
}

// harmful reports whether a character means something to systemd or a shell, or begins another word.
func harmful(r rune) bool {
	return r <= ' ' || r > '~' || strings.ContainsRune("%$`\"'\\;&|<>(){}*?!#", r)
}

// TestEachKind keeps a token of each kind, and gives each config's words.
func TestEachKind(t *testing.T) {
	for flags, token := range map[string]Token{
		"--discovery=https://discovery.etcd.io/abc":                                                  {Kind: KindV2, Endpoint: "https://discovery.etcd.io", ID: "abc", Size: 3},
		"--discovery-token=abc --discovery-endpoints=https://a:2379,https://b:2379":                  {Kind: KindV3, Endpoint: "https://a:2379,https://b:2379", ID: "abc", Size: 3},
		"--discovery-token=abc --discovery-endpoints=http://10.0.0.1:4000":                           {Kind: KindEmbedded, Endpoint: "http://10.0.0.1:4000", ID: "abc", Size: 3},
		"--discovery=http://10.0.0.1:4000/v2/keys/discovery/abc":                                     {Kind: KindEmbedded2, Endpoint: "http://10.0.0.1:4000", ID: "abc", Size: 3, Formed: true, Retired: true},
		"--discovery-srv=example.org --initial-cluster-state=new":                                    {Kind: KindSRV, Endpoint: "example.org", Size: 3},
		"--discovery-srv=example.org --initial-cluster-state=existing":                               {Kind: KindSRV, Endpoint: "example.org", Size: 3, Formed: true},
		"--initial-cluster=a=http://10.0.0.1:2380 --initial-cluster-state=existing":                  {Kind: KindStatic, ID: "a=http://10.0.0.1:2380", Size: 1, Formed: true},
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
