package store

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"coreos-libvirt/internal/image/distributor"
)

func TestPruneKeepsWhatIsUsed(t *testing.T) {
	d := distributor.New(t)
	f, _ := fetcher(t, d)
	used, err := get(t, d, f, "fcos-stable")
	distributor.Must(t, err)
	unused, err := get(t, d, f, "flatcar-stable")
	distributor.Must(t, err)
	workspace := t.TempDir()
	distributor.Must(t, f.Register(workspace))
	distributor.Must(t, os.MkdirAll(filepath.Join(workspace, "vm", "core01"), 0o755))
	overlay := filepath.Join(workspace, "vm", "core01", "core01.qcow2")
	distributor.Packed(t, nil, "qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", used, overlay)
	distributor.Must(t, os.WriteFile(used+".part", []byte("left"), 0o600))

	users, err := f.Users(t.Context(), nil)
	distributor.Must(t, err)
	if got := strings.Join(users[used], " "); got != overlay || len(users[unused]) > 0 {
		t.Errorf("users are %v", users)
	}
	release, err := f.Use(t.Context())
	distributor.Must(t, err)
	if removed, err := f.Prune(users); err == nil || len(removed) > 0 {
		t.Errorf("another run is about to use one: got %v, %v", removed, err)
	}
	release()
	removed, err := f.Prune(users)
	distributor.Must(t, err)
	if len(removed) != 1 || removed[0].Path != unused || removed[0].Version != distributor.FlatcarVersion {
		t.Errorf("removed %+v", removed)
	}
	arrived(t, d, f, used)
}

func TestPruneKeepsTheDisksOfDomains(t *testing.T) {
	d := distributor.New(t)
	f, _ := fetcher(t, d)
	direct, err := get(t, d, f, "fcos-stable")
	distributor.Must(t, err)
	users, err := f.Users(t.Context(), []string{direct, "/nowhere"})
	distributor.Must(t, err)
	if removed, err := f.Prune(users); err != nil || len(removed) > 0 {
		t.Errorf("got %v, %v", removed, err)
	}
}
