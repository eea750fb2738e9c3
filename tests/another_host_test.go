//go:build lab

package tests

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/testkit/hypervisor"
	"coreos-libvirt/internal/testkit/tinyguest"
)

// elsewhere is a clone whose nodes, tiny guests, run on another host, which sees no file of this one.
type elsewhere struct {
	clone
	host *hypervisor.Host
}

const furtherDisks = `{{range .Disks}}    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source file='{{.File}}'/>
      <target dev='{{.Device}}' bus='virtio'/>
      <serial>{{.Name}}</serial>
    </disk>
{{end}}`

func newElsewhere(t *testing.T) elsewhere {
	t.Helper()
	e := elsewhere{newClone(t), hypervisor.Start(t, "hv1", filepath.Join(cache, "lab-libvirt"))}
	e.compile(t)
	dir := t.TempDir()
	kernel, initramfs, err := tinyguest.Build(t.Context(), cache, dir)
	if err != nil {
		t.Fatal(err)
	}
	there := []string{"/var/lib/libvirt/vmlinuz", "/var/lib/libvirt/initramfs"}
	for i, path := range []string{kernel, initramfs} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		cmd := e.host.Command("tee", there[i])
		cmd.Stdin = bytes.NewReader(text)
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
	}
	template := strings.Replace(fmt.Sprintf(tinyTemplate, there[0], there[1]), "    <interface", furtherDisks+"    <interface", 1)
	e.write(t, "templates/domain.xml.tmpl", template)
	e.write(t, "ignition/ignition.yml", "variant: fcos\nversion: 1.5.0\n")
	image := filepath.Join(dir, "tiny.qcow2")
	if out, err := exec.Command("qemu-img", "create", "-q", "-f", "qcow2", image, "1M").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	e.env = []string{"COREOS_URI=" + e.host.URI, "COREOS_IMAGE=" + image, "COREOS_UNITS=off", "COREOS_VCPU=1", "COREOS_DISK=1", "COREOS_ACCEL=tcg", "COREOS_GRACE=1s", "COREOS_STORE=" + filepath.Join(dir, "store")}
	return e
}

// target is a run of the compiled targets, with no network: a tiny guest says an address that it has not.
func (e elsewhere) target(args ...string) (string, error) {
	cmd := exec.Command("unshare", append([]string{"--net", "--", "sh", "-c", `ip link set lo up; exec ./targets "$@"`, "sh"}, args...)...)
	cmd.Dir, cmd.Env = e.dir, append(os.Environ(), e.env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// must is a target that must succeed.
func (e elsewhere) must(t *testing.T, args ...string) string {
	t.Helper()
	out, err := e.target(args...)
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return out
}

const poolFolder = "/var/lib/libvirt/images/coreos-libvirt-pool"

// files are those of nodes in the pool, as the host itself sees them.
func (e elsewhere) files(t *testing.T) string {
	t.Helper()
	return e.host.Run(t, "cd "+poolFolder+"; ls | grep -v '^base-' || true")
}

// TestAnotherHost: uri= names a libvirt of another host, and all goes as on this one.
func TestAnotherHost(t *testing.T) {
	e := newElsewhere(t)
	if out, err := e.target("plan", "nodes=1"); exitOf(err) != 2 || !strings.Contains(out, "core01") || e.host.Run(t, "virsh pool-list --all --name") != "" {
		t.Fatalf("plan: %v\n%s", err, out)
	}
	if out := e.must(t, "up", "nodes=1"); !regexp.MustCompile(`core01: ready, 10\.88\.`).MatchString(out) {
		t.Fatalf("up:\n%s", out)
	}
	if files := own.ReplaceAllString(e.files(t), "core01.ID"); files != "core01.ID.ign\ncore01.ID.log\ncore01.ID.qcow2" {
		t.Errorf("there are %s", files)
	}
	if left, _ := filepath.Glob(filepath.Join(e.dir, "vm/core01/*")); strings.Contains(strings.Join(left, " "), "qcow2") || strings.Contains(strings.Join(left, " "), "console.log") {
		t.Errorf("here are %s", left)
	}
	began := time.Now()
	out := e.must(t, "up", "nodes=1")
	if t.Logf("nothing to do: %s", time.Since(began)); strings.Contains(out, "recreated") || strings.Contains(out, "booting") {
		t.Errorf("nothing was to be done:\n%s", out)
	}
	if out, err := e.target("plan"); err != nil {
		t.Errorf("plan: %v\n%s", err, out)
	}
	if out := e.must(t, "status"); !regexp.MustCompile(`core01 +running`).MatchString(out) {
		t.Errorf("status:\n%s", out)
	}
	if out := e.must(t, "logs"); !strings.Contains(out, "tiny guest 52:54:00:") {
		t.Errorf("logs:\n%s", out)
	}
	out, err := e.target("host:check")
	for _, want := range []string{
		"ok    packet filter        not looked at: remote\n", "ok    clock                not looked at: remote\n", "ok    rights               not looked at: remote\n",
		"ok    libvirt              qemu+ssh://root@hv1/system, libvirt ", "ok    network              bridge br0 of hv1; what it carries is not looked at: remote\n",
		"ok    disk space           the storage pool coreos-libvirt of hv1 has ", " MiB of hv1\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("host:check: no %q: %v\n%s", want, err, out)
		}
	}
	out, err = e.target("plan", "bridge=br9")
	if !strings.HasPrefix(out, "Error: bridge=br9: the host hv1 has no such link\nhint: run `go run magefile.go host:setup bridge=br9` on hv1") {
		t.Errorf("a bridge that is not there: %v\n%s", err, out)
	}
	if *full {
		e.changes(t)
		e.killed(t)
	}
	e.must(t, "down", "yes=true", "all=true", "archive=kept.tar.gz")
	if files := e.files(t); files != "" || e.host.Run(t, "virsh list --all --name") != "" {
		t.Errorf("left are %s", files)
	}
	if out := e.run(t, "tar -xzOf kept.tar.gz core01/console.log"); !strings.Contains(out, "tiny guest") {
		t.Errorf("archived: %s", out)
	}
}

// own is how volumes of the node begin.
var own = regexp.MustCompile(`(?m)^core01\.[0-9a-f]{8}`)

// changes are what users do to a node that is there.
func (e elsewhere) changes(t *testing.T) {
	e.must(t, "up", "recreate=all")
	e.must(t, "stop", "node=core01")
	e.must(t, "start", "node=core01")
	e.must(t, "snapshot", "name=clean", "memory=off")
	e.must(t, "rollback", "name=clean")
	e.write(t, "ignition/ignition.yml", "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /etc/motd\n      contents:\n        inline: hello\n")
	if out := e.must(t, "up", "recreate=changed", "disks=data:1"); !strings.Contains(out, "core01: recreated") {
		t.Errorf("up recreate=changed:\n%s", out)
	}
	if files := e.files(t); !strings.Contains(files, "-data.qcow2") {
		t.Errorf("there are %s", files)
	}
	if document := e.host.Run(t, "cat "+poolFolder+"/*.ign"); !strings.Contains(document, "/etc/motd") {
		t.Errorf("it has %s", document)
	}
	e.must(t, "up", "recreate=core01", "disks=none")
}

// killed has runs that recreate the node end at any time. The next one makes it whole, and leaves nothing of what they began.
func (e elsewhere) killed(t *testing.T) {
	began := time.Now()
	e.must(t, "up", "recreate=all")
	whole, points := time.Since(began), 8
	for i := range points {
		ctx, cancel := context.WithTimeout(t.Context(), whole*time.Duration(i+1)/time.Duration(points+1))
		cmd := exec.CommandContext(ctx, "unshare", "--net", "--", "./targets", "up", "recreate=all")
		cmd.Dir, cmd.Env = e.dir, append(os.Environ(), e.env...)
		err := cmd.Run()
		cancel()
		left := e.host.Run(t, "virsh list --all --name") + " " + strings.ReplaceAll(e.files(t), "\n", " ")
		t.Logf("killed after %d/%d of %s: %v, left are %s", i+1, points+1, whole, err, left)
		out := e.must(t, "up")
		if files := own.ReplaceAllString(e.files(t), "core01.ID"); files != "core01.ID.ign\ncore01.ID.log\ncore01.ID.qcow2" || !strings.Contains(out, "10.88.") {
			t.Errorf("there are %s\n%s", files, out)
		}
	}
}

func exitOf(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	return 0
}
