// Package judges has, for tests, the programs that judge documents.
package judges

import (
	"os"
	"path/filepath"
	"testing"

	"coreos-libvirt/internal/upstream"
)

// Programs are built in the user's own cache, once for all tests. The test is skipped if the host has no sandbox: missing says
// what is not there.
func Programs(t testing.TB, missing string) upstream.Programs {
	t.Helper()
	if missing != "" {
		t.Skipf("there is no %s", missing)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	p, err := upstream.Ensure(t.Context(), filepath.Join(cache, "coreos-libvirt", "bin"), t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
