package readable

import (
	"encoding/base64"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3" // as Butane reads it

	"coreos-libvirt/internal/config/transpile"
)

const doc = `{"ignition":{"version":"3.4.0"},"passwd":{"users":[{"sshAuthorizedKeys":["ssh-ed25519 AAAA"],"name":"core","uid":1500}]},
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
      uid: 1500
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
		"sizeMiB": "size_mib", "startMiB": "start_mib", "typeGuid": "type_guid", "certificateAuthorities": "certificate_authorities",
		"path": "path", "httpHeaders": "http_headers", "wipeFilesystem": "wipe_filesystem", "mountOptions": "mount_options",
	} {
		if got := snake(key); got != want {
			t.Errorf("%s: got %s, want %s", key, got, want)
		}
	}
}

// What Butane makes of the migrated config reads as what ct made of the old one, for each that there is.
func TestButaneReadsTheSame(t *testing.T) {
	configs, err := filepath.Glob("../transpile/testdata/legacy/*.yml")
	if err != nil || len(configs) < 7 {
		t.Fatal(configs, err)
	}
	for _, config := range append(configs, "../../../ignition/examples/seed.yml", "../../../ignition/examples/seed-etcd.yml") {
		t.Run(filepath.Base(config), func(t *testing.T) {
			files := "../transpile/testdata/files"
			if strings.Contains(config, "examples") {
				files = "../../../ignition/files"
			}
			old, err := transpile.File(config, files)
			if err != nil {
				t.Fatal(err)
			}
			sameAsButane(t, old.JSON)
		})
	}
}

// So does what no Container Linux Config of ours has.
func TestButaneOfEverything(t *testing.T) {
	sameAsButane(t, []byte(`{"ignition":{"version":"3.0.0","timeouts":{"httpTotal":60},"security":{"tls":{"certificateAuthorities":[{"source":"https://x/ca"}]}}},
"storage":{"disks":[{"device":"/dev/vdb","wipeTable":true,"partitions":[{"label":"a","number":1,"sizeMiB":512,"startMiB":1,"typeGuid":"0FC63DAF-8483-4772-8E79-3D69D8477DE4","wipePartitionEntry":true,"shouldExist":true}]}],
"raid":[{"name":"r","level":"raid1","devices":["/dev/vdc","/dev/vdd"],"spares":0,"options":["--verbose"]}],
"filesystems":[{"device":"/dev/vdb1","format":"ext4","path":"/srv","wipeFilesystem":true,"options":["-L"]}],
"files":[{"path":"/srv/text","contents":{"source":"data:,text","verification":{"hash":"sha512-`+strings.Repeat("ab", 64)+`"}}},
{"path":"/srv/bytes","contents":{"compression":"gzip","source":"data:;base64,H4sIAAAAAAACA/v/DwCWMPiIAgAAAA=="},"user":{"id":1500},"group":{"name":"x"}}]},
"passwd":{"users":[{"name":"a","uid":1500,"noCreateHome":true}]}}`))
}

func sameAsButane(t *testing.T, doc []byte) {
	t.Helper()
	config, err := Butane(doc)
	if err != nil {
		t.Fatal(err)
	}
	migrated, err := transpile.Text("ignition.bu", config, "nowhere")
	if err != nil {
		t.Fatalf("%v\n%s", err, config)
	}
	if err := Equal(doc, migrated.JSON); err != nil {
		t.Error(err)
	}
}

// Contents are read from what is written as they were, wherever blanks, tabs and empty lines are in them.
func TestContentsAreReadAsTheyWere(t *testing.T) {
	for _, contents := range []string{
		"\nabc\n", "\n\nabc", "\n", "\n\n\n", "\tabc\n", "\tabc\ndef\n", "\n\tabc\n", " abc\ndef\n", "\n  abc\n", "  \n\tabc", "a\n\n\n", "a \n\tb \n",
		"x\n   ", "a\r\nb\r\n", "\r", "\u0085a\nb", "a\u2028\nb", "\ufeffa\nb", "a\x00\nb", "\x1b[0m\n", "# no comment\n", "\n# none\n", "- a\n", "a: b\n", "---\n", "...\n", "%YAML 1.2\n",
		"true", "0644", "~", "", "null", "<<", "=", "2001-01-01", "1_000", "'", "\"\n\"", "\\n", "日本\n", strings.Repeat("word ", 400), strings.Repeat("word ", 40) + "\t'", strings.Repeat("line\n\n", 400),
	} {
		escaped := "data:;base64," + base64.StdEncoding.EncodeToString([]byte(contents))
		doc := []byte(`{"ignition":{"version":"3.0.0"},"storage":{"files":[{"path":"/a","contents":{"source":"` + escaped + `"}}]}}`)
		sameAsButane(t, doc)
		shown, err := Document(doc)
		if err != nil {
			t.Fatal(err)
		}
		var back struct {
			Storage struct{ Files []struct{ Contents string } }
		}
		if lines := strings.Count(string(shown), "\n"); lines > 8+strings.Count(contents, "\n") {
			t.Errorf("%q has %d lines:\n%s", contents, lines, shown)
		}
		if err := yaml.Unmarshal(shown, &back); err != nil || back.Storage.Files[0].Contents != contents {
			t.Errorf("%q: %v, read as %q:\n%s", contents, err, back.Storage.Files[0].Contents, shown)
		}
	}
}

func TestEqual(t *testing.T) {
	file := func(version, resource string) []byte {
		return []byte(`{"ignition":{"version":"` + version + `"},"storage":{"files":[{"path":"/a","contents":{` + resource + `}}]}}`)
	}
	one := file("3.0.0", `"source":"data:,one"`)
	for text, same := range map[string]bool{
		`"source":"data:,one"`:                                                          true,
		`"source":"data:;base64,b25l","compression":""`:                                 true,
		`"source":"data:,One"`:                                                          false,
		`"source":"data:,one","verification":{"hash":"sha512"}`:                         false,
		`"source":"data:;base64,H4sIAAAAAAACA8vPSwUA8YZsegMAAAA=","compression":"gzip"`: true,
	} {
		if err := Equal(one, file("3.4.0", text)); (err == nil) != same || err != nil && !strings.Contains(err.Error(), "@@") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestDifferencesAreOneForAllNodesWithTheSameLinesChanged(t *testing.T) {
	before := map[string]string{"core01": "a: core01\nb: 1\n", "core02": "a: core02\nb: 1\n", "core03": "a: core03\nb: 1\n", "core04": "x: 1\n"}
	after := map[string]string{"core01": "a: core01\nb: 2\n", "core02": "a: core02\nb: 2\n", "core03": "a: core03\nb: 3\n", "core04": "x: 1\n"}
	all := Differences([]string{"core01", "core02", "core03", "core04"}, before, after)
	if len(all) != 2 || len(all[0].Nodes) != 2 || len(all[1].Nodes) != 1 || all[1].Nodes[0] != "core03" || all[0].Hunks != "@@ -1,2 +1,2 @@\n a: core01\n-b: 1\n+b: 2" {
		t.Errorf("got %+v", all)
	}
}
