package upstream

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// programsOf are the packages that are built in each module, with their versions.
var programsOf = map[string]struct{ pkg, path, version string }{
	"ignition": {IgnitionPackage, "github.com/coreos/ignition/v2", IgnitionVersion},
	"quadlet":  {QuadletPackage, "github.com/containers/podman/v5", QuadletVersion},
	"old-etcd": {OldEtcdPackage, "go.etcd.io/etcd/server/v3", OldEtcdVersion},
}

// listed asks Go for all that the program is built from, in the folder of its module.
func listed(t *testing.T, dir, pkg string) (string, error) {
	t.Helper()
	cmd := exec.Command("go", "-C", dir, "list", "-mod=readonly", "-deps", "-f", "{{.ImportPath}}", pkg)
	cmd.Env = append(os.Environ(), "GOFLAGS=")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestModulesPinWhatIsBuilt: their go.sum has every module that the programs are built from, and other bytes are refused.
func TestModulesPinWhatIsBuilt(t *testing.T) {
	for name, p := range programsOf {
		dir := t.TempDir()
		if err := WriteModule(name, dir); err != nil {
			t.Fatal(err)
		}
		if out, err := listed(t, dir, p.pkg); err != nil || !strings.Contains(out, p.pkg+"\n") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		sum := filepath.Join(dir, "go.sum")
		text, err := os.ReadFile(sum)
		if err != nil {
			t.Fatal(err)
		}
		whole := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(p.path+" "+p.version) + ` h1:.*$`)
		for what, other := range map[string]string{
			"other bytes":   whole.ReplaceAllString(string(text), p.path+" "+p.version+" h1:"+strings.Repeat("A", 43)+"="),
			"unknown bytes": whole.ReplaceAllString(string(text), ""),
		} {
			if other == string(text) {
				t.Fatalf("%s: its go.sum does not name %s %s", name, p.path, p.version)
			}
			if err := os.WriteFile(sum, []byte(other), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := listed(t, dir, p.pkg); err == nil {
				t.Errorf("%s, %s: they are taken\n%s", name, what, out)
			}
		}
	}
}

// TestVersionsAreThoseOfTheModules that say what is built.
func TestVersionsAreThoseOfTheModules(t *testing.T) {
	own, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	wanted := map[string]string{"github.com/coreos/ignition/v2 " + IgnitionVersion: string(own)}
	for name, p := range programsOf {
		text, err := modules.ReadFile("modules/" + name + ".mod")
		if err != nil {
			t.Fatal(err)
		}
		wanted[p.path+" "+p.version] = string(text)
	}
	for line, mod := range wanted {
		if !regexp.MustCompile(`(?m)^\s*` + regexp.QuoteMeta(line) + `( //.*)?$`).MatchString(mod) {
			t.Errorf("%s is not what go.mod says", line)
		}
	}
}
