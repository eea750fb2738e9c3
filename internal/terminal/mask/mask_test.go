package mask

import (
	"strings"
	"testing"
)

const base64 = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW"

// TestSecretsAreHidden: what stands between < and > must not be there any more, and all else must be.
func TestSecretsAreHidden(t *testing.T) {
	for name, text := range map[string]string{
		"private key":       "a <-----BEGIN OPENSSH PRIVATE KEY-----\n" + base64 + "\nAbC=\n-----END OPENSSH PRIVATE KEY-----> b",
		"cut off":           "a <-----BEGIN CERTIFICATE-----\n" + base64 + "\nAbC>",
		"lines of one":      "kernel: <" + base64 + "> b",
		"yescrypt":          "password_hash: <$y$j9T$salt$hash/.x> b",
		"SHA-512 crypt":     "core:<$6$rounds=5000$salt$hash>:19000:",
		"argon2":            "x <$argon2id$v=19$m=65536$c2FsdA$aGFzaA> y",
		"ssh key":           "- <ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl me@home>, b",
		"URL's user":        "proxy http://<me:pa55>@proxy:3128/ b",
		"signed URL":        "GET https://store/image.qcow2?<X-Amz-Signature=ab12> b",
		"data URL":          "source data:;base64,<c2VjcmV0> b",
		"bearer":            "header Bearer <abc.def-ghi12> b",
		"password":          `--password=<hunter2> DB_PASSWORD: <hunter3>, "api_key": "<hunter4>" b`,
		"etcd's token":      "etcd --discovery-token=<8c1f0000-1234> b",
		"discovery":         "https://discovery.etcd.io/<3e86b59982e49066c5d813af1c2e2579cbf573de> b",
		"JWT":               "x <eyJhbGciOi.eyJzdWIiOiIx.SflKxw> y",
		"GitHub":            "x <ghp_0123456789abcdefghijABCDEFGHIJ> y",
		"kubeadm":           "kubeadm join <abcdef.0123456789abcdef> y",
		"k3s":               "x <K10aabbccddeeff00112233445566::server:abc> y",
		"known":             "the word is <open sesame>, <open sesame>",
		"nothing of a kind": "core01: /var/lib/libvirt/images/coreosVolumes1: 52:54:00:d2:b8:64, 9.0.0, 37743ea4f5a1, passed: 3, etcd 64e0556a1f9eaecc",
	} {
		got := Text(strings.NewReplacer("<", "", ">", "").Replace(text), "open sesame", "a")
		want := text
		for strings.Contains(want, "<") {
			before, rest, _ := strings.Cut(want, "<")
			_, after, _ := strings.Cut(rest, ">")
			want = before + Hidden + after
		}
		if got != want {
			t.Errorf("%s:\ngot  %q\nwant %q", name, got, want)
		}
	}
}

func TestValue(t *testing.T) {
	got, err := Value(map[string]any{"a": []string{"password=x1"}, "n": 5}, "x2")
	if err != nil || got.(map[string]any)["a"].([]any)[0] != "password="+Hidden || got.(map[string]any)["n"] != 5.0 {
		t.Errorf("got %v, %v", got, err)
	}
}
