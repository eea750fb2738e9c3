package guestimage

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"coreos-libvirt/internal/upstream"
)

// TestEtcdIsThatOfGoMod: the guests' etcd is of the version that go.mod says.
func TestEtcdIsThatOfGoMod(t *testing.T) {
	own, err := os.ReadFile("../../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`(?m)^\s*` + regexp.QuoteMeta("go.etcd.io/etcd/server/v3 "+etcdVersion) + `( //.*)?$`).Match(own) {
		t.Errorf("etcd %s is not what go.mod says", etcdVersion)
	}
}

// TestAProgramIsBuiltInItsModule, with nothing else in its folder than that brings.
func TestAProgramIsBuiltInItsModule(t *testing.T) {
	b := builder{ctx: t.Context(), dir: t.TempDir(), say: t.Logf}
	if err := b.program("quadlet", upstream.QuadletPackage, "quadlet", "-s -w", "CGO_ENABLED=0"); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(filepath.Join(b.dir, "quadlet"), "-version").CombinedOutput(); err != nil || strings.TrimSpace(string(out)) == "" {
		t.Errorf("got %v\n%s", err, out)
	}
}
