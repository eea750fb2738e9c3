//go:build lab

package tests

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/testkit/pace"
)

// TestNodes is what one or two nodes show. No part needs what another left.
func TestNodes(t *testing.T) {
	onlyInFull(t)
	story(t, []part{
		{"what is wrong is said, and a good run follows", wrongThenGood},
		{"a failed unit is mended in the loop", mendedInTheLoop},
		{"a running node takes processors and memory", grown},
		{"kill -9 in the middle, then up", killed},
		{"a guest without console tells why Ignition failed", journal},
		{"a node that cannot tell where it is is found", found},
		{"a node whose readiness unit fails is found all the same", unitFails},
		{"the script's Container Linux Config arrives whole", seedArrives},
		{"every part of a Container Linux Config arrives", containerLinuxArrives},
		{"etcd that does not start tells why", brokenEtcd},
		{"every example runs", examples},
		{"selftest looks at each line of the table", selftested},
		{"libvirt's daemon is restarted meanwhile", daemonRestarted},
		{"a libvirt network instead of the bridge", onANetwork},
		{"nodes share a card without a bridge", onACard},
		{"a user who is not root", plainUser},
		{"an image fetched from a stream boots", fetchedBoots},
		{"the lab goes", labGoes},
	})
}

func wrong(t *testing.T, c clone) {
	good := c.read(t, "ignition/ignition.yml")
	text := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(text, []byte("no image"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, w := range map[string]struct {
		config string
		args   []string
		want   string
	}{
		"a broken ignition.yml":      {"variant: fcos\nversion: 1.5.0\nstorage:\n  filez: []\n", nil, "ignition/ignition.yml:4:3: "},
		"a missing file it names":    {strings.Replace(good, "local: etcd.sh", "local: gone.sh", 1), nil, "gone.sh"},
		"a missing bridge":           {good, []string{"bridge=br7"}, "bridge=br7: there is no such"},
		"no libvirtd at the URI":     {good, []string{"uri=qemu+unix:///system?socket=/nowhere"}, "no libvirt at uri=qemu+unix:///system"},
		"an image that is no qcow2":  {good, []string{"image=" + text}, "is not a qcow2 image"},
		"an image that is not there": {good, []string{"image=/nowhere.qcow2"}, "no base image"},
		"a disk that is too small":   {good, []string{"disk=1"}, "disk=1 is smaller than the base image"},
	} {
		c.write(t, "ignition/ignition.yml", w.config)
		out, err := c.try(append([]string{"lab", "up", "nodes=1"}, w.args...)...)
		if err == nil || !strings.Contains(out, w.want) || strings.Count(out, "\nhint: ") != 1 || strings.Contains(out, "panic") {
			t.Errorf("%s: got %v\n%s", name, err, out)
		}
	}
	c.write(t, "ignition/ignition.yml", good)
}

func wrongThenGood(t *testing.T, c clone) {
	wrong(t, c)
	byKVM(t, c)
	if out := c.mage(t, "lab", "up", "nodes=1"); len(readyNode.FindAllString(out, -1)) != 1 {
		t.Errorf("the good run: got\n%s", out)
	}
}

// byKVM boots by this machine's KVM. It works, QEMU cannot start with it, or it runs the firmware and never a 64-bit
// kernel: the error then names accel=tcg.
func byKVM(t *testing.T, c clone) {
	out, err := c.try("lab", "up", "nodes=1", "accel=kvm", pace.Setting("timeout", 30))
	if err != nil && (!strings.Contains(out, "accel=tcg") || strings.Count(out, "\nhint: ") != 1) {
		t.Errorf("KVM that does not work: got\n%s", out)
	}
	t.Logf("by KVM: %v\n%s", err, out)
	c.mage(t, "lab", "down", "all=true", "yes=true") // a node that KVM keeps in its firmware is not taken back
}

func foreign(t *testing.T, c clone) {
	xml := filepath.Join(t.TempDir(), "core02.xml")
	domain := "<domain type='qemu'><name>core02</name><memory unit='MiB'>64</memory><os><type>hvm</type></os></domain>"
	if err := os.WriteFile(xml, []byte(domain), 0o644); err != nil {
		t.Fatal(err)
	}
	c.mage(t, "lab")
	c.inLab(t, "virsh", "-q", "define", xml)
	out, err := c.try("lab", "up", "prefix=core", "nodes=3")
	if err == nil || !strings.Contains(out, "core02: libvirt has a domain of this name that this project did not make") {
		t.Errorf("up: got %v\n%s", err, out)
	}
	if out = c.mage(t, "lab", "down", "prefix=core"); !strings.Contains(out, "core02: the domain of this name is not this workspace's") {
		t.Errorf("down: got\n%s", out)
	}
	if got := strings.TrimSpace(c.inLab(t, "virsh", "-q", "list", "--all", "--name")); got != "core02" {
		t.Errorf("libvirt has %q", got)
	}
	c.inLab(t, "virsh", "-q", "undefine", "core02")
}

func killed(t *testing.T, c clone) {
	said := killAfter(t, c, "core02: booting", pace.Limit(2.5), "nodes=2") // in the middle of a boot
	if strings.Contains(said, "ready") {
		t.Fatal("it was ready before it was killed: the test tests nothing")
	}
	if out := c.mage(t, "lab", "up", "nodes=2"); len(readyNode.FindAllString(out, -1)) != 2 {
		t.Errorf("got\n%s", out)
	}
	killTarget(t, c, ": domain removed", 0, "down", "all=true", "yes=true")
	c.mage(t, "lab", "down", "all=true", "yes=true")
	c.nothingIsLeft(t)
}

// upBroken is `up` with a config that Ignition fails at.
func upBroken(t *testing.T, c clone, args ...string) (string, error) {
	good := c.read(t, "ignition/ignition.yml")
	bad := strings.Replace(good, "        local: etcd.sh\n", "        source: data:,x\n        verification: {hash: sha256-"+strings.Repeat("0", 64)+"}\n", 1)
	if bad == good {
		t.Fatal("the shipped config changed: this test does not know how to break it")
	}
	c.write(t, "ignition/ignition.yml", bad)
	defer c.write(t, "ignition/ignition.yml", good)
	up := append([]string{"lab", "up", "nodes=1"}, args...)
	if out, err := c.try(up...); err == nil || !strings.Contains(out, "error: Ignition cannot write this: /etc/etcd.sh: ") || strings.Contains(out, ": booting") {
		t.Errorf("before a boot it is not seen: %v\n%s", err, out)
	}
	return c.try(append(up, "verify=off")...)
}

// withoutInTemplate takes a text out of the domain template for the time of one thing.
func withoutInTemplate(t *testing.T, c clone, text string, do func()) {
	t.Helper()
	template := c.read(t, "templates/domain.xml.tmpl")
	less := strings.Replace(template, text, "", 1)
	if less == template {
		t.Fatalf("the domain template has no %s", text)
	}
	c.write(t, "templates/domain.xml.tmpl", less)
	defer c.write(t, "templates/domain.xml.tmpl", template)
	do()
}

// journal has a domain whose console is not logged: the guest's journal alone tells.
func journal(t *testing.T, c clone) {
	withoutInTemplate(t, c, "      <log file='{{.Console}}' append='on'/>\n", func() {
		out, err := upBroken(t, c)
		if err == nil || !strings.Contains(out, "core01: Ignition failed; the guest's journal says:\n    ignition: ") || !strings.Contains(out, "hash verification failed") {
			t.Errorf("got %v\n%s", err, out)
		}
	})
	c.mage(t, "lab", "down", "all=true", "yes=true")
}

// found has a node without readiness unit, agent and banner: its neighbour, the lab's host, finds it.
func found(t *testing.T, c clone) {
	c.mage(t, "lab", "up", "nodes=1", "ready=off", "discovery=srv:example.org") // the embedded service lives only as long as somebody waits
	address := regexp.MustCompile(`"address": "(10\.77\.0\.\d+)",\s+"address_from": "neighbour"`)
	for deadline := time.Now().Add(pace.Limit(60)); ; time.Sleep(time.Second) {
		out := c.mage(t, "lab", "status", "ready=off", "format=json")
		if address.MatchString(out) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("never found:\n%s", out)
		}
	}
	var out string
	var err error
	for deadline := time.Now().Add(pace.Limit(30)); ; time.Sleep(time.Second) { // the address is there before sshd
		if out, err = c.try("lab", "ssh", "node=core01", "ready=off", "cmd=hostname"); err == nil || time.Now().After(deadline) {
			break
		}
	}
	if strings.TrimSpace(out) != "core01" {
		t.Errorf("ssh: got %v\n%s", err, out)
	}
	c.mage(t, "lab", "down", "all=true", "yes=true")
}

// unitFails has a node whose readiness unit ends with an error: its neighbour, the lab's host, finds it.
func unitFails(t *testing.T, c clone) {
	begin := time.Now()
	c.mage(t, "lab", "up", "nodes=1")
	enough := 3 * time.Since(begin) // for a login prompt
	c.mage(t, "lab", "down", "all=true", "yes=true")
	good := c.read(t, "templates/ready.sh")
	c.write(t, "templates/ready.sh", "echo no good today >&2; exit 3\n")
	defer c.write(t, "templates/ready.sh", good)
	out := c.mage(t, "lab", "up", "nodes=1", fmt.Sprintf("timeout=%.0fs", enough.Seconds()))
	for _, want := range []string{
		"though its console shows a login prompt: its readiness unit says: no good today; Main process exited, code=exited, status=3/",
		"it counts as ready, as sshd answers at its address (neighbour)", "hint: mage ssh node=core01 ready=off",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if len(readyNode.FindAllString(out, -1)) != 1 {
		t.Errorf("got\n%s", out)
	}
	c.mage(t, "lab", "down", "all=true", "yes=true")
}

// failedBoot has a guest that writes no journal, as Flatcar: its console tells.
func failedBoot(t *testing.T, c clone) {
	withoutInTemplate(t, c, "    <channel type='unix'>\n      {{with .Sockets}}<source mode='bind' path='{{.}}.journal'/>{{end}}\n      <target type='virtio' name='{{.JournalChannel}}'/>\n    </channel>\n", func() {
		out, err := upBroken(t, c)
		if err == nil || !strings.Contains(out, "core01: the boot failed; its console says") || !strings.Contains(out, "hash verification failed") || !strings.Contains(out, "hint: vm/core01/console.log") {
			t.Errorf("got %v\n%s", err, out)
		}
	})
	c.mage(t, "lab", "down", "all=true", "yes=true")
}
