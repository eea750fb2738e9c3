package transpile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A local file of a Container Linux Config is in the folder of local files, else beside the config, as the users of ct have it;
// Butane's are in the folder only.
func TestLocalFiles(t *testing.T) {
	const legacy, butane = "storage:\n  files:\n    - {filesystem: root, path: /a, mode: 0755, contents: {local: NAME}}\n", "variant: flatcar\nversion: 1.1.0\nstorage:\n  files:\n    - {path: /a, mode: 0755, contents: {local: NAME}}\n"
	alias := "storage:\n  files:\n    - &a {filesystem: root, path: /a, mode: 0755, contents: &c {local: NAME}}\n    - {<<: *a, path: /b, contents: *c}\n"
	const hint = "hint: local files are looked for in FOLDER/files, then beside FOLDER/ignition.yml"
	for _, c := range []struct{ config, name, want string }{
		{legacy, "coreos-metadata-qemu", "data:,beside"},
		{legacy, "/coreos-metadata-qemu", "data:,beside"},
		{legacy, "both", "data:,in%20files"},
		{legacy, "below/one", "data:,below"},
		{alias, "coreos-metadata-qemu", "data:,beside"},
		{legacy, "gone", "FOLDER/ignition.yml:3:66: error: local file gone: no such file or directory\n"},
		{legacy, "gone", hint},
		{alias, "gone", hint},
		{legacy, "../gone", "FOLDER/ignition.yml:3:66: error: ../gone is outside of the folder of local files\n"},
		{legacy, "../gone", hint},
		{legacy, "below", "is a directory"},
		{butane, "both", "data:,in%20files"},
		{butane, "coreos-metadata-qemu", "no such file or directory"},
	} {
		path := write(t, strings.ReplaceAll(c.config, "NAME", c.name))
		folder := filepath.Dir(path)
		for name, text := range map[string]string{"coreos-metadata-qemu": "beside", "both": "beside", "files/both": "in files", "below/one": "below"} {
			if err := os.MkdirAll(filepath.Join(folder, filepath.Dir(name)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := File(path, filepath.Join(folder, "files"))
		said := string(got.JSON)
		if err != nil {
			said = err.Error()
		}
		if want := strings.ReplaceAll(c.want, "FOLDER", folder); !strings.Contains(said, want) {
			t.Errorf("%s: got %s, want %s", c.name, said, want)
		}
	}
}
