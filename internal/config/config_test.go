package config

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"coreos-libvirt/internal/config/render"
	"coreos-libvirt/internal/config/transpile"
	"coreos-libvirt/internal/workspace"
)

const head = "variant: fcos\nversion: 1.5.0\n"

// inFolder has the files in the current folder.
func inFolder(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range files {
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}

func options(path string) Options {
	return Options{
		Path: path, Prefix: "core", Nodes: workspace.Nodes("/vm", "core", 2), Updates: true,
		Vars: func(string) (map[string]string, error) { return map[string]string{"My_Word": "mine"}, nil },
	}
}

func inline(text string) string {
	return head + "storage: {files: [{path: /etc/x, contents: {inline: " + text + "}}]}\n"
}

// contents are those of the document's files, by path.
func contents(t *testing.T, d Document) map[string]string {
	t.Helper()
	var doc struct {
		Storage struct {
			Files []struct {
				Path     string
				Contents struct{ Source string }
			}
		}
	}
	if err := json.Unmarshal(d.JSON, &doc); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, file := range doc.Storage.Files {
		files[file.Path] = strings.TrimPrefix(file.Contents.Source, "data:,")
	}
	return files
}

// A node's own config may be of a newer version than the common one: that counts, too.
func TestCheckVersionsLooksAtOverlays(t *testing.T) {
	t.Chdir(t.TempDir())
	doc := func(version string) transpile.Template {
		return transpile.Template{JSON: []byte(`{"ignition":{"version":"` + version + `"}}`)}
	}
	accepts := func(version string) error {
		if version == "3.5.0" {
			return errors.New("too new")
		}
		return nil
	}
	s := Source{Path: "plain.yml", Common: doc("3.4.0"), Overlays: map[string]transpile.Template{"core01": doc("3.0.0")}}
	if err := s.CheckVersions(accepts); err != nil {
		t.Error(err)
	}
	s.Overlays["core02"] = doc("3.5.0")
	if err := s.CheckVersions(accepts); err == nil || !strings.HasSuffix(err.Error(), "nodes/core02.yml: too new") {
		t.Errorf("got %v", err)
	}
}

func TestRender(t *testing.T) {
	inFolder(t, map[string]string{
		"plain.yml":            inline("Node_Name Node_Count My_Word Later_Word"),
		"nodes/core02.yml":     head + "storage: {files: [{path: /etc/y, contents: {inline: Node_Number}}]}\n",
		"nodes/core03.yml":     "no node of this cluster",
		"ignition/ignored.yml": "",
	})
	o := options("plain.yml")
	o.Later = render.Words{"Later_Word": "Later_Word"}
	s, err := Read(o)
	if err != nil {
		t.Fatal(err)
	}
	documents, err := s.Render(Made{
		Words: render.Words{"Later_Word": "now"}, Own: map[string]render.Words{"core02": {"Later_Word": "other"}},
		Files: map[string][]byte{"/etc/z": []byte("made")},
	})
	if err != nil || len(documents) != 2 {
		t.Fatalf("got %v, %v", documents, err)
	}
	first, second := contents(t, documents[0]), contents(t, documents[1])
	if first["/etc/x"] != "core01%202%20mine%20now" || first["/etc/y"] != "" || first["/etc/z"] != "made" {
		t.Errorf("got %v", first)
	}
	if second["/etc/x"] != "core02%202%20mine%20other" || second["/etc/y"] != "2" || second["/etc/z"] != "made" {
		t.Errorf("got %v", second)
	}
	one, err := s.RenderOne(o.Nodes[1], Made{Words: render.Words{"Later_Word": "third"}})
	if got := contents(t, one)["/etc/x"]; err != nil || got != "core02%202%20mine%20third" {
		t.Errorf("got %s, %v", got, err)
	}
	if one.Digest != documents[1].Digest || one.Digest == documents[0].Digest {
		t.Errorf("words that get their values later do not count in a digest, others do: got %s, %s, %s", one.Digest, documents[1].Digest, documents[0].Digest)
	}
}

func TestUses(t *testing.T) {
	inFolder(t, map[string]string{
		"plain.yml":        inline("First_Word"),
		"nodes/core02.yml": head + "storage: {files: [{path: /etc/y, contents: {inline: Second_Word}}]}\n",
	})
	s, err := Read(options("plain.yml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		word                string
		any, first, another bool
	}{{"First_Word", true, true, true}, {"Second_Word", true, false, true}, {"Third_Word", false, false, false}} {
		anyOf, err := s.Uses("Fourth_Word", c.word)
		first, err1 := s.NodeUses("core01", c.word)
		another, err2 := s.NodeUses("core02", c.word)
		if errors.Join(err, err1, err2) != nil || anyOf != c.any || first != c.first || another != c.another {
			t.Errorf("%s: got %t, %t, %t", c.word, anyOf, first, another)
		}
	}
}

// TestReadRefuses what is wrong with the config, by its file.
func TestReadRefuses(t *testing.T) {
	inFolder(t, map[string]string{
		"broken.yml": "variant: fcos\n", "typo.yml": inline("Etcd_Discovery_Flags"), "plain.yml": inline("x"),
		"other/plain.yml": inline("x"), "other/nodes/core01.yml": "variant: none\n",
	})
	for path, want := range map[string]string{
		"missing.yml":     "missing.yml",
		"broken.yml":      "broken.yml",
		"typo.yml":        "typo.yml: storage.files[0] (/etc/x).contents: the word Etcd_Discovery_Flags has no value",
		"other/plain.yml": "other/nodes/core01.yml",
	} {
		if _, err := Read(options(path)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", path, err)
		}
	}
	o := options("plain.yml")
	o.Ready, o.Workspace = true, t.TempDir()
	if _, err := Read(o); err == nil || !strings.Contains(err.Error(), "a file for the readiness unit is missing") {
		t.Errorf("got %v", err)
	}
	o.Ready, o.Vars = false, func(string) (map[string]string, error) { return nil, errors.New("no words") }
	if _, err := Read(o); err == nil || err.Error() != "no words" {
		t.Errorf("got %v", err)
	}
}

// TestWarnings are each given once, and with an error, too.
func TestWarnings(t *testing.T) {
	inFolder(t, map[string]string{
		"own.yml":          head + "systemd: {units: [{name: zincati.service, enabled: true}]}\n",
		"nodes/core01.yml": head, "nodes/core02.yml": head,
	})
	o := options("own.yml")
	o.Updates, o.UpdatesGiven = false, true
	s, err := Read(o)
	if err != nil || len(s.Warnings) != 1 || s.Warnings[0] != "updates=off adds nothing: own.yml has settings of its own of updates" {
		t.Errorf("got %q, %v", s.Warnings, err)
	}
}

// TestUnusedWords: the user is warned of a word of the command line that is used nowhere, and of others if one of the config is
// surely meant.
func TestUnusedWords(t *testing.T) {
	inFolder(t, map[string]string{
		"plain.yml": inline("Registry_Mirror My_Used"), "nodes/core02.yml": inline("Only_There"), "nodes/core09.yml": inline("No_Node"),
		"templates/ready.sh": "In_Script", "templates/ready.service": "[Unit]", "templates/hotplug.rules": "",
	})
	const mirror = " is used nowhere (hint: did you mean Registry_Mirror of storage.files[0] (/etc/x).contents ?)"
	for as, want := range map[string]string{
		"var.My_Used": "", "var.Only_There": "", "var.In_Script": "", "COREOS_VAR_My_Used": "", "Only_There": "",
		"var.Registry_Miror": "plain.yml: warning: var.Registry_Miror" + mirror, "COREOS_VAR_Registry_Miror": "plain.yml: warning: COREOS_VAR_Registry_Miror" + mirror,
		"Registry_Miror": "plain.yml: warning: Registry_Miror" + mirror, "var.registry_mirror": "plain.yml: warning: var.registry_mirror" + mirror,
		"var.Registry_Mir": "", // it is a part of the other, and replaced there
		"var.Registry_Pro": "plain.yml: warning: var.Registry_Pro" + mirror, "COREOS_VAR_Registry_Pro": "", "Registry_Pro": "",
		"var.No_Node": "plain.yml: warning: var.No_Node is used nowhere (hint: no word in there is like it)", "COREOS_VAR_No_Node": "",
	} {
		word := strings.TrimPrefix(strings.TrimPrefix(as, "var."), "COREOS_VAR_")
		o := options("plain.yml")
		o.Ready = true
		o.Vars = func(string) (map[string]string, error) { return map[string]string{word: "x"}, nil }
		o.VarAs = func(string) string { return as }
		s, err := Read(o)
		if got := strings.Join(s.Warnings, "\n"); err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", as, got, err, want)
		}
	}
}

func TestPaths(t *testing.T) {
	inFolder(t, map[string]string{"own/vars.yml": ""})
	for path, want := range map[string]string{"own/x.yml": "own/vars.yml", "x.yml": "ignition/vars.yml"} {
		if got := Beside(path, "vars.yml"); got != want {
			t.Errorf("%s: got %s", path, got)
		}
	}
	for config, want := range map[string]string{"/srv/x.yml": "/srv/x.yml", "own/../x.yml": "x.yml", "../x.yml": "../x.yml"} {
		if got := Path("/home/me/clone", config); got != want {
			t.Errorf("%s: got %s", config, got)
		}
	}
}
