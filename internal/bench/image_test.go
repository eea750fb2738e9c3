package bench

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"coreos-libvirt/internal/image/base"
	"coreos-libvirt/internal/image/store"
	"coreos-libvirt/internal/testkit/distributor"
)

// TestFetch: the image that is served is one that this project takes, and that the commands by hand do, with the same bytes.
func TestFetch(t *testing.T) {
	for _, program := range []string{"qemu-img", "xz", "gpg", "gpgv", "gpgconf", "curl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	s, dir := Subject{}, t.TempDir()
	server, err := s.ServeImage(t.Context(), dir, 1)
	distributor.Must(t, err)
	defer func() { _ = server.Close() }()
	c := s.fetch()
	if out, err := run(t.Context(), dir, c.BeforeTheirs+"\n"+c.Theirs); err != nil {
		t.Fatal(err, out)
	}
	byHand, err := os.ReadFile(filepath.Join(dir, "hand", "image.qcow2"))
	distributor.Must(t, err)
	image, release, err := base.Fetch(t.Context(), base.Options{
		Image: "fcos-stable", Arch: architecture(), Store: t.TempDir(), Keyring: filepath.Join(dir, "keys.gpg"), FCOSServer: s.Server,
		Say: t.Logf, Meter: func(int64, int64) store.Meter { return distributor.Discard{} },
	})
	defer release()
	distributor.Must(t, err)
	if fetched, err := os.ReadFile(image.Path); err != nil || string(fetched) != string(byHand) {
		t.Errorf("%v: %d bytes, by hand %d", err, len(fetched), len(byHand))
	}
}
