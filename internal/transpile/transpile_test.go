package transpile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, text string) string {
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
		got, err := File(path)
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

func TestFileRefuses(t *testing.T) {
	head := "variant: fcos\nversion: 1.5.0\n"
	for name, c := range map[string]struct{ text, want string }{
		"unknown key":     {head + "storage:\n  filez: []\n", "ignition.yml:4:3: warning: unused key filez"},
		"two problems":    {head + "storage:\n  filez: []\nsystemdd: {}\n", "ignition.yml:5:1: warning: unused key systemdd"},
		"missing file":    {head + "storage:\n  files:\n  - path: /x\n    contents: {local: gone}\n", "local files are looked for in"},
		"not YAML":        {head + "storage: [\n", "hint: correct the YAML"},
		"no variant":      {"storage: {}\n", "hint: a Butane config starts with `variant: fcos`"},
		"empty":           {"", "the config has no variant"},
		"unknown version": {"variant: fcos\nversion: 9.9.9\n", "hint: "},
		"wrong type":      {head + "storage:\n  files: 3\n", "hint: "},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := File(write(t, c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "hint: ") {
				t.Errorf("got %v, want %q and a hint", err, c.want)
			}
		})
	}
}

func TestFileIsGone(t *testing.T) {
	_, err := File("nowhere.yml")
	if err == nil || !strings.Contains(err.Error(), "nowhere.yml") || !strings.Contains(err.Error(), "hint: config=") {
		t.Errorf("got %v", err)
	}
}

func FuzzFile(f *testing.F) {
	f.Add("variant: fcos\nversion: 1.5.0\n")
	f.Add("variant: [")
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := File(write(t, text)); err == nil && len(got.JSON) == 0 {
			t.Error("no error and no document")
		}
	})
}
