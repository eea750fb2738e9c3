//go:build cgo && libvirt_dlopen

package command

import (
	"regexp"
	"strings"
	"testing"
)

// planted are secrets, of which no report has a part.
var planted = regexp.MustCompile(`planted|AAAAC3|j9T|BEGIN|b3BlbnNzaC`)

const secretConfig = `variant: fcos
version: 1.5.0
passwd:
  users:
    - name: core
      password_hash: $y$j9T$planted$planted
      ssh_authorized_keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl planted]
storage:
  files:
    - path: /etc/token
      contents:
        inline: Api_Token Plain_Word
`

const secretConsole = `-----BEGIN PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW planted
planted
-----END PRIVATE KEY-----
etcd[1]: --discovery-token=planted-token
etcd[1]: the api says planted-word-one
core: $y$j9T$planted$planted
key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl planted
Failed to start web.service
`

// TestDoctorKeepsSecrets: what nodes wrote at last is in the report, without the secrets in it.
func TestDoctorKeepsSecrets(t *testing.T) {
	unsaid(t)
	save(t, "my.yml", secretConfig)
	t.Setenv("COREOS_VAR_Api_Token", "planted-word-one")
	t.Setenv("COREOS_VAR_Plain_Word", "planted-word-two")
	mustUp(t, xOne...)
	save(t, "vm/x01/console.log", strings.Repeat("an earlier line\n", 100)+secretConsole)
	for _, format := range []string{"table", "json"} {
		r := run(t, "format="+format)
		if err := Doctor(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		said := r.said()
		if out, is := r.out.(interface{ String() string }); is && format == "json" {
			said = out.String()
		}
		for _, want := range []string{"x01's console", "Failed to start web.service", "[hidden]", "x01", "the api says [hidden]"} {
			if !strings.Contains(said, want) {
				t.Errorf("%s has no %q:\n%s", format, want, said)
			}
		}
		if leaked := planted.FindString(said); leaked != "" {
			t.Errorf("%s has %q:\n%s", format, leaked, said)
		}
		if got := strings.Count(said, "an earlier line"); got >= consoleLines {
			t.Errorf("%s has %d lines of before", format, got)
		}
	}
}
