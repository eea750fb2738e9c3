package transpile

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/flatcar/container-linux-config-transpiler/config/types"

	old "github.com/coreos/ignition/config/v2_3/types"
)

// built is a program of a module that this one needs.
func built(t *testing.T, pkg string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "program")
	if out, err := exec.Command("go", "build", "-o", program, pkg).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// documented are the examples in the pages of a module's documentation, in files: "examples-3.yml" of "examples.md".
func documented(t *testing.T, module, folder string) (paths []string) {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		t.Fatal(err)
	}
	into := t.TempDir()
	for _, page := range configs(t, filepath.Join(strings.TrimSpace(string(dir)), folder, "*.md")) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for i, example := range regexp.MustCompile("(?sm)^```yaml[^\n]*\n(.*?)^```").FindAllSubmatch(text, -1) {
			path := filepath.Join(into, fmt.Sprintf("%s-%d.yml", strings.TrimSuffix(filepath.Base(page), ".md"), i+1))
			if err := os.WriteFile(path, example[1], 0o644); err != nil {
				t.Fatal(err)
			}
			paths = append(paths, path)
		}
	}
	return paths
}

// ctOf is what the program ct makes of a config.
func ctOf(program, path, files string) ([]byte, error) {
	return exec.Command(program, "-platform", "custom", "-files-dir", files, "-in-file", path).Output()
}

// All that the program ct makes of a config is in our document too: of each config here, and of each example in ct's own
// documentation.
func TestAllThatCtMakes(t *testing.T) {
	program := built(t, "github.com/flatcar/container-linux-config-transpiler/internal")
	examples := documented(t, "github.com/flatcar/container-linux-config-transpiler", "doc")
	if len(examples) < 14 {
		t.Errorf("only %d examples", len(examples))
	}
	for _, path := range slices.Concat(examples, configs(t, "testdata/legacy/*.yml"), configs(t, "../../../ignition/examples/seed*.yml")) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			files := "testdata/files"
			if strings.Contains(path, "ignition/examples") {
				files = "../../../ignition/files"
			}
			want, err := ctOf(program, spelledOut(t, path), files)
			if err != nil {
				t.Fatal(err)
			}
			got, err := File(path, files)
			if err != nil {
				t.Fatal(err)
			}
			everythingIsIn(t, want, got.JSON)
			eachValueCounts(t, want, got.JSON)
		})
	}
}

// spelledOut is the config without aliases and merge keys, which ct does not know.
func spelledOut(t *testing.T, path string) string {
	t.Helper()
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text, _, err := plain(source)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, string(text))
}

func pathsOf(t *testing.T, ignition2 []byte) map[string]string {
	t.Helper()
	var config old.Config
	if err := json.Unmarshal(ignition2, &config); err != nil {
		t.Fatal(err)
	}
	paths, err := filesystemPaths(config)
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func everythingIsIn(t *testing.T, ignition2, spec3 []byte) {
	t.Helper()
	if err := keepsAll(ignition2, spec3, pathsOf(t, ignition2)); err != nil {
		t.Errorf("%v\nct:\n%s\nhere:\n%s", err, ignition2, spec3)
	}
}

// eachValueCounts takes each value out of our document, one after the other: keepsAll says so of each that there is because ct
// made it.
func eachValueCounts(t *testing.T, ignition2, spec3 []byte) {
	t.Helper()
	ours := regexp.MustCompile(`^ignition\.version$|\.overwrite$`) // the version differs, and what Ignition 2 did without saying so is said
	var doc map[string]any
	if err := json.Unmarshal(spec3, &doc); err != nil {
		t.Fatal(err)
	}
	all := values{}
	all.add("", doc)
	for place := range all {
		if ours.MatchString(place) {
			continue
		}
		without, removed := cut("", place, doc)
		if !removed {
			t.Fatalf("%s was not found", place)
		}
		text, err := json.Marshal(without)
		if err != nil {
			t.Fatal(err)
		}
		if err := keepsAll(ignition2, text, pathsOf(t, ignition2)); err == nil || !strings.Contains(err.Error(), strings.Split(place, "[")[0]) {
			t.Errorf("without %s: %v", place, err)
		}
	}
}

// cut is a copy of a document without the value at a place.
func cut(at, place string, node any) (without any, removed bool) {
	switch node := node.(type) {
	case map[string]any:
		c := map[string]any{}
		for key, child := range node {
			below, gone := cut(strings.TrimPrefix(at+"."+key, "."), place, child)
			removed = removed || gone
			if below != nil {
				c[key] = below
			}
		}
		return c, removed
	case []any:
		c := []any{}
		for i, item := range node {
			m, is := item.(map[string]any)
			if !is {
				if at == place {
					return nil, true
				}
				c = append(c, item)
				continue
			}
			below, gone := cut(fmt.Sprintf("%s[%v]", at, identity(at, m, i)), place, m)
			removed = removed || gone
			c = append(c, below)
		}
		return c, removed
	}
	if at == place {
		return nil, true
	}
	return node, false
}

// The configs here have every key that ct knows, but for etcd's and flannel's, which are lines of one file.
func TestConfigsHaveEveryKey(t *testing.T) {
	has := map[string]bool{}
	for _, path := range configs(t, "testdata/legacy/*.yml") {
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		keys, err := Template{Source: source}.Keys()
		if err != nil {
			t.Fatal(err)
		}
		for key := range keys {
			has[key] = true
		}
	}
	for _, key := range keysOf(reflect.TypeFor[types.Config](), "") {
		if !has[key] {
			t.Errorf("no config has %s", key)
		}
	}
}

func keysOf(t reflect.Type, at string) (keys []string) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || at == "etcd" || at == "flannel" {
		return nil
	}
	for i := range t.NumField() {
		if name := t.Field(i).Tag.Get("yaml"); name != "" {
			key := strings.TrimPrefix(at+"."+strings.Split(name, ",")[0], ".")
			keys = append(append(keys, key), keysOf(t.Field(i).Type, key)...)
		}
	}
	return keys
}
