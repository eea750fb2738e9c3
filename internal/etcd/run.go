package etcd

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/printable"
	"coreos-libvirt/internal/workspace/artifact"
)

// Helper is the program that carries etcd's modules.
type Helper struct {
	module      string // folder of go.mod
	bin         string // folder of the built program
	credentials Credentials
}

// NewHelper is the helper of the module, to be built into the folder bin.
func NewHelper(module, bin string) Helper { return Helper{module: module, bin: bin} }

// Build makes the program, unless one of the same source is there. The first time takes a minute.
func (h Helper) Build(ctx context.Context, say func(format string, args ...any)) (path string, err error) {
	digest, err := h.digest()
	if err != nil {
		return "", err
	}
	path = filepath.Join(h.bin, "etcd-helper-"+digest)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	unlock, err := artifact.Lock(ctx, filepath.Join(h.bin, ".lock"), func() { say("etcd helper: another run builds it") })
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(path); err == nil {
		return path, nil // the run that was waited for
	}
	say("etcd helper: building it, once")
	unfinished := path + ".new"
	// the flags of the lab's own etcd, so that both share what is compiled
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", unfinished, "./internal/etcd/helper")
	cmd.Dir, cmd.Env = h.module, append(os.Environ(), "GOFLAGS=", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", hint.Errorf("the first build needs Go and its module proxy", "cannot build the etcd helper: %w\n%s", err, bytes.TrimSpace(out))
	}
	return path, os.Rename(unfinished, path)
}

// digest is of the helper's source and the versions of its modules.
func (h Helper) digest() (string, error) {
	files, err := filepath.Glob(filepath.Join(h.module, "internal", "etcd", "*", "*.go"))
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	for _, own := range []string{"status.go", "members.go", "credentials.go"} {
		files = append(files, filepath.Join(h.module, "internal", "etcd", own))
	}
	for _, file := range append(files, filepath.Join(h.module, "go.mod")) {
		data, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("cannot read the etcd helper's source: %w", err)
		}
		sum.Write(data)
	}
	return hex.EncodeToString(sum.Sum(nil))[:12], nil
}

// Server is a running discovery service.
type Server struct {
	cmd   *exec.Cmd
	stdin io.Closer
}

// Serve runs an etcd that serves the discovery of one cluster at the URL's host and port, with its
// data in the folder data: the same data bring back the same token. It is answering when Serve
// returns, and ends with this process, however that ends.
func (h Helper) Serve(ctx context.Context, listen, data, token string, size int) (*Server, error) {
	path, err := h.Build(ctx, func(string, ...any) {})
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(path, "serve", listen, data, token, strconv.Itoa(size))
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	server := &Server{cmd: cmd, stdin: stdin}
	if _, err := bufio.NewReader(stdout).ReadString('\n'); err != nil { // it says when it serves
		server.Close()
		return nil, hint.Errorf("another program may have the address; `mage down` and `mage up` take another one",
			"the discovery service does not start: %s", strings.TrimSpace(complaint.String()))
	}
	return server, nil
}

// Close ends the service. A nil Server has none.
func (s *Server) Close() {
	if s == nil {
		return
	}
	_ = s.stdin.Close()
	kill := time.AfterFunc(5*time.Second, func() { _ = s.cmd.Process.Kill() })
	_ = s.cmd.Wait()
	kill.Stop()
}

// Status asks the members at the endpoints, each for at most patience.
func (h Helper) Status(ctx context.Context, endpoints []string, patience time.Duration) (Status, error) {
	return h.watch(ctx, endpoints, 0, patience, nil, func(Status) {})
}

// WaitHealthy asks until all members that have a vote are healthy, but those of the excused ids, or n where no
// cluster answers; or until ctx ends. changed gets every new state. The last state is returned in any case,
// with an error where it is not enough.
func (h Helper) WaitHealthy(ctx context.Context, endpoints []string, n int, changed func(Status), excused ...string) (Status, error) {
	last, err := h.watch(ctx, endpoints, n, 3*time.Second, excused, changed)
	if errors.Is(ctx.Err(), context.Canceled) {
		return last, ctx.Err()
	}
	if err == nil || ctx.Err() != nil {
		err = last.Whole(n, excused...)
	}
	return last, err
}

// watch runs the helper's verb watch, which prints a Status a line until it is whole; with n=0 it asks once.
func (h Helper) watch(ctx context.Context, endpoints []string, n int, patience time.Duration, excused []string, changed func(Status)) (last Status, err error) {
	path, err := h.Build(ctx, func(string, ...any) {})
	if err != nil {
		return last, err
	}
	cmd := exec.CommandContext(ctx, path, "watch", strings.Join(endpoints, ","), strconv.Itoa(n), patience.String(), strings.Join(excused, ","))
	cmd.Env = h.environment()
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return last, err
	}
	if err := cmd.Start(); err != nil {
		return last, err
	}
	states := json.NewDecoder(stdout)
	for {
		var s Status
		if err := states.Decode(&s); err != nil {
			break
		}
		last = s.printable()
		changed(last)
	}
	if err := cmd.Wait(); err != nil {
		return last, errors.Join(fmt.Errorf("the etcd helper failed: %w", err), errors.New(printable.Text(complaint.String())))
	}
	return last, nil
}
