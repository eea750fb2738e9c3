package config

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/coreos/go-systemd/v22/unit"
	"gopkg.in/yaml.v3"

	"coreos-libvirt/internal/config/transpile"
	"coreos-libvirt/internal/workspace"
)

// mounting has words wherever Butane's mount units have text of the user's: mounts, swap, LUKS with a key elsewhere.
const mounting = `variant: fcos
version: 1.5.0
storage:
  luks:
    - name: Node_Prefix-data
      device: /dev/disk/by-partlabel/data
      clevis: {tang: [{url: "http://10.0.0.1/Of_Tang", thumbprint: x}]}
  filesystems:
    - {path: /var/lib/plain, device: /dev/vdb, format: ext4, with_mount_unit: true, label: Of_Tang}
    - {path: /var/Node_Name, device: /dev/disk/by-label/My_Word, format: ext4, with_mount_unit: true}
    - {path: /My_Word, device: /dev/mapper/core-x-data, format: xfs, with_mount_unit: true, mount_options: [noatime, "x-My_Word"]}
    - {path: /srv/var/Node_Name, device: /dev/disk/by-label/unrelated, format: ext4}
    - {path: /var/Node_Name/My_Word, device: /dev/disk/by-partlabel/My_Word, format: ext4, with_mount_unit: true}
    - {path: /var/Node_Name/Node_Number, device: /dev/disk/by-partlabel/Node_Name, format: ext4, with_mount_unit: true}
    - {device: /dev/disk/by-partlabel/swap-My_Word, format: swap, with_mount_unit: true}
systemd:
  units:
    - name: own.service
      contents: |
        [Unit]
        RequiresMountsFor=/var/Node_Name
`

// units are those of the document, by name.
func units(t *testing.T, doc []byte) map[string]string {
	t.Helper()
	var has struct {
		Systemd struct {
			Units []struct{ Name, Contents string }
		}
	}
	if err := json.Unmarshal(doc, &has); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, u := range has.Systemd.Units {
		all[u.Name] = u.Contents
	}
	return all
}

// rendered is the first node's document of the config.
func rendered(t *testing.T, config string, vars map[string]string) ([]byte, error) {
	t.Helper()
	inFolder(t, map[string]string{"plain.yml": config})
	o := options("plain.yml")
	o.Prefix, o.Nodes = "core-x", workspace.Nodes("/vm", "core-x", 1)
	o.Vars = func(string) (map[string]string, error) { return vars, nil }
	s, err := Read(o)
	if err != nil {
		return nil, err
	}
	documents, err := s.Render(Made{})
	if err != nil {
		return nil, err
	}
	return documents[0].JSON, nil
}

// replaced is the config with its words replaced by hand.
func replaced(t *testing.T, config string, words *strings.Replacer) []byte {
	t.Helper()
	var tree any
	if err := yaml.Unmarshal([]byte(config), &tree); err != nil {
		t.Fatal(err)
	}
	text, err := yaml.Marshal(replacedIn(tree, words))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func replacedIn(tree any, words *strings.Replacer) any {
	switch tree := tree.(type) {
	case string:
		return words.Replace(tree)
	case []any:
		for i := range tree {
			tree[i] = replacedIn(tree[i], words)
		}
	case map[string]any:
		for key := range tree {
			tree[key] = replacedIn(tree[key], words)
		}
	}
	return tree
}

// TestMountUnits are what Butane makes of the config once its words are replaced, whatever systemd escapes.
func TestMountUnits(t *testing.T) {
	for _, value := range []string{"plain", "a-b", "a b", "a.b", ".a", "ä", `a\b`, "a@b", "a'b", "a/b-c", "a:b_c", "[a]", "x#y: z", "a,b", "12", "yes"} {
		t.Run(value, func(t *testing.T) {
			got, err := rendered(t, mounting, map[string]string{"My_Word": value, "Of_Tang": "20%25"})
			if err != nil {
				t.Fatal(err)
			}
			words := strings.NewReplacer("Node_Name", "core-x01", "Node_Prefix", "core-x", "Node_Number", "1", "My_Word", value)
			if err := os.WriteFile("replaced.yml", replaced(t, mounting, words), 0o600); err != nil {
				t.Fatal(err)
			}
			want, err := transpile.File("replaced.yml", "files")
			if err != nil {
				t.Fatal(err)
			}
			is, wanted := units(t, got), units(t, want.JSON)
			if len(is) != 7 || !strings.Contains(fmt.Sprint(is), "_netdev") || fmt.Sprint(is) != fmt.Sprint(wanted) {
				t.Errorf("got\n%v\nwant\n%v", is, wanted)
			}
			verify(t, is)
		})
	}
}

// verify has systemd itself look at the units, if it is here.
func verify(t *testing.T, units map[string]string) {
	t.Helper()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("no systemd-analyze: systemd does not look at the units")
		return
	}
	root := t.TempDir()
	folder := filepath.Join(root, "etc/systemd/system")
	args := []string{"verify", "--man=no", "--recursive-errors=no", "--root=" + root}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range units {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		mounts := strings.HasSuffix(name, ".mount") || strings.HasSuffix(name, ".swap")
		if mounts && !strings.Contains(name, ":") { // which systemd-analyze takes for an alias
			args = append(args, name)
		}
	}
	slices.Sort(args[4:])
	out, err := exec.Command(analyze, args...).CombinedOutput()
	if err != nil || strings.Contains(string(out), "Refusing") {
		t.Errorf("systemd-analyze %v: %v\n%s", args, err, out)
	}
}

// TestMountUnitsRefuse values that no unit can hold: the error names the file and the place.
func TestMountUnitsRefuse(t *testing.T) {
	const odd = "cannot be written into a unit\nhint: a path or device of with_mount_unit has no %"
	for value, want := range map[string]string{
		"a%b":  `plain.yml: storage.filesystems[1].device: "/dev/disk/by-label/a%b" ` + odd,
		"a\nb": odd, "b\u00a0": odd, "\xff": odd, `a\`: odd,
		"../b": "plain.yml: storage.filesystems[1].device: path is not fully simplified\nhint: ",
		"a/":   "path is not fully simplified",
	} {
		if _, err := rendered(t, mounting, map[string]string{"My_Word": value}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v", value, err)
		}
	}
}

// TestMountUnitsOfOthers: what the config says of a unit that Butane makes, and an overlay's units, follow.
func TestMountUnitsOfOthers(t *testing.T) {
	const mount = "storage: {filesystems: [{path: /var/%s, device: /dev/%s, format: ext4, with_mount_unit: true}]}\n"
	inFolder(t, map[string]string{
		"plain.yml": head + fmt.Sprintf(mount, "Node_Name", "vd-My_Word") + `
systemd:
  units:
    - {name: var-Node_Name.mount, dropins: [{name: own.conf, contents: "[Unit]\nBefore=own.service\n"}]}
    - {name: own.service, contents: "[Unit]\nAfter=var-Node_Name.mount 'systemd-fsck@dev-vd\\x2dMy_Word.service'\n"}
`,
		"nodes/core-x01.yml": head + fmt.Sprintf(mount, "my/Node_Name", "vdc"),
	})
	o := options("plain.yml")
	o.Nodes = workspace.Nodes("/vm", "core-x", 2)
	o.Vars = func(string) (map[string]string, error) { return map[string]string{"My_Word": "a-b"}, nil }
	s, err := Read(o)
	if err != nil {
		t.Fatal(err)
	}
	documents, err := s.Render(Made{})
	if err != nil {
		t.Fatal(err)
	}
	first, second := units(t, documents[0].JSON), units(t, documents[1].JSON)
	if want := "[Unit]\nAfter=var-core\\x2dx01.mount 'systemd-fsck@dev-vd\\x2da\\x2db.service'\n"; first["own.service"] != want {
		t.Errorf("got %q", first["own.service"])
	}
	if _, has := first[`var-my-core\x2dx01.mount`]; !has || len(first) != 3 || len(second) != 2 || second[`var-core\x2dx02.mount`] == "" {
		t.Errorf("got %v, %v", first, second)
	}
	if !strings.Contains(string(documents[0].JSON), `"name": "var-core\\x2dx01.mount"`) || !strings.Contains(string(documents[0].JSON), "own.conf") {
		t.Errorf("got %s", documents[0].JSON)
	}
}

// TestMountUnitsKeepButane: of the few keys that are kept Butane makes the units that it makes of the whole config.
func TestMountUnitsKeepButane(t *testing.T) {
	s := Source{Path: "plain.yml", nodes: workspace.Nodes("/vm", "core", 1)}
	inFolder(t, map[string]string{"plain.yml": strings.ReplaceAll(strings.ReplaceAll(mounting, "My_Word", "x"), "Node_", "Nodes_")})
	if err := s.transpile(); err != nil {
		t.Fatal(err)
	}
	texts, err := s.Common.MountUnits(func(text string) string { return strings.ReplaceAll(text, "/var/Nodes_Name", "/var/a-b") })
	for name := range texts {
		if _, has := units(t, s.Common.JSON)[name]; strings.HasSuffix(name, ".mount") && !has {
			t.Errorf("%s is not in %s", name, s.Common.JSON)
		}
	}
	if err != nil || texts["var-Nodes_Name.mount"] != `var-a\x2db.mount` {
		t.Errorf("got %v, %v", texts, err)
	}
}

// FuzzMountUnits: whatever the value, it is refused, or systemd takes the units: each is named after its place, and checks its device.
func FuzzMountUnits(f *testing.F) {
	for _, value := range []string{"a-b", ".", "ä b", "a%b", "/", "\xff", "x: y # z", "!!int 3", "\u2028"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		doc, err := rendered(t, mounting, map[string]string{"My_Word": value})
		if err != nil {
			return
		}
		for name, text := range units(t, doc) {
			if !strings.HasSuffix(name, ".mount") {
				continue
			}
			where, what := line(text, "Where="), line(text, "What=")
			if name != unit.UnitNamePathEscape(where)+".mount" || line(text, "After=") != "systemd-fsck@"+unit.UnitNamePathEscape(what)+".service" {
				t.Errorf("%q: %s is\n%s", value, name, text)
			}
		}
	})
}

// line is what follows the first key of the unit.
func line(text, key string) string {
	_, after, _ := strings.Cut(text, "\n"+key)
	value, _, _ := strings.Cut(after, "\n")
	return value
}

// BenchmarkMountUnits reads the config for 100 nodes: with no word in a mount unit, in one, and in all six.
func BenchmarkMountUnits(b *testing.B) {
	for name, config := range map[string]string{
		"none": head, "one": head + "storage: {filesystems: [{path: /var/Node_Name, device: /dev/vdb, format: ext4, with_mount_unit: true}]}\n", "six": mounting,
	} {
		b.Run(name, func(b *testing.B) {
			b.Chdir(b.TempDir())
			if err := os.WriteFile("plain.yml", []byte(config), 0o600); err != nil {
				b.Fatal(err)
			}
			o := options("plain.yml")
			o.Nodes = workspace.Nodes("/vm", "core-x", 100)
			for b.Loop() {
				if _, err := Read(o); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
