package lab

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"coreos-libvirt/internal/workspace/artifact"
)

// SSH is the folder of what ssh on the lab's own host needs for the hypervisors: config, known_hosts, and the key id_ed25519. The
// lab's /etc/ssh/ssh_config includes that config, so it counts after the user's own, for libvirt's ssh as well.
func (w *World) SSH() string { return filepath.Join(w.dir, "ssh") }

// writeAccess makes the hypervisor's host key and the key that may log in there, and says so on both sides.
func (w *World) writeAccess(ctx context.Context, h Host) error {
	login, own := filepath.Join(w.SSH(), "id_ed25519"), filepath.Join(h.disk(), "ssh", "host_key")
	for _, key := range []string{login, own} {
		if err := ensureKey(ctx, key); err != nil {
			return err
		}
	}
	public, err := os.ReadFile(login + ".pub")
	if err == nil {
		err = os.WriteFile(filepath.Join(h.disk(), "ssh", "authorized_keys"), public, 0o600)
	}
	if err != nil {
		return err
	}
	return w.writeSSHConfig()
}

// ensureKey makes a key without a passphrase, if there is none.
func ensureKey(ctx context.Context, path string) error {
	if _, err := os.Stat(path + ".pub"); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	_ = os.Remove(path) // of a run that was killed: ssh-keygen would ask
	return run(exec.CommandContext(ctx, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "coreos-libvirt-lab", "-f", path))
}

// writeSSHConfig writes how ssh reaches all hypervisors that the lab has, and the keys by which it knows them. Their alias is one
// that no known_hosts of the user's has.
func (w *World) writeSSHConfig() error {
	config, known := &strings.Builder{}, &strings.Builder{}
	for _, h := range w.hosts() {
		key, err := os.ReadFile(filepath.Join(h.disk(), "ssh", "host_key.pub"))
		if os.IsNotExist(err) {
			continue // a run that made it was killed
		}
		if err != nil {
			return err
		}
		alias := h.Name() + ".coreos-libvirt-lab"
		fmt.Fprintf(known, "%s %s\n", alias, strings.TrimSpace(string(key)))
		fmt.Fprintf(config, "Host %s\n  HostName %s\n  HostKeyAlias %s\n  StrictHostKeyChecking yes\n  GlobalKnownHostsFile %s\n  IdentityFile %s\n",
			h.Name(), h.Address(), alias, filepath.Join(w.SSH(), "known_hosts"), filepath.Join(w.SSH(), "id_ed25519"))
	}
	if err := artifact.Write(filepath.Join(w.SSH(), "known_hosts"), []byte(known.String()), 0o644); err != nil {
		return err
	}
	return artifact.Write(filepath.Join(w.SSH(), "config"), []byte(config.String()), 0o644)
}
