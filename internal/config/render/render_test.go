package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/coreos/ignition/v2/config/v3_4"
	"github.com/vincent-petithory/dataurl"

	"coreos-libvirt/internal/config/transpile"
)

var words = Words{"Node_Name": "core01", "Node_Prefix": "core", "Etcd_Discovery_URL": "http://10.0.0.1:23790/a%b?c=\"d\""}

// butane transpiles text with the real Butane, which zips what is large.
func butane(t *testing.T, text string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ignition.yml")
	if err := os.WriteFile(path, []byte("variant: fcos\nversion: 1.5.0\n"+text), 0o644); err != nil {
		t.Fatal(err)
	}
	template, err := transpile.File(path, "../../../ignition/files")
	if err != nil {
		t.Fatal(err)
	}
	return template.JSON
}

// contentsOf is what Ignition would write to path.
func contentsOf(t *testing.T, doc []byte, path string) string {
	t.Helper()
	config, problems, err := v3_4.Parse(doc)
	if err != nil {
		t.Fatal(err, problems)
	}
	for _, file := range config.Storage.Files {
		if file.Path == path {
			url, err := dataurl.DecodeString(*file.Contents.Source)
			if err != nil {
				t.Fatal(err)
			}
			data, err := unpack(url.Data, file.Contents.Compression != nil && *file.Contents.Compression == "gzip")
			if err != nil {
				t.Fatal(err)
			}
			return string(data)
		}
	}
	t.Fatalf("no file %s in %s", path, doc)
	return ""
}

func TestSubstituteReachesEveryPlace(t *testing.T) {
	long := strings.Repeat("a line for Node_Name of Node_Prefix\n    ", 200)
	doc := butane(t, `
storage:
  files:
  - {path: /etc/hostname, contents: {inline: Node_Name}}
  - {path: /etc/url, contents: {inline: "Etcd_Discovery_URL"}}
  - {path: /etc/Node_Name.conf, contents: {inline: x}}
  - path: /etc/long
    contents:
      inline: |
        `+strings.ReplaceAll(long, "\n    ", "\n        ")+`
systemd:
  units:
  - {name: Node_Name.service, enabled: true, contents: "[Unit]\nDescription=of Node_Name-Node_Name\n[Install]\nWantedBy=x.target\n"}
`)
	if !strings.Contains(string(doc), `"compression": "gzip"`) {
		t.Fatal("Butane did not zip the long file: the test tests nothing")
	}
	got, err := Substitute(doc, words)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/etc/hostname": "core01", "/etc/url": words["Etcd_Discovery_URL"], "/etc/core01.conf": "x",
	} {
		if is := contentsOf(t, got, path); is != want {
			t.Errorf("%s holds %q, want %q", path, is, want)
		}
	}
	if is := contentsOf(t, got, "/etc/long"); strings.Contains(is, "Node_") || strings.Count(is, "core01 of core\n") != 200 {
		t.Errorf("the zipped file holds %.80q", is)
	}
	for _, want := range []string{`"name": "core01.service"`, `of core01-core01\n`} {
		if !strings.Contains(string(got), want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
}

func TestSubstituteMergedConfigs(t *testing.T) {
	inner := `{"ignition":{"version":"3.4.0"},"storage":{"files":[{"path":"/x","contents":{"source":"data:;base64,Tm9kZV9OYW1l"}}]}}`
	doc := fmt.Sprintf(`{"ignition":{"version":"3.4.0","config":{"merge":[{"source":%q}]}}}`, dataurl.EncodeBytes([]byte(inner)))
	got, err := Substitute([]byte(doc), words)
	if err != nil {
		t.Fatal(err)
	}
	config, _, err := v3_4.Parse(got)
	if err != nil {
		t.Fatal(err)
	}
	url, err := dataurl.DecodeString(*config.Ignition.Config.Merge[0].Source)
	if err != nil {
		t.Fatal(err)
	}
	if is := contentsOf(t, url.Data, "/x"); is != "core01" {
		t.Errorf("the merged config's file holds %q", is)
	}
}

func TestSubstituteKeepsOtherBytes(t *testing.T) {
	doc := `{"a":{"source":"data:;base64,/wD/"},"b":{"source":"data:,x%20y","verification":{"hash":"sha256-00"}},"c":12345678901234567890}`
	got, err := Substitute([]byte(doc), words)
	if err != nil {
		t.Fatal(err)
	}
	var squeezed bytes.Buffer
	if err := json.Compact(&squeezed, got); err != nil || squeezed.String() != doc {
		t.Errorf("got %s, %v", squeezed.String(), err)
	}
}

// A hash is of the contents that the user sees, with the words in them, or of what is made of them. It changes with the
// contents if it was theirs; a wrong one stays wrong, for Ignition to find.
func TestSubstituteRehashes(t *testing.T) {
	const ( // printf Node_Name | sha256sum, and so on
		before    = "sha256-fe58703f4894db094834ec316c9eefd7c6f72cc3e234d5699667fe5eb99d2be4"
		after     = "sha256-6f8d3754f72a755334213a8fc1f4b78f4c23b831a7d961ef96320efbe20d8092"
		before512 = "sha512-c5bba93a80409fd347b419044594c5eb07ae92b2be9d2e07fe1de96813645a2d2a3974324b9cb72f44978a9babc869e74c6e381248d39404c14f0eba334127cf"
		after512  = "sha512-9e3411f0910ff1aeaf19d3829140433c9a989cb69b8708f4750c674b83fcb985c11a3e40930da2f9f4537ad8e25d53ee7b4d132dfb09b57db099335bbe213f9b"
		zipped    = "data:;base64,H4sIAAAAAAACA/PLT0mN90vMTQUADd5EuwkAAAA="
	)
	for name, c := range map[string]struct{ resource, want string }{
		"right":            {`"source":"data:,Node_Name","verification":{"hash":"` + before + `"}`, after},
		"right, 512":       {`"source":"data:,Node_Name","verification":{"hash":"` + before512 + `"}`, after512},
		"right, capitals":  {`"source":"data:,Node_Name","verification":{"hash":"sha256-` + strings.ToUpper(before[7:]) + `"}`, after},
		"right, zipped":    {`"source":"` + zipped + `","compression":"gzip","verification":{"hash":"` + before + `"}`, after},
		"of what is made":  {`"source":"data:,Node_Name","verification":{"hash":"` + after + `"}`, after},
		"wrong":            {`"source":"data:,Node_Name","verification":{"hash":"sha256-00"}`, "sha256-00"},
		"wrong, zipped":    {`"source":"` + zipped + `","compression":"gzip","verification":{"hash":"sha256-00"}`, "sha256-00"},
		"wrong, of others": {`"source":"data:,x%20Node_Name","verification":{"hash":"` + before + `"}`, before},
		"wrong, no word":   {`"source":"data:,x","verification":{"hash":"` + before + `"}`, before},
	} {
		got, err := Substitute([]byte(`{"contents":{`+c.resource+`}}`), Words{"Node_Name": "core01"})
		if err != nil || !strings.Contains(string(got), `"hash": "`+c.want+`"`) {
			t.Errorf("%s: got %s, %v, want %s", name, got, err, c.want)
		}
	}
}

func TestSubstituteRefuses(t *testing.T) {
	for doc, want := range map[string]string{
		`{`:                              "not JSON",
		`{} {}`:                          "something follows",
		`{"c":{"source":"data:broken"}}`: "c: no data URL",
		`{"c":{"source":"data:,x","compression":"gzip"}}`:                 "compression is gzip, but",
		`{"c":{"source":"data:,Node_Name","verification":{"hash":"x-"}}}`: "unknown function",
	} {
		if got, err := Substitute([]byte(doc), words); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %s, %v, want %q", doc, got, err, want)
		}
	}
}

func TestSubstituteNamesWordsWithoutValue(t *testing.T) {
	file := func(text string) []byte {
		return butane(t, "storage:\n  files:\n  - {path: /etc/x, contents: {inline: '"+strings.Repeat("long ", 500)+text+"'}}\n")
	}
	for text, want := range map[string]string{
		"Etcd_Discovery_Token":  "storage.files[0] (/etc/x).contents: the word Etcd_Discovery_Token has no value",
		"Cluster_Nane":          "there is no word Cluster_Nane\nhint: did you mean Cluster_Name ?",
		"Etcd_Discovery_Friend": "there is no word Etcd_Discovery_Friend\nhint: words are Node_Name, ",
	} {
		if _, err := Substitute(file(text), words); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
	for _, text := range []string{"Node_Exporter", "Node_Name_2", "xNode_Nane", "Node_Mount", "Node_RAM", "SSH_AUTH_SOCK", "Etcd_Discovery_URL"} {
		if _, err := Substitute(file(text), words); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// What may be mistyped, and may be somebody's own, is warned of with its place.
func TestCheckWarns(t *testing.T) {
	doc := butane(t, "storage:\n  files:\n  - {path: /etc/x, contents: {inline: 'Node_Nane, Node_Mount, Node_Exporter'}}\n")
	warnings, err := Check(doc, words, nil)
	want := []string{
		"storage.files[0] (/etc/x).contents: warning: there is no word Node_Nane (hint: did you mean Node_Name ?)",
		"storage.files[0] (/etc/x).contents: warning: there is no word Node_Mount (hint: did you mean Node_Count ?)",
	}
	if err != nil || !slices.Equal(warnings, want) {
		t.Errorf("got %q, %v", warnings, err)
	}
	if _, err := Check(butane(t, "storage:\n  files:\n  - {path: /etc/x, contents: {inline: Etcd_Discovery_Token}}\n"), words, nil); err == nil {
		t.Error("a word without a value is taken")
	}
}

func TestSubstituteRefusesValues(t *testing.T) {
	unit := `{"ignition":{"version":"3.4.0"},"systemd":{"units":[{"name":"Node_Name.service","dropins":[{"name":"Node_Prefix.conf"}]}]}}`
	for want, words := range map[string]Words{
		"the value of Etcd_Discovery_Flags has a control character: \"a\\nExecStart=\"":   {"Etcd_Discovery_Flags": "a\nExecStart="},
		"the value of Node_Name has a control character: \"a\\x00\"":                      {"Node_Name": "a\x00"},
		"the value of SSH_Authorized_Key has a control character: \"a\\rb\"":              {"SSH_Authorized_Key": "a\rb"},
		"the value of Mine has a control character: \"a\\x1b\"":                           {"Mine": "a\x1b"},
		"the value of Node_Name is not UTF-8: \"\\xff\"":                                  {"Node_Name": "\xff"},
		"systemd.units[0] (Node_Name.service): \"a/b.service\" is not the name of a unit": {"Node_Name": "a/b", "Node_Prefix": "x"},
		"\"a b.service\" is not the name of a unit":                                       {"Node_Name": "a b", "Node_Prefix": "x"},
		"dropins[0] (Node_Prefix.conf): \"x/y.conf\" is not the name of a unit":           {"Node_Name": "a", "Node_Prefix": "x/y"},
	} {
		if got, err := Substitute([]byte(unit), words); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "\nhint: ") {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
	}
}

func TestUses(t *testing.T) {
	doc := butane(t, "storage:\n  files:\n  - {path: /etc/x, contents: {inline: '"+strings.Repeat("long ", 500)+"Etcd_Discovery_URL'}}\n")
	got, err := Uses(doc, "Etcd_Discovery_URL", "Etcd_Discovery_Token")
	if err != nil || len(got) != 1 || got[0] != "Etcd_Discovery_URL" {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestNodeMergesReadiness(t *testing.T) {
	ready := &Readiness{Script: []byte("#!/bin/bash\necho Node_Name\n"), Service: []byte("[Service]\nExecStart=/bin/true\n"), Rules: []byte("ACTION==\"add\"\n")}
	doc := butane(t, "systemd:\n  units:\n  - {name: mine.service, enabled: true, contents: \"[Install]\\nWantedBy=x.target\\n\"}\n")
	merged, err := WithReadiness(doc, *ready)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Node(merged, words)
	if err != nil {
		t.Fatal(err)
	}
	if is := contentsOf(t, got, ReadyScript); is != "#!/bin/bash\necho core01\n" {
		t.Errorf("the script is %q", is)
	}
	if is := contentsOf(t, got, HotplugRules); is != "ACTION==\"add\"\n" {
		t.Errorf("the rules are %q", is)
	}
	for _, want := range []string{`"name": "mine.service"`, `"name": "` + ReadyService + `"`, `"version": "3.4.0"`} {
		if !strings.Contains(string(got), want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
	without, err := Node(doc, words)
	if err != nil || strings.Contains(string(without), "coreos-libvirt") {
		t.Errorf("ready=off: got %s, %v", without, err)
	}
}

func TestNodeMergesIntoEveryVersion(t *testing.T) {
	for version := range specs {
		doc := fmt.Sprintf(`{"ignition":{"version":%q}}`, version)
		got, err := WithReadiness([]byte(doc), Readiness{Service: []byte("[Unit]\n")})
		if err != nil {
			t.Errorf("%s: %v", version, err)
		}
		if is, err := Version(got); err != nil || is != version {
			t.Errorf("version %s became %s, %v", version, is, err)
		}
	}
}

func TestMergeTakesTheNewerVersion(t *testing.T) {
	file := func(version, path string) []byte {
		return []byte(fmt.Sprintf(`{"ignition":{"version":%q},"storage":{"files":[{"path":%q,"contents":{"source":"data:,%s"}}]}}`, version, path, version))
	}
	for _, c := range [][3]string{{"3.0.0", "3.4.0", "3.4.0"}, {"3.4.0", "3.0.0", "3.4.0"}, {"3.2.0", "3.2.0", "3.2.0"}} {
		got, err := Merge(file(c[0], "/same"), file(c[1], "/same"))
		if err != nil {
			t.Fatal(err)
		}
		if version, _ := Version(got); version != c[2] || strings.Count(string(got), `"path"`) != 1 || !strings.Contains(string(got), "data:,"+c[1]) {
			t.Errorf("%v: got %s", c, got)
		}
	}
	if _, err := Merge(file("3.4.0", "/a"), file("9.9.9", "/a")); err == nil || !strings.Contains(err.Error(), "9.9.9") {
		t.Errorf("got %v", err)
	}
}

func TestValidateRefuses(t *testing.T) {
	for _, doc := range []string{
		`{}`, `{"ignition":{"version":"2.3.0"}}`, `[]`,
		`{"ignition":{"version":"3.4.0"},"storage":{"files":[{"path":"relative"}]}}`,
	} {
		if err := Validate([]byte(doc)); err == nil {
			t.Errorf("%s is taken", doc)
		}
	}
}

// FuzzSubstitute: no value can break the document, and the guest reads back exactly the value, wherever a word
// stands: in a data URL of each kind, in a plain string, in a unit's name.
func FuzzSubstitute(f *testing.F) {
	f.Add("core01")
	f.Add("\"},{\n%00+ \u2028My_Text")
	f.Add("\xff")
	f.Add("a/../b c")
	zipped, err := pack([]byte(" My_Text"), true)
	if err != nil {
		f.Fatal(err)
	}
	doc := fmt.Sprintf(`{"ignition":{"version":"3.4.0"},"passwd":{"users":[{"name":"core","gecos":" My_Text"}]},"storage":{"files":[
		{"path":"/a","contents":{"source":"data:,%%20My_Text"}},
		{"path":"/b","contents":{"source":"data:;base64,IE15X1RleHQ="}},
		{"path":"/c","contents":{"compression":"gzip","source":%q}}]}}`, dataurl.EncodeBytes(zipped))
	f.Fuzz(func(t *testing.T, value string) {
		words := Words{"My_Text": value}
		got, err := Node([]byte(doc), words)
		if !utf8.ValidString(value) || strings.ContainsFunc(value, notIn("My_Text")) {
			if err == nil {
				t.Errorf("a value that is no text is taken: %s", got)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"/a", "/b", "/c"} {
			if is := contentsOf(t, got, path); is != " "+value {
				t.Errorf("%s holds %q, want %q", path, is, " "+value)
			}
		}
		config, _, err := v3_4.Parse(got)
		if err != nil || *config.Passwd.Users[0].Gecos != " "+value {
			t.Errorf("the plain string holds %q, want %q, %v", *config.Passwd.Users[0].Gecos, " "+value, err)
		}
		fuzzUnit(t, words, value)
	})
}

// fuzzUnit has the value in a unit's name: a file name, or refused.
func fuzzUnit(t *testing.T, words Words, value string) {
	got, err := Node([]byte(`{"ignition":{"version":"3.4.0"},"systemd":{"units":[{"name":"xMy_Text.service","enabled":true}]}}`), words)
	if err != nil {
		return
	}
	config, _, err := v3_4.Parse(got)
	if err != nil || config.Systemd.Units[0].Name != "x"+value+".service" || strings.ContainsAny(value, "/ \t\n\x00") {
		t.Errorf("the unit is %q, of %q, %v", config.Systemd.Units[0].Name, value, err)
	}
}

// What gives a word a value is said by who knows it.
func TestCheckAdvises(t *testing.T) {
	advice := func(word string) string {
		if word == "Etcd_Discovery_Token" {
			return "do that"
		}
		return ""
	}
	for text, want := range map[string]string{
		"Etcd_Discovery_Token": "the word Etcd_Discovery_Token has no value\nhint: do that",
		"Etcd_Initial_Cluster": "the word Etcd_Initial_Cluster has no value\nhint: another value of discovery= gives it one",
		"Etcd_Discovery_Tokn":  "there is no word Etcd_Discovery_Tokn\nhint: did you mean Etcd_Discovery_Token ?",
	} {
		_, err := Check([]byte(`{"a":"`+text+`"}`), words, advice)
		if err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: got %v", text, err)
		}
	}
}

func TestFound(t *testing.T) {
	zipped, err := pack([]byte("My_Long_Word Registry_Mirror"), true)
	if err != nil {
		t.Fatal(err)
	}
	var found Found
	known := Words{"My_Word": "x", "My_Long_Word": "x", "My_Long": "x", "Registry_Miror": "x", "Node_Name": "x"}
	for _, doc := range []string{
		`{"a":"Node_Name My_Word, a_b","storage":{"files":[{"path":"/etc/x","contents":{"compression":"gzip","source":"` + dataurl.EncodeBytes(zipped) + `"}}]}}`,
		`{"b":{"source":"data:,%ff%00x_y%20registry%5fmirrors"}}`,
	} {
		if err := found.Find([]byte(doc), known); err != nil {
			t.Fatal(err)
		}
	}
	for word, want := range map[string]bool{"My_Word": true, "My_Long_Word": true, "My_Long": false, "Registry_Miror": false, "Node_Name": true} {
		if found.Uses(word) != want {
			t.Errorf("%s: got %t", word, !want)
		}
	}
	for word, want := range map[string]string{
		"Registry_Miror": "Registry_Mirror storage.files[0] (/etc/x).contents 1", "registry_mirror": "Registry_Mirror storage.files[0] (/etc/x).contents 0",
		"My_Registry": "  4", "A_C": "a_b a 1",
	} {
		nearest, at, letters := found.Nearest(word)
		if got := fmt.Sprintf("%s %s %d", nearest, at, letters); got != want {
			t.Errorf("%s: got %s, want %s", word, got, want)
		}
	}
	if err := new(Found).Find([]byte(`{`), known); err == nil {
		t.Error("no JSON is taken")
	}
}
