package kubernetes

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Kubectl is the path of kubectl, of the cluster's own version.
func (c *Cluster) Kubectl() string { return c.programs.Kubectl() }

// Kubectl is the path of kubectl.
func (p Programs) Kubectl() string { return filepath.Join(p.kubernetes, "kubectl") }

// kubectl runs it with all rights, and gives what it writes.
func (c *Cluster) kubectl(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	return output(ctx, stdin, c.Kubectl(), append([]string{"--kubeconfig=" + c.Kubeconfig}, args...)...)
}

// Run runs kubectl with all rights and the document of YAML as standard input. It gives what that writes, and its error what is on
// standard error.
func (c *Cluster) Run(t testing.TB, document string, args ...string) (string, error) {
	t.Helper()
	out, err := c.kubectl(t.Context(), []byte(document), args...)
	return strings.TrimSpace(string(out)), err
}

// Must is Run that has to succeed.
func (c *Cluster) Must(t testing.TB, document string, args ...string) string {
	t.Helper()
	out, err := c.Run(t, document, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// output runs a program, and gives what it writes.
func output(ctx context.Context, stdin []byte, program string, args ...string) ([]byte, error) {
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(stdin), &said
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s %s: %w\n%s", filepath.Base(program), strings.Join(args, " "), err, bytes.TrimSpace(said.Bytes()))
	}
	return out, err
}
