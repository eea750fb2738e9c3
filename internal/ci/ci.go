// Package ci is how the project checks itself: linters, unit tests, and the story on real guests.
package ci

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/bitfield/script"

	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/lab"
	"coreos-libvirt/internal/lab/guestimage"
	"coreos-libvirt/internal/release"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace/artifact"
)

// linter is golangci-lint, built from its module: a release of it cannot be assumed to be there.
const linter = "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0"

// tags are what unit tests are built with: libvirt's binding then needs no headers.
const tags = "libvirt_dlopen"

// What no package's tests take on any machine: only those that hang are ended. Their own limits are multiples of what the
// machine shows that it can do (internal/testkit/pace).
const (
	unitHangs = "1h"
	labHangs  = "2h"
	fullHangs = "10h"
)

// longest are the packages whose tests take longest, mostly waiting: they begin first, and the others are tested beside them. Else one
// of them would be the last, alone.
var longest = []string{"./internal/command", "./internal/host/bridge", "./tests", "./internal/etcd", "./internal/cluster/members", "./internal/cluster/boot"}

// Packages are the Debian packages that the checks need, beside the lab's: programs that tests compare
// with, or that a user would use.
var Packages = []string{
	"git", "shellcheck", "curl", "bzip2", "dosfstools", "iptables", "ca-certificates", "udhcpc", "nftables", "acl", "patch", "zsh", "fish", "sudo", "mandoc",
}

// crossCompiler are the packages by which the program is built for the other architecture than this machine's.
func crossCompiler() []string {
	if runtime.GOARCH == "arm64" {
		return []string{"gcc-x86-64-linux-gnu", "libc6-dev-amd64-cross"}
	}
	return []string{"gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross"}
}

// managers are those of network cards and of the packet filter, for the tests of the host's set-up, and sshd, which judges its files. Where systemd runs, as
// on somebody's own machine, one that was installed would manage the real ones from then on: there they stay out, and their tests
// are skipped.
func managers() []string {
	if _, err := os.Stat("/run/systemd/system"); err == nil {
		return nil
	}
	return []string{"network-manager", "dbus", "ifupdown", "bridge-utils", "firewalld", "openssh-server"}
}

// Check is one run on the module in the folder dir, with built tools kept below cache.
type Check struct {
	Dir   string
	Cache string
	Full  bool // whether every story on real guests runs, not only the one for each change
	Say   func(format string, args ...any)
}

// All installs what is missing and runs every check.
func (c Check) All(ctx context.Context) error {
	if os.Getuid() != 0 {
		return hint.Errorf(host.Sudo("mage test")+"   # or, without the lab: go test -tags "+tags+" ./...", "the test in the lab needs root")
	}
	packages := slices.Concat(Packages, managers(), lab.Packages, guestimage.Packages)
	if c.Full {
		packages = append(packages, crossCompiler()...)
	}
	if err := host.EnsurePackages(ctx, packages, c.Say); err != nil {
		return err
	}
	if err := c.atOnce(ctx, step{"all that is compiled", c.compile}, step{"the lab's guest images", c.guestImages}); err != nil {
		return err
	}
	unit, lint := step{"unit tests and the command line", c.unit}, step{"linters", c.lint}
	if err := c.atOnce(ctx, unit, lint); err != nil {
		return err
	}
	return c.takes(ctx, step{"real guests in the lab", c.lab})
}

// step is a part of the checks.
type step struct {
	what string
	run  func(context.Context) error
}

func (c Check) takes(ctx context.Context, s step) error {
	c.Say("test: %s", s.what)
	begin := time.Now()
	err := s.run(ctx)
	c.Say("test: %s: ended after %s", s.what, time.Since(begin).Round(time.Second))
	if err != nil {
		return fmt.Errorf("test: %s: %w", s.what, err)
	}
	return nil
}

// atOnce takes steps side by side. Real guests are not among them: they compute all the time, and on a slow machine those that get too
// little of it fail by limits of their own.
func (c Check) atOnce(ctx context.Context, steps ...step) error {
	failed := make([]error, len(steps))
	var all sync.WaitGroup
	for i, s := range steps {
		all.Go(func() { failed[i] = c.takes(ctx, s) })
	}
	all.Wait()
	return errors.Join(failed...)
}

// compile builds everything, and the linter. The images, which take one processor and wait for packages, are made beside it.
func (c Check) compile(ctx context.Context) error {
	for _, next := range []step{{"builds, also without a C compiler", c.builds}, {"the program", c.programs}, {"the linter", c.buildLinter}} {
		if err := c.takes(ctx, next); err != nil {
			return err
		}
	}
	return nil
}

// builds compiles everything the ways that users do.
func (c Check) builds(ctx context.Context) error {
	for _, args := range c.withoutC() {
		if err := c.run(ctx, []string{"CGO_ENABLED=0"}, "go", args...); err != nil {
			return err
		}
	}
	return c.run(ctx, nil, "go", "build", "-tags", tags, "./...")
}

// withoutC compiles all without a C compiler. If every story runs the tests are read, too, for which what only they import is compiled once more.
func (c Check) withoutC() [][]string {
	targets := []string{"vet", "-tags", "mage", "./magefiles"} // Mage gives them their main function
	if c.Full {
		return [][]string{append(targets, "./internal/...")}
	}
	return [][]string{{"build", "./internal/..."}, targets}
}

// programs builds what `mage build` makes: for the other architecture, too, if every story runs, as all of it is compiled again for that.
// That it runs is TestProgram's.
func (c Check) programs(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "coreos-libvirt-program-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	self, err := os.Executable() // these targets: `go run magefile.go` in this environment would compile them again
	if err != nil {
		return err
	}
	build := []string{"build", "file=" + filepath.Join(dir, "program")}
	if !c.Full {
		return c.run(ctx, nil, self, build...)
	}
	for _, arch := range release.Archs {
		if err := c.run(ctx, nil, self, append(build, "arch="+arch)...); err != nil {
			return err
		}
	}
	return nil
}

// guestImages builds the lab's images that are missing.
func (c Check) guestImages(ctx context.Context) error {
	for _, name := range guestimage.Names {
		if _, err := guestimage.Ensure(ctx, c.Cache, c.Dir, name, c.Say); err != nil {
			return err
		}
	}
	return nil
}

func (c Check) unit(ctx context.Context) error {
	// four packages and four of their tests at once, as they wait most of their time; vet is one of the linters
	args := slices.Concat([]string{"test", "-count=1", "-vet=off", "-p=4", "-parallel=4", "-timeout=" + unitHangs, "-tags", tags}, longest, []string{"./..."})
	if err := c.run(ctx, nil, "go", args...); err != nil {
		return err
	}
	return c.run(ctx, nil, "go", "test", "-run=^$", "-bench=.", "-benchtime=1x", "./internal/config/transpile", "./internal/config/render")
}

func (c Check) lint(ctx context.Context) error {
	if err := c.shellcheck(ctx); err != nil {
		return err
	}
	program, err := c.linter(ctx)
	if err != nil {
		return err
	}
	if err := c.runNicely(ctx, nil, program, "run"); err != nil || !c.Full {
		return err
	}
	return c.helper(ctx, program)
}

// helper has the linter read the KubeVirt helper, a module of its own, whose Kubernetes client takes minutes to compile.
func (c Check) helper(ctx context.Context, program string) error {
	c.Dir = filepath.Join(c.Dir, "internal", "engine", "kubevirt", "helper")
	return c.runNicely(ctx, []string{"GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0"}, program, "run")
}

// shellcheck reads every shell script that git knows, told by its first line or its name.
func (c Check) shellcheck(ctx context.Context) error {
	files, err := script.WithContext(ctx).ExecCommand("git", "-C", c.Dir, "grep", "-lE", `^#!/bin/(ba)?sh`, "--", ":!tests/testdata/kola").Slice()
	if err != nil {
		return err
	}
	named, err := script.WithContext(ctx).ExecCommand("git", "-C", c.Dir, "ls-files", "*.sh", ":!tests/testdata/kola").Slice() // others' tests, as they are
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, file := range append(files, named...) {
		shell := dialect(filepath.Join(c.Dir, file))
		if seen[file] || shell == "" {
			continue
		}
		seen[file] = true
		if err := c.run(ctx, nil, "shellcheck", "--shell="+shell, file); err != nil {
			return err
		}
	}
	return nil
}

// dialect is sh or bash, as the script's first line says; bash for a file of that name which does not say it. It is empty for
// what only has a script somewhere in it.
func dialect(path string) string {
	first, err := script.File(path).First(1).String()
	switch {
	case err == nil && first == "#!/bin/sh\n":
		return "sh"
	case err == nil && first == "#!/bin/bash\n", filepath.Ext(path) == ".sh":
		return "bash"
	}
	return ""
}

func (c Check) buildLinter(ctx context.Context) error {
	_, err := c.linter(ctx)
	return err
}

// linter builds golangci-lint, once a version.
func (c Check) linter(ctx context.Context) (string, error) {
	bin := filepath.Join(c.Cache, "bin", filepath.Base(linter))
	program := filepath.Join(bin, "golangci-lint")
	unlock, err := artifact.Lock(ctx, bin+".lock", func() { c.Say("test: another run builds the linter") })
	if err != nil {
		return "", err
	}
	defer unlock()
	if errors.Join(artifact.Own(bin), artifact.Own(program)) == nil { // else it may be another user's
		return program, nil
	}
	c.Say("test: building %s", filepath.Base(linter))
	return program, c.runNicely(ctx, []string{"GOFLAGS=", "GOBIN=" + bin}, "go", "install", linter)
}

func (c Check) lab(ctx context.Context) error {
	args := []string{"test", "-count=1", "-v", "-tags", tags + ",lab"}
	if c.Full {
		args = append(args, "-timeout="+fullHangs, "./tests", "-full") // all that there are: a list of names once lacked half of them
	} else {
		args = append(args, "-timeout="+labHangs, "-parallel=3", "-run", "TestStory|TestTiny", "./tests") // both stories and tiny guests beside each other
	}
	return c.run(ctx, nil, "go", args...)
}

// runNicely is run of what others shall not wait for. It still gets a quarter of what another process gets: with the least
// priority, 19, the linter did not end within 10 minutes on a machine whose processors two others had.
func (c Check) runNicely(ctx context.Context, env []string, name string, args ...string) error {
	return c.run(ctx, env, "nice", append([]string{"-n", "5", name}, args...)...)
}

// seldom has Go's programs collect garbage seldom: a quarter of the linter's processor time was that, and a sixth of the tests'.
const seldom = "GOGC=400"

// run runs a command in the module's folder, its output on this process' own.
func (c Check) run(ctx context.Context, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = c.Dir
	cmd.Env = slices.Concat(os.Environ(), []string{seldom}, env)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}
