package settings

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"coreos-libvirt/internal/settings/process"
)

// A cache below /tmp is used if nobody else can put programs there, which would run as this user.
func TestCacheWithoutHome(t *testing.T) {
	for name, c := range map[string]struct {
		prepared func(path string) error
		refused  string // empty: it is used
	}{
		"nothing is there":          {func(string) error { return nil }, ""},
		"our own":                   {func(path string) error { return os.Mkdir(path, 0o755) }, ""},
		"a link to one of our own":  {func(path string) error { return os.Symlink(os.TempDir(), path) }, "is neither a file nor a folder"},
		"others may write to it":    {func(path string) error { return mkdir(path, 0o777) }, "others may write to "},
		"its group may write to it": {func(path string) error { return mkdir(path, 0o775) }, "others may write to "},
		"another user's":            {func(path string) error { return given(path, 1234) }, "belongs to another user (1234)"},
	} {
		t.Run(name, func(t *testing.T) {
			tmp := t.TempDir()
			path := filepath.Join(tmp, "cache-7")
			if err := c.prepared(path); err != nil {
				t.Skip(err) // only root gives files away
			}
			before, _ := os.Lstat(path)
			got, fault := process.TemporaryCache(tmp, 7)
			after, err := os.Lstat(path)
			if got != path || err != nil || before != nil && before.Mode() != after.Mode() {
				t.Errorf("got %s: %v, then %v", got, before, after)
			}
			if before == nil && after.Mode().Perm()&0o022 != 0 {
				t.Errorf("it is made with %v", after.Mode())
			}
			_, err = Load(nil, Environment{Lookup: environment(nil).Lookup, Cache: got, Fault: fault})
			if c.refused == "" && err != nil || c.refused != "" && (err == nil || !strings.Contains(err.Error(), "HOME is not set") ||
				!strings.Contains(err.Error(), c.refused) || !strings.Contains(err.Error(), "\nhint: export HOME=")) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// mkdir is of a folder with that mode, whatever the umask says.
func mkdir(path string, mode os.FileMode) error {
	if err := os.Mkdir(path, mode); err != nil {
		return err
	}
	return os.Chmod(path, mode)
}

func given(path string, uid int) error {
	if err := os.Mkdir(path, 0o755); err != nil {
		return err
	}
	return os.Chown(path, uid, -1)
}
