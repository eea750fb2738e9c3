//go:build lab

package tests

import (
	"debug/elf"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"coreos-libvirt/internal/testkit/distributor"
)

// TestProgram: what `mage build` makes runs in another clone where there is no Go, no C compiler, and nothing of what was built.
func TestProgram(t *testing.T) {
	onlyInFull(t)
	c, dir := newClone(t), t.TempDir()
	for arch, machine := range map[string]elf.Machine{"x86_64": elf.EM_X86_64, "aarch64": elf.EM_AARCH64} {
		path := filepath.Join(dir, arch)
		c.mage(t, "build", "arch="+arch, "file="+path)
		program, err := elf.Open(path)
		distributor.Must(t, err)
		libraries, err := program.ImportedLibraries()
		_ = program.Close()
		if err != nil || program.Machine != machine || slices.ContainsFunc(libraries, func(l string) bool { return !strings.HasPrefix(l, "libc.so.") && !strings.HasPrefix(l, "ld-linux") }) {
			t.Errorf("%s: is for %s and needs %v: %v", arch, program.Machine, libraries, err)
		}
	}
	tools := filepath.Join(dir, "tools")
	distributor.Must(t, os.Mkdir(tools, 0o755))
	for _, tool := range []string{"sh", "git", "qemu-img", "uname"} {
		path, err := exec.LookPath(tool)
		distributor.Must(t, err)
		distributor.Must(t, os.Symlink(path, filepath.Join(tools, tool)))
	}
	other := newClone(t)
	other.write(t, "plain.yml", "variant: fcos\nversion: 1.5.0\n")
	for _, run := range []struct {
		below  string
		words  string
		status int
		want   string
	}{
		{"", "version", 0, "go1."},
		{"", "fetch image=nothing.qcow2", 1, "nothing.qcow2"},
		{"", "transpile config=plain.yml", 0, "vm/ignition-template.json"},
		{"", "status uri=test:///default", 0, "there are no nodes"},
		{"", "up ready=off config=plain.yml uri=test:///default image=nothing.qcow2", 1, "\nhint: "},
		{"", "test", 1, "needs Go"},
		{"", "_etcd-helper", 0, ""},
		{"ignition", "status uri=test:///default", 1, "hint: cd " + other.dir + "\n"},
	} {
		cmd := exec.Command(filepath.Join(dir, map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[goarch(t)]), strings.Fields(run.words)...)
		cmd.Dir, cmd.Env = filepath.Join(other.dir, run.below), []string{"PATH=" + tools, "HOME=" + t.TempDir()}
		out, err := cmd.CombinedOutput()
		status := 0
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			status, err = exit.ExitCode(), nil
		}
		if err != nil || status != run.status || !strings.Contains(string(out), run.want) {
			t.Errorf("%s: want status %d and %q, got %d, %v\n%s", run.words, run.status, run.want, status, err, out)
		}
	}
}

// TestRelease: two releases of one commit, made in two folders, have equal bytes, and say their version.
func TestRelease(t *testing.T) {
	onlyInFull(t)
	sums := []string{}
	for range 2 {
		c := newClone(t)
		c.write(t, "CHANGELOG.md", c.read(t, "CHANGELOG.md")+"\n## [0.1.0] - 2026-01-02\n")
		c.env = []string{"GIT_AUTHOR_DATE=2026-01-02T03:04:05Z", "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z"}
		c.run(t, "git init -q && git add -A && git -c user.name=x -c user.email=x@example commit -q -m x")
		c.mage(t, "release", "version=v0.1.0") // it asks the program in the archive for its version
		sums = append(sums, c.read(t, "dist/v0.1.0/SHA256SUMS"))
		if bill := c.read(t, "dist/v0.1.0/coreos-libvirt-v0.1.0-linux-x86_64.cdx.json"); !strings.Contains(bill, "pkg:golang/libvirt.org/go/libvirt@v") {
			t.Errorf("the list has no binding:\n%s", bill)
		}
	}
	if sums[0] != sums[1] {
		t.Errorf("two releases differ:\n%s\n%s", sums[0], sums[1])
	}
}

// goarch is this machine's architecture.
func goarch(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOARCH").Output()
	distributor.Must(t, err)
	return strings.TrimSpace(string(out))
}
