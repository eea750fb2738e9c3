package bench

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"coreos-libvirt/internal/testkit/distributor"
)

func TestNoVagrant(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	s, dir := Subject{}, t.TempDir()
	if err := s.MakeVagrant(t.Context(), dir); !errors.Is(err, ErrNoVagrant) || s.Vagrant {
		t.Errorf("got %v, %+v", err, s)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
}

// TestVagrantfile is one that Vagrant takes, with its nodes.
func TestVagrantfile(t *testing.T) {
	if _, err := exec.LookPath("vagrant"); err != nil {
		t.Skip(err)
	}
	dir, s := t.TempDir(), Subject{URI: "qemu:///system"}
	distributor.Must(t, os.Mkdir(filepath.Join(dir, "vagrant"), 0o755))
	distributor.Must(t, os.WriteFile(filepath.Join(dir, "vagrant", "Vagrantfile"), vagrantfile, 0o600))
	distributor.Must(t, os.WriteFile(filepath.Join(dir, "template.json"), []byte(`{"of":"Node_Name"}`), 0o600))
	out, err := run(t.Context(), dir, s.sh()+"vagrants 2 validate")
	if strings.Contains(out, "'libvirt' could not be found") {
		t.Skip("this Vagrant has no vagrant-libvirt")
	}
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "vagrant", "bench-vagrant-02.json")); err != nil || string(got) != `{"of":"bench-vagrant-02"}` {
		t.Errorf("got %s, %v", got, err)
	}
}
