//go:build lab

package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"coreos-libvirt/internal/testkit/hypervisor"
)

// TestTwoHosts: nodes are made on two hosts behind ssh, which see nothing of this one. One that does not answer keeps what it has, and
// down leaves nothing on both. No node boots.
func TestTwoHosts(t *testing.T) {
	onlyInFull(t)
	hosts := []*hypervisor.Host{hypervisor.Start(t, "hv1", filepath.Join(cache, "lab-libvirt")), hypervisor.Start(t, "hv2", filepath.Join(cache, "lab-libvirt"))}
	e := elsewhere{newClone(t), hosts[0]}
	e.compile(t)
	dir := t.TempDir()
	image := filepath.Join(dir, "tiny.qcow2")
	if out, err := exec.Command("qemu-img", "create", "-q", "-f", "qcow2", image, "1M").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	e.write(t, "ignition/ignition.yml", "variant: fcos\nversion: 1.5.0\n")
	e.env = []string{
		"COREOS_HOSTS=" + hosts[0].URI + "," + hosts[1].URI, "COREOS_IMAGE=" + image, "COREOS_NODES=2", "COREOS_READY=off", "COREOS_DISK=1", "COREOS_ACCEL=tcg",
		"COREOS_STORE=" + filepath.Join(dir, "store"), "COREOS_VERIFY=off", "COREOS_BRIDGE=br0",
	}
	left := func() (all []string) {
		for _, h := range hosts {
			all = append(all, strings.Join(strings.Fields(h.Run(t, "virsh list --all --name; virsh net-list --all --name; ls "+poolFolder+" 2>/dev/null | grep -v ^base- || true")), " "))
		}
		return all
	}
	e.must(t, "define")
	id := regexp.MustCompile(`\.[0-9a-f]{8}\.`)
	if got := id.ReplaceAllString(strings.Join(left(), "; "), ".ID."); got != "core01 core01.ID.ign core01.ID.qcow2; core02 core02.ID.ign core02.ID.qcow2" {
		t.Errorf("there are %s", got)
	}
	if out := e.must(t, "hosts"); strings.Count(out, " answers ") != 2 || !regexp.MustCompile(`hv2 +answers .* coreos-libvirt, [0-9.]+ [GT]iB free +core02 +tiny +qemu\+ssh`).MatchString(out) {
		t.Errorf("hosts:\n%s", out)
	}
	hosts[1].Run(t, "kill -STOP $(pidof libvirtd)")
	out, err := e.target("down", "yes=true", "prefix=core")
	if exitOf(err) != 1 || !strings.Contains(out, "core02: it is not known how it is: the host hv2 ("+hosts[1].URI+") does not answer: its ssh answers, and its libvirt does not within 30s") {
		t.Errorf("down: %v\n%s", err, out)
	}
	hosts[1].Run(t, "kill -CONT $(pidof libvirtd)")
	if got := id.ReplaceAllString(strings.Join(left(), "; "), ".ID."); got != "; core02 core02.ID.ign core02.ID.qcow2" {
		t.Errorf("there are %s", got)
	}
	e.must(t, "down", "yes=true", "prefix=core")
	if got := strings.Join(left(), "; "); got != "; " {
		t.Errorf("left are %s", got)
	}
	if entries, _ := os.ReadDir(filepath.Join(e.dir, "vm", "core02")); len(entries) > 0 {
		t.Errorf("vm/core02 has %v", entries)
	}
}
