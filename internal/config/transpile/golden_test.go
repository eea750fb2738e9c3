package transpile

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"coreos-libvirt/internal/config/render"
)

var update = flag.Bool("update", false, "write what is made as the golden files")

// golden compares what a config gives with what it gave when somebody looked.
func golden(t *testing.T, config string) Template {
	t.Helper()
	got, err := File(config, "testdata/files")
	if err != nil {
		t.Fatal(err)
	}
	if err := render.Validate(got.JSON); err != nil {
		t.Errorf("it is not what its version claims: %v", err)
	}
	name := strings.TrimSuffix(filepath.Base(config), filepath.Ext(config)) + ".json"
	path := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.WriteFile(path, got.JSON, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got.JSON, want) {
		t.Errorf("%s: %v; got\n%s", path, err, got.JSON)
	}
	return got
}

func configs(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no %s: %v", pattern, err)
	}
	return paths
}

// Every variant and version that Butane has, experimental ones too: the same, byte for byte, as
// the program butane of the same module gives.
func TestGoldenButane(t *testing.T) {
	butane := built(t, "github.com/coreos/butane/internal")
	for _, config := range configs(t, "testdata/butane/*.bu") {
		t.Run(filepath.Base(config), func(t *testing.T) {
			got := golden(t, config)
			cmd := exec.Command(butane, "--strict", "--raw", "--pretty", "--files-dir", "testdata/files", config)
			want, err := cmd.Output()
			if err != nil || !bytes.Equal(got.JSON, want) {
				t.Errorf("butane: %v\n%s\nhere:\n%s", err, want, got.JSON)
			}
		})
	}
}

// Every section of a Container Linux Config.
func TestGoldenContainerLinux(t *testing.T) {
	for _, config := range configs(t, "testdata/legacy/*.yml") {
		t.Run(filepath.Base(config), func(t *testing.T) {
			if got := golden(t, config); !got.Legacy || !json.Valid(got.JSON) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func BenchmarkFile(b *testing.B) {
	for _, config := range []string{"../../../ignition/ignition.yml", "../../../ignition/examples/seed.yml"} {
		b.Run(filepath.Base(config), func(b *testing.B) {
			for b.Loop() {
				if _, err := File(config, "../../../ignition/files"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
