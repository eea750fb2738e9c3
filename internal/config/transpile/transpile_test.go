package transpile

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/coreos/ignition/v2/config/v3_0"
	"github.com/coreos/ignition/v2/config/v3_0/types"
)

func write(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ignition.yml")
	if err := os.MkdirAll(filepath.Join(filepath.Dir(path), "files"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFile(t *testing.T) {
	for variant, want := range map[string]string{
		"variant: fcos\nversion: 1.5.0":    `"version": "3.4.0"`,
		"variant: flatcar\nversion: 1.1.0": `"version": "3.4.0"`,
	} {
		path := write(t, variant+"\nstorage:\n  files:\n  - path: /etc/hostname\n    mode: 0644\n    contents: {local: name}\n")
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), "files", "name"), []byte("Node_Name"), 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := File(path, filepath.Join(filepath.Dir(path), "files"))
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{want, `"path": "/etc/hostname"`, `"source": "data:,Node_Name"`, `"mode": 420`} {
			if !strings.Contains(string(got.JSON), part) {
				t.Errorf("%s: no %s in\n%s", variant, part, got.JSON)
			}
		}
		if !strings.HasPrefix(variant, "variant: "+got.Variant) {
			t.Errorf("variant is %q", got.Variant)
		}
	}
}

// What the hint of an unknown version names is taken.
func TestAdvisedVersions(t *testing.T) {
	_, refused := File(write(t, "variant: fcos\nversion: 9.9.9\n"), "files")
	advised := regexp.MustCompile("`(variant: \\w+)` with `(version: [\\d.]+)`").FindAllStringSubmatch(refused.Error(), -1)
	if len(advised) != 2 {
		t.Errorf("got %v", refused)
	}
	for _, found := range advised {
		if _, err := File(write(t, found[1]+"\n"+found[2]+"\n"), "files"); err != nil {
			t.Error(err)
		}
	}
}

func TestFileIsGone(t *testing.T) {
	_, err := File("nowhere.yml", "files")
	if err == nil || !strings.Contains(err.Error(), "nowhere.yml") || !strings.Contains(err.Error(), "hint: config=") {
		t.Errorf("got %v", err)
	}
}

// legacyConfig transpiles a Container Linux Config, checked by Ignition.
func legacyConfig(t *testing.T, path string) types.Config {
	t.Helper()
	got, err := File(path, filepath.Join(filepath.Dir(path), "files"))
	if err != nil {
		t.Fatal(err)
	}
	if got.Variant != "flatcar" || !got.Legacy {
		t.Errorf("variant %q, legacy %v", got.Variant, got.Legacy)
	}
	config, rpt, err := v3_0.Parse(got.JSON)
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, rpt, got.JSON)
	}
	return config
}

// The seed's own ignition.yml goes through untouched.
func TestSeed(t *testing.T) {
	config := legacyConfig(t, "../../../ignition/examples/seed.yml")
	modes := map[string]int{}
	sources := map[string]string{}
	for _, file := range config.Storage.Files {
		modes[file.Path], sources[file.Path] = *file.Mode, *file.Contents.Source
	}
	if sources["/etc/hostname"] != "data:,Node_Name" || modes["/etc/hostname"] != 0o420 {
		t.Errorf("hostname: got %s, mode %o", sources["/etc/hostname"], modes["/etc/hostname"])
	}
	if network := sources["/etc/systemd/network/20-dhcp.network"]; !strings.Contains(network, "DHCP%3Dyes") {
		t.Errorf("networkd: got %s", network)
	}
	for _, user := range config.Passwd.Users {
		if len(user.SSHAuthorizedKeys) != 2 || !strings.HasPrefix(*user.PasswordHash, "$6$ct4dIwnHLjzCVb5W$") {
			t.Errorf("got %+v", user)
		}
	}
	if len(config.Passwd.Users) != 2 {
		t.Errorf("got %d users", len(config.Passwd.Users))
	}
}

func TestEverySectionOfAContainerLinuxConfig(t *testing.T) {
	path := write(t, `
etcd:
  name: "{HOSTNAME}"
  advertise_client_urls: "http://{PUBLIC_IPV4}:2379"
  discovery: Etcd_Discovery_URL
flannel:
  network_config: '{"Network": "10.1.0.0/16"}'
docker:
  flags: ["--debug"]
locksmith:
  reboot_strategy: "off"
update:
  group: stable
networkd:
  units:
    - name: 00-eth.network
      contents: "[Match]\nName=e*\n"
      dropins:
        - {name: 10-dns.conf, contents: "[Network]\nDNS=10.0.0.1\n"}
systemd:
  units:
    - name: x.service
      enable: true
      contents: "[Install]\nWantedBy=multi-user.target\n"
      dropins:
        - {name: 20-y.conf, contents: "[Service]\nUser=core\n"}
storage:
  files:
    - {filesystem: root, path: /etc/local, mode: 0600, contents: {local: a}}
    - filesystem: root
      path: /opt/remote
      contents: {remote: {url: "http://10.0.0.1/x"}}
`)
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), "files", "a"), []byte("of Node_Name"), 0o644); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(legacyConfig(t, path))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"20-clct-etcd-member.conf", "Etcd_Discovery_URL", "flannel", "--debug", "REBOOT_STRATEGY", "GROUP%3Dstable",
		"/etc/systemd/network/00-eth.network", "/etc/systemd/network/00-eth.network.d/10-dns.conf",
		`"name":"x.service"`, "20-y.conf", "data:,of%20Node_Name", "http://10.0.0.1/x",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

func FuzzFile(f *testing.F) {
	f.Add("variant: fcos\nversion: 1.5.0\n")
	f.Add("variant: [")
	f.Add("storage: {files: [{filesystem: root, path: /x, mode: 0420}]}\n")
	f.Add("storage:\n  files:\n  - &f {filesystem: root, path: /x, contents: {remote: {url: http://x}}}\n  - {<<: [*f], path: /y}\n")
	f.Add("storage:\n  filesystems:\n  - {name: OEM, mount: {device: /dev/vdb, format: ext4, create: {force: true}}}\n  files:\n  - {filesystem: OEM, path: /x, append: true}\n")
	f.Add("passwd: {users: [{name: a, create: {uid: 1}}]}\nsystemd: {units: [{name: x.service, dropins: [{name: a.conf, contents: b}]}, {name: x.service, mask: true}]}\n")
	f.Add("etcd: {name: \"{HOSTNAME}\"}\nnetworkd: {units: [{name: x, contents: y}]}\n")
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := File(write(t, text), "files"); err == nil && len(got.JSON) == 0 {
			t.Error("no error and no document")
		}
	})
}
