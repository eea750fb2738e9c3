package testbed

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Tree makes files below a folder that stands for the root of a host.
func Tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		Write(t, filepath.Join(root, name), text)
	}
	return root
}

// Write writes a file, and makes its folder.
func Write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
}

// Files are all below the root, by path, with their modes, but for locks.
func Files(t *testing.T, root string) map[string]string {
	t.Helper()
	all, tree := map[string]string{}, os.DirFS(root)
	err := fs.WalkDir(tree, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, ".lock") {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		text, err := fs.ReadFile(tree, path)
		all[filepath.Join(root, path)] = info.Mode().String() + "\n" + string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
