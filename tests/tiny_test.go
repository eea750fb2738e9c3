//go:build lab

package tests

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/testkit/pace"
	"coreos-libvirt/internal/testkit/tinyguest"
)

var crashes = flag.Int("crashes", 4, "at how many points TestTiny kills a run")

// tinyTemplate boots a kernel without a disk of its own.
const tinyTemplate = `<domain type='{{.Type}}'>
  <name>{{.Name}}</name>
  <uuid>{{.UUID}}</uuid>
  <metadata>{{.Metadata}}</metadata>
  <memory unit='MiB'>96</memory>
  <vcpu>{{.VCPU}}</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>%s</kernel>
    <initrd>%s</initrd>
    <cmdline>` + tinyguest.Arguments + ` mac={{.MAC}}</cmdline>
  </os>
  <features><acpi/><apic/></features>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source file='{{.Overlay}}'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <interface type='bridge'>
      <mac address='{{.MAC}}'/>
      <source bridge='{{.Bridge}}'/>
      <model type='virtio'/>
    </interface>
    <serial type='pty'>
      <log file='{{.Console}}' append='on'/>
      <target port='0'/>
    </serial>
    <channel type='unix'>
      <target type='virtio' name='{{.ReadyChannel}}'/>
    </channel>
    <memballoon model='none'/>
  </devices>
</domain>
`

// tiny is a clone, its targets compiled, in a lab with guests that only say that they are ready.
type tiny struct {
	clone
	image string
}

func newTiny(t testing.TB) tiny {
	t.Helper()
	c := tiny{clone: newClone(t)}
	c.compile(t)
	c.mage(t, "lab", "settings")
	t.Cleanup(func() { c.mage(t, "labdown") })
	c.inLab(t, "ip", "address", "add", "10.88.0.1/16", "dev", "br0", "noprefixroute") // the guests say addresses of this network, and have none
	dir := t.TempDir()
	kernel, initramfs, err := tinyguest.Build(context.Background(), cache, dir)
	if err != nil {
		t.Fatal(err)
	}
	c.write(t, "templates/domain.xml.tmpl", fmt.Sprintf(tinyTemplate, kernel, initramfs))
	c.write(t, "ignition/ignition.yml", "variant: fcos\nversion: 1.5.0\n")
	c.image = filepath.Join(dir, "tiny.qcow2")
	if out, err := exec.Command("qemu-img", "create", "-q", "-f", "qcow2", c.image, "1M").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return c
}

// target is a run of the compiled targets inside the lab.
func (c tiny) target(words ...string) *exec.Cmd {
	cmd := c.world().Command(context.Background(), "sh", append([]string{"-c", `cd "$0" && exec ./targets "$@"`, c.dir}, words...)...)
	cmd.Env = append(os.Environ(), settings.LabVariable+"=1", "COREOS_IMAGE="+c.image, "COREOS_UNITS=off", "COREOS_VCPU=1", "COREOS_DISK=1")
	return cmd
}

func (c tiny) must(t testing.TB, words ...string) string {
	t.Helper()
	out, err := c.target(words...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", words, err, out)
	}
	return string(out)
}

var tinyReady = regexp.MustCompile(`(?m)^core0\d +tiny +10\.88\.`)

// TestTiny is one story in one lab: each part leaves nothing.
func TestTiny(t *testing.T) {
	t.Logf("a tiny guest boots in %s", pace.Boot())
	besideOthers(t)
	c := newTiny(t)
	for _, part := range []struct {
		name string
		test func(*testing.T, tiny)
	}{
		{"an interruption ends soon", tinyInterrupted},
		{"guests that fail are reported at once", tinyFailures},
		{"a guest that fails on the screen alone", tinySilent},
		{"nodes that are paused, and asked by several", tinyPaused},
		{"KVM is tried, or what runs here", tinyProbed},
		{"nodes go back to a snapshot, with their memory", tinySnapshots},
		{"nodes' files in a storage pool", tinyPool},
		{"killed", tinyKilled},
	} {
		if !t.Run(part.name, func(t *testing.T) { part.test(t, c) }) {
			c.logConsoles(t)
			return
		}
	}
}

// BenchmarkTinyGuests is one `up` of many nodes, and the `down` after it.
func BenchmarkTinyGuests(b *testing.B) {
	c := newTiny(b)
	for _, nodes := range []int{10, 30, 100} {
		b.Run(fmt.Sprint(nodes), func(b *testing.B) {
			for b.Loop() {
				out := c.must(b, "up", fmt.Sprintf("nodes=%d", nodes))
				if n := strings.Count(out, ": ready, 10.88."); n != nodes {
					b.Fatalf("%d of %d are ready:\n%s", n, nodes, out)
				}
				c.must(b, "down", "all=true", "yes=true")
			}
		})
	}
}
