// Package kubevirt runs nodes on a Kubernetes cluster with KubeVirt. It talks to Kubernetes by a helper program, whose module is not this
// one's.
package kubevirt

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace/artifact"
)

// helperModule is the helper's folder below the folder of this module.
const helperModule = "internal/engine/kubevirt/helper"

// Program is the helper program: where its source is, and where it is built.
type Program struct {
	Module string // the folder of coreos-libvirt's go.mod
	Bin    string // folder of programs
	Say    func(format string, args ...any)
}

// ensure gives the path of the program, and builds it if it is missing.
func (p Program) ensure(ctx context.Context) (path string, err error) {
	source := filepath.Join(p.Module, helperModule)
	sum, err := digest(source)
	if err != nil {
		return "", fmt.Errorf("cannot read the KubeVirt helper's source: %w", err)
	}
	path = filepath.Join(p.Bin, "kubevirt-helper-"+sum)
	if artifact.Own(p.Bin) == nil && artifact.Own(path) == nil {
		return path, nil
	}
	if _, err := exec.LookPath("go"); err != nil {
		return "", hint.Errorf("install Go: https://go.dev/doc/install", "the KubeVirt helper is built by Go, which is not here")
	}
	if err := artifact.Folder(p.Bin); err != nil {
		return "", err
	}
	if err := artifact.Own(p.Bin); err != nil {
		return "", hint.Errorf(fmt.Sprintf("rm -r %q   # what is in it may be of others; it is built again", p.Bin), "programs from there are not run: %w", err)
	}
	unlock, err := artifact.Lock(ctx, filepath.Join(p.Bin, ".lock-kubevirt"), func() { p.Say("KubeVirt helper: another run builds it") })
	if err != nil {
		return "", err
	}
	defer unlock()
	if artifact.Own(path) == nil {
		return path, nil // the run that was waited for
	}
	p.Say("KubeVirt helper: building it, once")
	return path, compile(ctx, source, path)
}

func compile(ctx context.Context, source, path string) error {
	unfinished := path + ".new"
	cmd := exec.CommandContext(ctx, "go", "build", "-mod=readonly", "-trimpath", "-ldflags", "-s -w", "-o", unfinished, ".")
	cmd.Dir, cmd.Env = source, append(os.Environ(), "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return hint.Errorf("the first build needs Go and its module proxy", "cannot build the KubeVirt helper: %w\n%s", err, bytes.TrimSpace(out))
	}
	if err := os.Chmod(unfinished, 0o755); err != nil { // whatever the umask says
		return err
	}
	return os.Rename(unfinished, path)
}

// digest is of all that the program is built from, and of the system that it is for.
func digest(source string) (string, error) {
	entries, err := os.ReadDir(source)
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	fmt.Fprintln(sum, runtime.GOARCH)
	for _, entry := range entries {
		data, err := os.ReadFile(filepath.Join(source, entry.Name()))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(sum, "%s %d\n", entry.Name(), len(data))
		sum.Write(data)
	}
	return hex.EncodeToString(sum.Sum(nil))[:12], nil
}
