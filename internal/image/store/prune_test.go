package store

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPruneKeepsWhatIsUsed(t *testing.T) {
	d := newDistributor(t)
	f, _ := d.fetcher(t)
	used, err := d.get(t, f, "fcos-stable")
	must(t, err)
	unused, err := d.get(t, f, "flatcar-stable")
	must(t, err)
	workspace := t.TempDir()
	must(t, f.Register(workspace))
	must(t, os.MkdirAll(filepath.Join(workspace, "vm", "core01"), 0o755))
	overlay := filepath.Join(workspace, "vm", "core01", "core01.qcow2")
	packed(t, nil, "qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", used, overlay)
	must(t, os.WriteFile(used+".part", []byte("left"), 0o600))

	users, err := f.Users(t.Context(), nil)
	must(t, err)
	if got := strings.Join(users[used], " "); got != overlay || len(users[unused]) > 0 {
		t.Errorf("users are %v", users)
	}
	release, err := f.Use(t.Context())
	must(t, err)
	if removed, err := f.Prune(users); err == nil || len(removed) > 0 {
		t.Errorf("another run is about to use one: got %v, %v", removed, err)
	}
	release()
	removed, err := f.Prune(users)
	must(t, err)
	if len(removed) != 1 || removed[0].Path != unused || removed[0].Version != flatcarVersion {
		t.Errorf("removed %+v", removed)
	}
	d.arrived(t, f, used)
}

func TestPruneKeepsTheDisksOfDomains(t *testing.T) {
	d := newDistributor(t)
	f, _ := d.fetcher(t)
	direct, err := d.get(t, f, "fcos-stable")
	must(t, err)
	users, err := f.Users(t.Context(), []string{direct, "/nowhere"})
	must(t, err)
	if removed, err := f.Prune(users); err != nil || len(removed) > 0 {
		t.Errorf("got %v, %v", removed, err)
	}
}
