package settings

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestVars(t *testing.T) {
	env := environment(nil)
	env.All = func() []string {
		return []string{"COREOS_VAR_My_Word=from env", "COREOS_VAR_Other_Word=e", "COREOS_NODES=2", "HOME=/"}
	}
	s, err := Load([]string{"var.Registry_Mirror=10.0.0.5:5000", "var.My_Word=a=b"}, env)
	if err != nil {
		t.Fatal(err)
	}
	for word, want := range map[string]string{"My_Word": "var.My_Word", "Other_Word": "COREOS_VAR_Other_Word", "File_Word": "File_Word"} {
		if got := s.VarAs(word); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	file := filepath.Join(t.TempDir(), "vars.yml")
	if got, err := s.VarsFile(file); err != nil || got["My_Word"] != "a=b" || got["Other_Word"] != "e" || len(got) != 3 {
		t.Errorf("no file: got %v, %v", got, err)
	}
	if err := os.WriteFile(file, []byte("My_Word: file\nFile_Word: 3\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := s.VarsFile(file)
	if err != nil || got["My_Word"] != "a=b" || got["File_Word"] != "3" || got["Registry_Mirror"] != "10.0.0.5:5000" {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestVarsRefuses(t *testing.T) {
	for _, word := range []string{"var.=x", "var.a=x", "var.Node_Name=x", "var.Etcd_Thing=x", "var.A B_c=x", "var._x=y"} {
		if _, err := Load([]string{word}, environment(nil)); err == nil || !strings.Contains(err.Error(), "hint: ") {
			t.Errorf("%s: got %v", word, err)
		}
	}
	s, err := Load(nil, environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"- a\n", "x: y\n", "A_b: {c: d}\n", "A_b: [\n"} {
		file := filepath.Join(t.TempDir(), "vars.yml")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := s.VarsFile(file); err == nil || !strings.Contains(err.Error(), "vars.yml: ") {
			t.Errorf("%q: got %v", text, err)
		}
	}
}
