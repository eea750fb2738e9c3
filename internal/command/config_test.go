package command

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"coreos-libvirt/internal/terminal/progress"
)

// A service elsewhere is asked for a token only by a run that needs one, and what it gives is not kept where the
// config's words are not of its kind.
func TestServiceElsewhere(t *testing.T) {
	t.Chdir(t.TempDir())
	asked := 0
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked++; r.URL.Path == "/new" {
			fmt.Fprint(w, server.URL+"/token")
		}
	}))
	defer server.Close()
	const head = "variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: /etc/x, contents: {inline: "
	for name, text := range map[string]string{"v2.yml": head + "Etcd_Discovery_URL}}]}\n", "v3.yml": head + "Etcd_Discovery_Token}}]}\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	to := func(config string) *Run {
		r, err := New([]string{"config=" + config, "ready=off", "discovery=" + server.URL}, os.Stdout)
		if err != nil {
			t.Fatal(err)
		}
		r.log = progress.New(&bytes.Buffer{})
		return r
	}
	if err := Show(t.Context(), to("v2.yml")); err != nil || asked > 0 {
		t.Errorf("a look: asked %d times, %v", asked, err)
	}
	for config, wanted := range map[string]string{"v3.yml": "v3.yml: storage.files[0] (/etc/x).contents: the word Etcd_Discovery_Token has no value", "v2.yml": ""} {
		r := to(config)
		err := r.Transpile(t.Context())
		if err == nil {
			err = r.Discovery(t.Context())
		}
		r.locks.Free()
		_, none := os.Stat("vm/discovery.url.core")
		if wanted == "" && (err != nil || none != nil) || wanted != "" && (err == nil || !strings.Contains(err.Error(), wanted) || none == nil) {
			t.Errorf("%s: got %v, token: %v", config, err, none)
		}
		_ = os.Remove("vm/discovery.url.core")
	}
}
