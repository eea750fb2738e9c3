package kubernetes

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"coreos-libvirt/internal/workspace/artifact"
)

// The versions of what is built, as the modules say.
const (
	Version      = "v1.36.1" // of Kubernetes
	VirtVersion  = "v1.7.0"  // of KubeVirt
	cdiModule    = "kubevirt.io/containerized-data-importer-api"
	multusModule = "github.com/k8snetworkplumbingwg/network-attachment-definition-client"
)

// modules are go.mod and go.sum of what programs are built in, under other names: a folder with a go.mod cannot be embedded. Of
// another version: in a folder with the module's go.mod and go.sum, `go get` of each package that is built makes both. Kubernetes' staging
// modules and KubeVirt's are folders of their repositories; `replace` puts the modules of the same bytes in their place.
//
//go:embed modules
var modules embed.FS

// parts are the sources of the program `parts`: what installs KubeVirt here, and what stands in for parts of it.
//
//go:embed parts
var parts embed.FS

// set are programs that are built together, in a folder of their own.
type set struct {
	module   string   // of modules/
	packages []string // what is built
	sources  bool     // the program `parts`, too
}

// The sets. Programs of others are apart from ours: a change of ours builds them not again.
var (
	kubernetes = set{module: "kubernetes", packages: []string{
		"k8s.io/kubernetes/cmd/kube-apiserver", "k8s.io/kubernetes/cmd/kube-controller-manager", "k8s.io/kubernetes/cmd/kube-scheduler", "k8s.io/kubernetes/cmd/kubectl",
	}}
	kubevirt = set{module: "kubevirt", packages: []string{"kubevirt.io/kubevirt/cmd/virt-api", "kubevirt.io/kubevirt/cmd/virt-controller"}}
	own      = set{module: "kubevirt", sources: true}
)

// Programs are the folders that the programs are in.
type Programs struct{ kubernetes, kubevirt, own string }

// Ensure gives the programs in the folder bin, and builds those that are missing: all of them, from nothing, take a quarter of an
// hour of a processor. say gets a line for each set that is built.
func Ensure(ctx context.Context, bin string, say func(format string, args ...any)) (p Programs, err error) {
	if err := artifact.Folder(bin); err != nil {
		return p, err
	}
	unlock, err := artifact.Lock(ctx, filepath.Join(bin, ".lock-kubernetes"), func() { say("kubernetes: another run builds its programs") })
	if err != nil {
		return p, err
	}
	defer unlock()
	for _, one := range []struct {
		set
		folder *string
	}{{kubernetes, &p.kubernetes}, {kubevirt, &p.kubevirt}, {own, &p.own}} {
		if *one.folder, err = one.ensure(ctx, bin, say); err != nil {
			return p, err
		}
	}
	return p, nil
}

// ensure gives the set's folder below bin, whole.
func (s set) ensure(ctx context.Context, bin string, say func(string, ...any)) (string, error) {
	name := s.module
	if s.sources {
		name = "kubevirt-parts"
	}
	folder := filepath.Join(bin, name+"-"+s.digest())
	if _, err := os.Stat(folder); err == nil {
		return folder, nil
	}
	say("kubernetes: building the programs of %s, once", name)
	begin := time.Now()
	work, err := os.MkdirTemp(bin, ".build-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(work) }()
	out := filepath.Join(work, "out")
	if err := errors.Join(os.Mkdir(out, 0o755), s.build(ctx, work, out)); err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	say("kubernetes: built %s in %.0f s", name, time.Since(begin).Seconds())
	return folder, os.Rename(out, folder)
}

// build builds the set into the folder out, in the module that it writes into work.
func (s set) build(ctx context.Context, work, out string) error {
	if err := s.write(work); err != nil {
		return err
	}
	if s.sources {
		if err := definitions(ctx, work); err != nil {
			return err
		}
	}
	packages := s.packages
	if s.sources {
		packages = []string{"."}
		out = filepath.Join(out, "parts")
	}
	flags := []string{"build", "-mod=readonly", "-trimpath", "-ldflags", "-s -w", "-o", out}
	_, err := goTool(ctx, work, append(flags, packages...)...)
	return err
}

// definitions writes those of CDI's and Multus' resources that are in no Go package into the folder definitions: CDI's as its own build
// makes them from its types, Multus' as it is in its module.
func definitions(ctx context.Context, work string) error {
	to := filepath.Join(work, "definitions")
	if _, err := goTool(ctx, work, "run", "-mod=readonly", "sigs.k8s.io/controller-tools/cmd/controller-gen", "crd",
		"paths="+cdiModule+"/pkg/apis/core/v1beta1", "output:crd:dir="+to); err != nil {
		return err
	}
	dir, err := goTool(ctx, work, "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", multusModule)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "artifacts/networks-crd.yaml"))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(to, "multus.yaml"), text, 0o600)
}

// write writes go.mod and go.sum into the folder, and the sources if they are built.
func (s set) write(dir string) error {
	return s.each(func(from embed.FS, path, name string) error {
		text, err := from.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, name), text, 0o600)
	})
}

// each calls do with each file that the set is built from, and the name that it has there.
func (s set) each(do func(from embed.FS, path, name string) error) error {
	for _, kind := range []string{"mod", "sum"} {
		if err := do(modules, "modules/"+s.module+"."+kind, "go."+kind); err != nil {
			return err
		}
	}
	if !s.sources {
		return nil
	}
	files, err := fs.Glob(parts, "parts/*.go.txt")
	for _, path := range files {
		err = errors.Join(err, do(parts, path, strings.TrimSuffix(filepath.Base(path), ".txt")))
	}
	return err
}

// digest is of all that the set is built from: twelve hex digits.
func (s set) digest() string {
	sum := sha256.New()
	fmt.Fprintln(sum, runtime.GOARCH, s.packages)
	err := s.each(func(from embed.FS, path, _ string) error {
		text, err := from.ReadFile(path)
		fmt.Fprintln(sum, path, len(text))
		sum.Write(text)
		return err
	})
	if err != nil {
		panic(err) // the files are part of this program
	}
	return hex.EncodeToString(sum.Sum(nil))[:12]
}

// goTool runs the go command in the folder, so that others come first, and gives what it writes.
func goTool(ctx context.Context, dir string, args ...string) ([]byte, error) {
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, "nice", append([]string{"-n", "19", "go"}, args...)...)
	cmd.Dir, cmd.Env, cmd.Stderr = dir, append(os.Environ(), "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0"), &said
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", args[0], err, bytes.TrimSpace(said.Bytes()))
	}
	return out, nil
}
