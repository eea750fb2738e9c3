package workspace

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestIsClone: a folder in a clone is not the clone, and the error says where that is.
func TestIsClone(t *testing.T) {
	outside := t.TempDir()
	clone := filepath.Join(outside, "clone")
	for _, folder := range []string{"templates", "ignition/files"} {
		if err := os.MkdirAll(filepath.Join(clone, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(clone, "templates/domain.xml.tmpl"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := IsClone(clone); err != nil {
		t.Errorf("the clone: %v", err)
	}
	for folder, hint := range map[string]string{filepath.Join(clone, "ignition/files"): "\nhint: cd " + clone, outside: "\nhint: run it in the folder of your clone, "} {
		if err := IsClone(folder); err == nil || !strings.Contains(err.Error(), folder+" is not the folder of a clone: it has no templates/domain.xml.tmpl"+hint) {
			t.Errorf("%s: got %v", folder, err)
		}
	}
}
