package transpile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"gopkg.in/yaml.v3"
)

// TestDocumentation: every example of Butane's, Fedora CoreOS' and Flatcar's documentation gives the same, byte for byte, as
// the program butane gives, or is refused by both. (testdata/docs/README.md says where they are from.)
func TestDocumentation(t *testing.T) {
	butane := built(t, "github.com/coreos/butane/internal")
	for _, archive := range configs(t, "testdata/docs/*.txtar") {
		t.Run(filepath.Base(archive), func(t *testing.T) {
			examples, err := txtar.ParseFile(archive)
			if err != nil {
				t.Fatal(err)
			}
			taken := 0
			for _, example := range examples.Files {
				if examplesOf(t, butane, example) {
					taken++
				}
			}
			if all := len(examples.Files); taken*10 < all*9 { // a few of them are broken on purpose, or not whole
				t.Errorf("Butane takes %d of %d examples: that tests too little", taken, all)
			}
		})
	}
}

// examplesOf compares one example, and reports whether Butane takes it.
func examplesOf(t *testing.T, butane string, example txtar.File) bool {
	t.Helper()
	config := filepath.Join(t.TempDir(), example.Name)
	files := filepath.Join(filepath.Dir(config), "files")
	if err := errors.Join(os.Mkdir(files, 0o755), os.WriteFile(config, example.Data, 0o600), localFiles(example.Data, files)); err != nil {
		t.Fatal(example.Name, err)
	}
	want, refused := exec.Command(butane, "--strict", "--raw", "--pretty", "--files-dir", files, config).Output()
	got, err := File(config, files)
	if refused != nil {
		if err == nil || !strings.Contains(err.Error(), "\nhint: ") {
			t.Errorf("%s: butane refuses it, here: %v", example.Name, err)
		}
		return false
	}
	if err != nil || !bytes.Equal(got.JSON, want) {
		t.Errorf("%s: %v\n%s\nbutane:\n%s", example.Name, err, got.JSON, want)
	}
	mountsAreOfTheDocument(t, example.Name, got)
	return true
}

// mountsAreOfTheDocument: of the few keys that mount units are made of, Butane makes the units that the document has.
func mountsAreOfTheDocument(t *testing.T, name string, template Template) {
	t.Helper()
	var doc struct{ Systemd struct{ Units []unit } }
	if err := json.Unmarshal(template.JSON, &doc); err != nil {
		t.Fatal(name, err)
	}
	isMade := func(u unit) bool { return strings.HasPrefix(u.Contents, generated) }
	if made := slices.DeleteFunc(doc.Systemd.Units, func(u unit) bool { return !isMade(u) }); fmt.Sprint(made) != fmt.Sprint(template.mounts.units) {
		t.Errorf("%s: got %v, want %v", name, template.mounts.units, made)
	}
}

// localFiles makes what the config names below the folder of local files.
func localFiles(config []byte, folder string) error {
	var tree any
	if yaml.Unmarshal(config, &tree) != nil {
		return nil // neither will it be read
	}
	return makeLocal(tree, "", folder)
}

// makeLocal makes those of what is at a key of the config.
func makeLocal(tree any, key, folder string) (err error) {
	switch tree := tree.(type) {
	case string:
		name := filepath.Join(folder, tree)
		if strings.HasSuffix(key, "trees local") {
			name = filepath.Join(name, "etc", "x.conf")
		}
		if strings.HasSuffix(key, "local") {
			err = errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte("ssh-ed25519 AAAA of the test"), 0o600))
		}
	case []any:
		for _, one := range tree {
			err = errors.Join(err, makeLocal(one, key, folder))
		}
	case map[string]any:
		for below, one := range tree {
			err = errors.Join(err, makeLocal(one, key+" "+below, folder))
		}
	}
	return err
}
