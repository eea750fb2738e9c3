// Package transfer copies files and folders between this host and a node, by SFTP: exact bytes and permissions. A file is
// written beside its place and renamed when it is whole, so what was there before is never half overwritten.
package transfer

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"strings"
	"time"

	"github.com/pkg/sftp"

	"coreos-libvirt/internal/terminal/printable"
)

// Files are a node's, as one of its users may use them.
type Files struct {
	client *sftp.Client
	cmd    *exec.Cmd
}

// mostSaid is how much of what ssh says is kept for an error, in bytes.
const mostSaid = 4 << 10

// Open speaks to the server that the command leads to on its standard streams (draft-ietf-secsh-filexfer-02).
func Open(cmd *exec.Cmd) (*Files, error) {
	said := &head{}
	cmd.Stderr, cmd.WaitDelay = said, time.Second
	to, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	from, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	client, err := sftp.NewClientPipe(from, to, sftp.UseConcurrentWrites(true))
	if err != nil {
		_ = to.Close()
		ended := cmd.Wait()
		return nil, fmt.Errorf("no file server answers: %w", because(said.text(), ended, err))
	}
	return &Files{client, cmd}, nil
}

// because is what ssh says, or why it ended.
func because(said string, errs ...error) error {
	if said != "" {
		return errors.New(said)
	}
	return errors.Join(errs...)
}

// Close ends the connection.
func (f *Files) Close() error {
	return errors.Join(f.client.Close(), notEnded(f.cmd.Wait()))
}

// notEnded is the error of a command, if that is not only its exit status: all that was asked for was answered by then.
func notEnded(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) || errors.Is(err, exec.ErrWaitDelay) {
		return nil
	}
	return err
}

// head keeps the beginning of what is written to it.
type head struct{ kept []byte }

func (h *head) Write(p []byte) (int, error) {
	h.kept = append(h.kept, p[:min(len(p), mostSaid-len(h.kept))]...)
	return len(p), nil
}

func (h *head) text() string { return printable.Text(string(h.kept)) }

// Copied is what was copied.
type Copied struct {
	To      string // the path there
	Files   int
	Bytes   int64
	LeftOut []string // paths of what is no file, folder or symbolic link
}

// deepest is how many folders may be in each other: a node's are as it says.
const deepest = 200

// beside is a new name for what becomes the file of that name when it is whole.
func beside(name string) string {
	return path.Join(path.Dir(name), "."+path.Base(name)+"."+rand.Text()[:8])
}

// kind is what the file is copied as.
type kind int

const (
	other kind = iota
	file
	folder
	link
)

func kindOf(mode fs.FileMode) kind {
	switch mode.Type() {
	case 0:
		return file
	case fs.ModeDir:
		return folder
	case fs.ModeSymlink:
		return link
	}
	return other
}

// place is the path to copy something of that name to: into a folder that there is, or else to the path itself.
func place(to, name string, stat func(string) (os.FileInfo, error)) (string, error) {
	info, err := stat(to)
	switch {
	case err == nil && info.IsDir():
		return path.Join(to, name), nil
	case strings.HasSuffix(to, "/"):
		return "", fmt.Errorf("%s is not a folder that exists", to)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", err
	}
	return to, nil
}

// nameOf is the last part of the path, which becomes the name of the copy.
func nameOf(whole string) (string, error) {
	name := path.Base(whole)
	if name == "/" || name == "." || name == ".." {
		return "", fmt.Errorf("%s has no name of its own to copy it under", whole)
	}
	return name, nil
}

// ended is the error of ctx, if it has ended.
func ended(ctx context.Context) error { return context.Cause(ctx) }
