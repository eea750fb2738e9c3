package guest

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace/artifact"
)

// Access is a cluster's way in: its own key pair and the host keys that its nodes reported, in a
// folder of their own.
type Access struct {
	Dir string
	New bool // whether the first key of a node that could report none is believed
}

func (a Access) key() string        { return filepath.Join(a.Dir, "id_ed25519") }
func (a Access) knownHosts() string { return filepath.Join(a.Dir, "known_hosts") }

// HasKey reports whether the key pair is there.
func (a Access) HasKey() bool {
	_, err := os.Stat(a.key())
	return err == nil
}

// PublicKey is the line for authorized_keys of the cluster's key pair, which is made if it is not there.
func (a Access) PublicKey(comment string) (string, error) {
	private, err := os.ReadFile(a.key())
	if errors.Is(err, fs.ErrNotExist) {
		private, err = a.generate(comment)
	}
	if err != nil {
		return "", fmt.Errorf("cannot read the cluster's ssh key: %w", err)
	}
	signer, err := ssh.ParsePrivateKey(private)
	if err != nil {
		return "", hint.Errorf("remove "+a.Dir+": a new key pair is then made", "%s is not an ssh key: %w", a.key(), err)
	}
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
	return line + " " + comment, nil
}

func (a Access) generate(comment string) ([]byte, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	block, err := ssh.MarshalPrivateKey(private, comment)
	if err != nil {
		return nil, err
	}
	data := pem.EncodeToMemory(block)
	return data, artifact.Write(a.key(), data, 0o600)
}

// Forget forgets a node's host keys: it is removed, and the next one of its name has others.
func (a Access) Forget(node string) error {
	if _, err := os.Stat(a.knownHosts()); errors.Is(err, fs.ErrNotExist) {
		return nil // none are known
	}
	return a.replace(map[string]Report{node: {}})
}

// Trust writes the host keys that nodes reported, by node name, as the only ones that ssh accepts. What is
// known of a node that reported none stays.
func (a Access) Trust(reports map[string]Report) error {
	told := maps.Clone(reports)
	maps.DeleteFunc(told, func(_ string, r Report) bool { return len(r.HostKeys) == 0 })
	return a.replace(told)
}

// replace is one at a time: the file is read and written as a whole.
func (a Access) replace(reports map[string]Report) error {
	unlock, err := artifact.Lock(context.Background(), filepath.Join(a.Dir, ".lock"), func() {})
	if err != nil {
		return err
	}
	defer unlock()
	lines := []string{}
	for name, report := range reports {
		keys, err := report.Keys()
		if err != nil {
			return err
		}
		for _, key := range keys {
			lines = append(lines, knownhosts.Line([]string{name}, key))
		}
	}
	kept, err := a.others(reports)
	if err != nil {
		return err
	}
	text := strings.Join(append(kept, lines...), "\n") + "\n"
	_, err = artifact.WriteIfChanged(a.knownHosts(), []byte(text), 0o644)
	return err
}

// others are the lines of known_hosts that are not of the nodes in reports.
func (a Access) others(reports map[string]Report) ([]string, error) {
	old, err := os.ReadFile(a.knownHosts())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	kept := []string{}
	for line := range strings.Lines(string(old)) {
		name, _, _ := strings.Cut(line, " ")
		if _, ours := reports[name]; !ours && strings.TrimSpace(line) != "" {
			kept = append(kept, strings.TrimSpace(line))
		}
	}
	return kept, nil
}

// Command is the system's ssh to a node: its host key looked up by the node's name and checked
// strictly, as addresses may change hands (ssh_config(5), HostKeyAlias). cmd may be empty: a login.
func (a Access) Command(ctx context.Context, user, node, address, cmd string) *exec.Cmd {
	args := append(a.options(node, "ERROR"), "-l", user, address)
	if cmd != "" {
		args = append(args, "--", cmd)
	}
	return exec.CommandContext(ctx, "ssh", args...)
}

// Unattended is Command for a run that asks nobody for a password or passphrase: ssh fails instead, and so it does if the node
// is gone for a minute (ssh_config(5), BatchMode, ServerAliveInterval).
func (a Access) Unattended(ctx context.Context, user, node, address, cmd string) *exec.Cmd {
	c := a.Command(ctx, user, node, address, cmd)
	c.Args = slices.Insert(c.Args, 1, "-o", "BatchMode=yes", "-o", "ServerAliveInterval=20")
	return c
}

// SFTP is the system's ssh to a node's file server, which speaks SFTP on the command's standard streams.
func (a Access) SFTP(ctx context.Context, user, node, address string) *exec.Cmd {
	args := append(a.options(node, "ERROR"), "-o", "RequestTTY=no", "-l", user, "-s", address, "sftp")
	return exec.CommandContext(ctx, "ssh", args...)
}

// options are those of each ssh to a node. level is what ssh says at least (ssh_config(5), LogLevel).
func (a Access) options(node, level string) []string {
	args := []string{
		"-o", "IdentityFile=" + quoteOption(a.key()),
		"-o", "UserKnownHostsFile=" + quoteOption(a.knownHosts()),
		"-o", "GlobalKnownHostsFile=/dev/null",
		"-o", "StrictHostKeyChecking=" + a.strictness(node),
		"-o", "HostKeyAlias=" + node,
		"-o", "LogLevel=" + level,
		"-o", "ConnectTimeout=60", // of who answers nothing: until the keys are exchanged, not while somebody types a passphrase
	}
	if a.isTaken(node) {
		args = append(args, "-o", "IdentitiesOnly=yes")
	}
	return args
}

// Config is the node's block of ssh_config(5), by which ssh and all that use it reach the node by name.
func (a Access) Config(user, node, address string) string {
	only := ""
	if a.isTaken(node) {
		only = "\n  IdentitiesOnly yes"
	}
	return fmt.Sprintf(`Host %s
  HostName %s
  User %s
  IdentityFile %s%s
  UserKnownHostsFile %s
  HostKeyAlias %s
  StrictHostKeyChecking %s`, node, address, user, quoteOption(a.key()), only, quoteOption(a.knownHosts()), node, a.strictness(node))
}

// strictness is ssh_config(5)'s word for what is done about a node's host key.
func (a Access) strictness(node string) string {
	known, _ := os.ReadFile(a.knownHosts())
	for line := range strings.Lines(string(known)) {
		if name, _, _ := strings.Cut(line, " "); name == node {
			return "yes"
		}
	}
	if a.New {
		return "accept-new"
	}
	return "yes"
}

// isTaken reports whether the node lets in the cluster's own key. Then ssh offers no other: those of an agent, if
// they are many, come first and use up what the server allows (sshd_config(5), MaxAuthTries).
func (a Access) isTaken(node string) bool {
	private, err := os.ReadFile(a.key())
	if err != nil {
		return false
	}
	signer, err := ssh.ParsePrivateKey(private)
	if err != nil {
		return false
	}
	doc, err := os.ReadFile(filepath.Join(filepath.Dir(a.Dir), node, "ignition.json"))
	if err != nil { // libvirt may have given it to QEMU's user; there is a key only where some config asked for it
		return true
	}
	return bytes.Contains(doc, bytes.TrimSpace(ssh.MarshalAuthorizedKey(signer.PublicKey())))
}

// quoteOption keeps a path with spaces one word in an ssh option, and its percent signs no tokens (ssh_config(5), TOKENS). A path
// with quotes, backslashes or "${" cannot be written: workspace.CheckPath refuses it.
func quoteOption(path string) string { return `"` + strings.ReplaceAll(path, "%", "%%") + `"` }
