package readable

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"coreos-libvirt/internal/transpile"
)

const doc = `{"ignition":{"version":"3.4.0"},"passwd":{"users":[{"sshAuthorizedKeys":["ssh-ed25519 AAAA"],"name":"core"}]},
"storage":{"files":[{"mode":420,"path":"/etc/x","contents":{"source":"data:,one%0Atwo%0A"}},
{"path":"/etc/z","contents":{"compression":"gzip","source":"data:;base64,H4sIAAAAAAACA8vPSwUA8YZsegMAAAA="}},
{"path":"/etc/b","contents":{"source":"data:;base64,/w=="}}]},"systemd":{"units":[{"enabled":true,"name":"a.service"}]}}`

func TestDocument(t *testing.T) {
	got, err := Document([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	want := `ignition:
  version: 3.4.0
passwd:
  users:
    - name: core
      sshAuthorizedKeys:
        - ssh-ed25519 AAAA
storage:
  files:
    - path: /etc/x
      contents: |
        one
        two
      mode: 0644
    - path: /etc/z
      contents: one
    - path: /etc/b
      contents: (1 bytes, sha256 a8100ae6aa1940d0b663bb31cd466142ebbdbd5187131b92d93818987832eb89)
systemd:
  units:
    - name: a.service
      enabled: true
`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestRefuses(t *testing.T) {
	for _, bad := range []string{"", "[]", `{"c":{"source":"data:x"}}`, `{"c":{"source":"data:,x","compression":"gzip"}}`} {
		if got, err := Document([]byte(bad)); err == nil {
			t.Errorf("%s: got %s", bad, got)
		}
	}
}

func TestSnake(t *testing.T) {
	for key, want := range map[string]string{
		"sshAuthorizedKeys": "ssh_authorized_keys", "passwordHash": "password_hash", "noCreateHome": "no_create_home",
		"path": "path", "httpHeaders": "http_headers", "wipeFilesystem": "wipe_filesystem", "mountOptions": "mount_options",
	} {
		if got := snake(key); got != want {
			t.Errorf("%s: got %s, want %s", key, got, want)
		}
	}
}

// What Butane makes of the migrated config reads as what ct made of the old one.
func TestButaneOfTheSeed(t *testing.T) {
	old, err := transpile.File("../../ignition/examples/seed.yml", "../../ignition/files")
	if err != nil {
		t.Fatal(err)
	}
	config, err := Butane(old.JSON)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "ignition.bu")
	if err := os.WriteFile(path, config, 0o644); err != nil {
		t.Fatal(err)
	}
	migrated, err := transpile.File(path, "../../ignition/files")
	if err != nil {
		t.Fatalf("%v\n%s", err, config)
	}
	before, errBefore := Document(old.JSON)
	after, errAfter := Document(migrated.JSON)
	if errBefore != nil || errAfter != nil {
		t.Fatal(errBefore, errAfter)
	}
	same := func(text []byte) string { return strings.Replace(string(text), "version: 3.0.0", "version: 3.4.0", 1) }
	if same(before) != same(after) {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
}
