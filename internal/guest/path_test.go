package guest

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"coreos-libvirt/internal/testkit/pace"
)

// TestSSHFromAnyPath: the system's ssh finds key and known hosts, whatever characters the workspace's path has that ssh can be
// given. The server lets in this key only, and ssh this server.
func TestSSHFromAnyPath(t *testing.T) {
	if _, err := exec.LookPath("ssh"); err != nil {
		t.Skip("needs openssh-client")
	}
	for _, folder := range []string{"plain", "a b", "100%h %% %", "o'neill, [a-z]&co #;$HOME ~é*"} {
		access := Access{Dir: filepath.Join(t.TempDir(), folder, "vm", "ssh.core")}
		public, err := access.PublicKey("core")
		if err != nil {
			t.Fatal(err)
		}
		port, hostKey := sshServer(t, public)
		if err := access.Trust(map[string]Report{"core01": {HostKeys: []string{hostKey}}}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), pace.Hang)
		defer cancel()
		command := access.Command(ctx, "core", "core01", "127.0.0.1", "true")
		command.Args = slices.Insert(command.Args, 1, "-F", "none", "-o", "BatchMode=yes", "-p", port)
		config := filepath.Join(t.TempDir(), "config")
		if err := os.WriteFile(config, []byte(access.Config("core", "core01", "127.0.0.1")+"\n  Port "+port+"\n  BatchMode yes\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, cmd := range []*exec.Cmd{command, exec.CommandContext(ctx, "ssh", "-F", config, "core01", "true")} {
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", cmd, err, out)
			}
		}
	}
}

// TestSSHEndsAtASilentAddress: something takes connections there, and says nothing, as a guest that hangs or another machine with its
// address.
func TestSSHEndsAtASilentAddress(t *testing.T) {
	if _, err := exec.LookPath("ssh"); err != nil {
		t.Skip("needs openssh-client")
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	_, port, _ := net.SplitHostPort(silent.Addr().String())
	access := Access{Dir: filepath.Join(t.TempDir(), "ssh.core")}
	ctx, cancel := context.WithTimeout(t.Context(), pace.Hang)
	defer cancel()
	for name, cmd := range map[string]*exec.Cmd{
		"ssh":        access.Command(ctx, "core", "core01", "127.0.0.1", "true"),
		"unattended": access.Unattended(ctx, "core", "core01", "127.0.0.1", "true"),
		"SFTP":       access.SFTP(ctx, "core", "core01", "127.0.0.1"),
		"tunnel":     exec.CommandContext(ctx, "ssh", append(access.options("core01", "INFO"), "-N", "127.0.0.1")...),
	} {
		at := slices.Index(cmd.Args, "ConnectTimeout=60")
		if at < 0 {
			t.Errorf("%s: no limit in %q", name, cmd.Args)
			continue
		}
		cmd.Args[at] = "ConnectTimeout=1"
		cmd.Args = slices.Insert(cmd.Args, 1, "-F", "none", "-p", port)
		if out, err := cmd.CombinedOutput(); err == nil || ctx.Err() != nil || !strings.Contains(string(out), "timed out") {
			t.Errorf("%s: got %v\n%s", name, err, out)
		}
	}
}

// sshServer is a server that lets in who has the key of the line, and ends each command well. It gives its port and its key's line.
func sshServer(t *testing.T, line string) (port, hostKey string) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	config := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if strings.HasPrefix(line, strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))) {
			return nil, nil
		}
		return nil, ssh.ErrNoAuth
	}}
	config.AddHostKey(signer)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serveTrue(conn, config)
		}
	}()
	_, port, _ = net.SplitHostPort(listener.Addr().String())
	return port, strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
}

// serveTrue is a connection on which each request succeeds, and each command ends with status 0.
func serveTrue(conn net.Conn, config *ssh.ServerConfig) {
	defer func() { _ = conn.Close() }()
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for asked := range channels {
		channel, wishes, err := asked.Accept()
		if err != nil {
			return
		}
		go func() {
			for wish := range wishes {
				_ = wish.Reply(true, nil)
				if wish.Type == "exec" {
					_, _ = channel.SendRequest("exit-status", false, []byte{0, 0, 0, 0})
					_ = channel.Close()
				}
			}
		}()
	}
}
