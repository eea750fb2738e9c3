// Package tinyguest makes a guest that boots in seconds also under emulation and does nothing but say that it
// is ready: for tests with many guests, or many boots.
package tinyguest

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"coreos-libvirt/internal/lab/guestimage"
)

//go:embed build.sh
var script string

//go:embed init
var initScript []byte

// Arguments are what the kernel wants to know, beside the node's address: mac=52:54:00:….
const Arguments = "console=ttyS0 quiet mitigations=off no_timer_check tsc=reliable"

// Build makes a kernel and an initramfs in the folder dir, out of the parts of the lab's own image, which must
// have been built into the store.
func Build(ctx context.Context, store, dir string) (kernel, initramfs string, err error) {
	if err := os.WriteFile(filepath.Join(dir, "init"), initScript, 0o600); err != nil {
		return "", "", err
	}
	cmd := exec.CommandContext(ctx, "bash", "-c", script, "tinyguest", guestimage.RootFS(store))
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", "", fmt.Errorf("tiny guest: %w\n%s", err, out)
	}
	return filepath.Join(dir, "vmlinuz"), filepath.Join(dir, "initramfs"), nil
}
