//go:build lab

package tests

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/testkit/distributor"
	"coreos-libvirt/internal/testkit/pace"
	"coreos-libvirt/internal/testkit/tinyguest"
)

// TestNodesOnHosts is one story of a cluster that is spread over three hosts of the lab, on tiny guests: each part stands on what the
// part before left.
func TestNodesOnHosts(t *testing.T) {
	onlyInFull(t)
	t.Parallel()
	c := newSpread(t, 3)
	for _, part := range []struct {
		says string
		test func(*testing.T, clone)
	}{
		{"one node a host", oneAHost},
		{"a second up has nothing to do", nothingToDo},
		{"a host without power, and with it again", hostOff},
		{"hosts with faults", hostFaults},
		{"a node moves, a host is evacuated", nodesMove},
		{"down leaves nothing on any host", goneFromHosts},
	} {
		if !t.Run(part.says, func(t *testing.T) { part.test(t, c) }) {
			return
		}
	}
}

// newSpread is a clone, its targets compiled, in a lab with so many hosts that tiny guests can boot on.
func newSpread(t *testing.T, hosts int) clone {
	t.Helper()
	c, dir := newClone(t), t.TempDir()
	c.compile(t)
	image := filepath.Join(dir, "tiny.qcow2")
	c.run(t, "qemu-img create -q -f qcow2 "+image+" 1M")
	c.env = append(c.env, "COREOS_IMAGE="+image, "COREOS_UNITS=off", "COREOS_VCPU=1", "COREOS_DISK=1", "COREOS_GRACE=1s")
	t.Cleanup(func() { c.mage(t, "labdown") })
	c.mage(t, "lab", fmt.Sprintf("hosts=%d", hosts))
	c.inLab(t, "ip", "address", "add", "10.88.0.1/16", "dev", "br0", "noprefixroute")
	kernel, initramfs, err := tinyguest.Build(t.Context(), cache, dir)
	distributor.Must(t, err)
	for number := 1; number <= hosts; number++ {
		for there, here := range map[string]string{"vmlinuz": kernel, "initramfs": initramfs} {
			data, err := os.ReadFile(here)
			distributor.Must(t, err)
			cmd := c.world().Host(number).Command(t.Context(), "sh", "-c", "cat >/var/lib/libvirt/"+there)
			cmd.Stdin = bytes.NewReader(data)
			distributor.Must(t, cmd.Run())
		}
	}
	c.write(t, "templates/domain.xml.tmpl", fmt.Sprintf(tinyTemplate, "/var/lib/libvirt/vmlinuz", "/var/lib/libvirt/initramfs"))
	c.write(t, "ignition/ignition.yml", "variant: fcos\nversion: 1.5.0\n")
	return c
}

// onHV is what a shell command on a hypervisor prints.
func (c clone) onHV(t *testing.T, number int, command string) string {
	t.Helper()
	out, err := c.world().Host(number).Command(t.Context(), "sh", "-c", command).CombinedOutput()
	if err != nil {
		t.Fatalf("hv%d: %s: %v\n%s", number, command, err, out)
	}
	return strings.TrimSpace(string(out))
}

// silentHost is a host that a run says it has no answer from.
var silentHost = regexp.MustCompile(`the host (hv\d+) \(\S+\) does not answer`)

// onHosts runs targets in the lab, of whose hosts only that one may not answer. A host has ten seconds: on a slow machine others may not
// have answered by then, and it is tried again.
func (c clone) onHosts(t *testing.T, silent string, words ...string) (out string, err error) {
	t.Helper()
	for deadline := time.Now().Add(max(pace.Hang, pace.Limit(60))); ; {
		out, err = c.try(append([]string{"lab"}, words...)...)
		slow := slices.ContainsFunc(silentHost.FindAllStringSubmatch(out, -1), func(said []string) bool { return said[1] != silent })
		if !slow || time.Now().After(deadline) {
			return out, err
		}
	}
}

// mustOnHosts is onHosts of targets that must succeed.
func (c clone) mustOnHosts(t *testing.T, words ...string) string {
	t.Helper()
	out, err := c.onHosts(t, "", words...)
	if err != nil {
		t.Fatalf("%v: %v\n%s", words, err, out)
	}
	return out
}

// domains are those of each of the three hosts, with their UUIDs: "core01 <uuid>, …".
func (c clone) domains(t *testing.T) (all [3]string) {
	t.Helper()
	for i := range all {
		all[i] = strings.Join(strings.Fields(c.onHV(t, i+1, `for d in $(virsh -q list --all --name); do echo "$d $(virsh -q domuuid $d)"; done | sort`)), " ")
	}
	return all
}

func oneAHost(t *testing.T, c clone) {
	if out := c.mustOnHosts(t, "up", "hosts=3", "nodes=3"); strings.Count(out, ": ready, 10.88.") != 3 {
		t.Fatalf("got\n%s", out)
	}
	for i, domains := range c.domains(t) {
		if len(strings.Fields(domains)) != 2 {
			t.Errorf("hv%d has %q", i+1, domains)
		}
	}
	if out := c.mustOnHosts(t, "status"); !regexp.MustCompile(`(?m)^NODE .* HOST`).MatchString(out) || !strings.Contains(out, " hv1") || !strings.Contains(out, " hv2") || !strings.Contains(out, " hv3") {
		t.Errorf("got\n%s", out)
	}
}

func nothingToDo(t *testing.T, c clone) {
	before := c.domains(t)
	c.mustOnHosts(t, "up")
	if out, err := c.onHosts(t, "", "plan"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if after := c.domains(t); after != before {
		t.Errorf("there were %q, and are %q", before, after)
	}
}

// hostOff: nodes on a host that does not answer are unknown, nothing is made in their place, and the error names the host.
func hostOff(t *testing.T, c clone) {
	before := c.domains(t)
	hv3 := c.world().Host(3)
	distributor.Must(t, hv3.Off(t.Context()))
	out, err := c.onHosts(t, "hv3", "up")
	if err == nil || !strings.Contains(out, "hv3") {
		t.Errorf("up: %v\n%s", err, out)
	}
	if out, _ := c.onHosts(t, "hv3", "status"); !strings.Contains(out, "hv3    UNKNOWN: ") || strings.Contains(out, "absent") {
		t.Errorf("status:\n%s", out)
	}
	distributor.Must(t, hv3.On(t.Context()))
	c.mustOnHosts(t, "up")
	if after := c.domains(t); after != before {
		t.Errorf("there were %q, and are %q", before, after)
	}
}

// imagesFolder is where the hosts have nodes' files.
const imagesFolder = "/var/lib/libvirt/images"

// fullPool has a copy of these on a small disk that is full.
const fullPool = `set -e; cd ` + imagesFolder + `; mkdir -p /tmp/full; mount -t tmpfs -o size=64m tmpfs /tmp/full; cp -a . /tmp/full; mount --move /tmp/full .
	! dd if=/dev/zero of=` + imagesFolder + `/full bs=64k 2>/dev/null; df ` + imagesFolder + ` | grep ' 100% '`

// hostFaults: each is one error that names the host, and the nodes on the others are as they were.
func hostFaults(t *testing.T, c clone) {
	known := filepath.Join(c.world().SSH(), "known_hosts")
	keys, err := os.ReadFile(known)
	distributor.Must(t, err)
	without := regexp.MustCompile(`(?m)^hv2\..*\n`).ReplaceAll(keys, nil)
	for _, fault := range []struct {
		says, want  string
		begin, stop func()
		words       []string
	}{
		{
			says: "an unknown host key", want: "host key is known for hv2",
			begin: func() { distributor.Must(t, os.WriteFile(known, without, 0o600)) },
			stop:  func() { distributor.Must(t, os.WriteFile(known, keys, 0o600)) },
		},
		{
			says: "no libvirt", want: "hv2",
			begin: func() { c.onHV(t, 2, "mv /run/libvirt/libvirt-sock /run/libvirt/away") },
			stop:  func() { c.onHV(t, 2, "mv /run/libvirt/away /run/libvirt/libvirt-sock") },
		},
		{
			says: "another user of a host with nodes", want: "\nhint: name qemu+ssh://root@hv2/system in hosts=, as before", words: []string{hostsWith("qemu+ssh://nobody@hv2/system")},
			begin: func() {}, stop: func() {},
		},
		{
			says: "a wrong user", want: "hv2 (qemu+ssh://nobody@hv2/system) does not answer", words: []string{"prefix=other", "nodes=2", "hosts=qemu+ssh://nobody@hv2/system,qemu+ssh://root@hv3/system"},
			begin: func() {}, stop: func() {},
		},
		{
			says: "a host without the bridge", want: "hv2", words: []string{hostsWith("qemu+ssh://root@hv2/system bridge=br9")},
			begin: func() {}, stop: func() {},
		},
		{
			says: "the pool is full", want: "hv2", words: []string{"nodes=5"},
			begin: func() { c.onHV(t, 2, fullPool) },
			stop:  func() { c.onHV(t, 2, "umount "+imagesFolder) },
		},
	} {
		fault.begin()
		before := c.onHV(t, 1, "virsh -q list --all") + c.onHV(t, 3, "virsh -q list --all")
		out, err := c.onHosts(t, "hv2", append([]string{"up"}, fault.words...)...)
		if err == nil || !strings.Contains(out, fault.want) || !strings.Contains(out, "hv2") || !strings.Contains(out, "\nhint: ") {
			t.Errorf("%s: %v\n%s", fault.says, err, out)
		}
		t.Logf("%s:\n%s", fault.says, out)
		if after := c.onHV(t, 1, "virsh -q list --all") + c.onHV(t, 3, "virsh -q list --all"); after != before && fault.says != "the pool is full" {
			t.Errorf("%s: there were\n%s\nand are\n%s", fault.says, before, after)
		}
		fault.stop()
		c.mustOnHosts(t, "down", "prefix=other", "yes=true")
		c.mustOnHosts(t, "up", "prefix=core", "nodes=3", "hosts=3")
	}
}

// hostsWith is hosts= with that in the place of the second.
func hostsWith(second string) string {
	return "hosts=qemu+ssh://root@hv1/system," + second + ",qemu+ssh://root@hv3/system"
}

func nodesMove(t *testing.T, c clone) {
	node := strings.Fields(c.domains(t)[1])[0]
	c.mustOnHosts(t, "move", "node="+node, "host=hv1")
	if at := c.domains(t); at[1] != "" || !strings.Contains(at[0], node) {
		t.Errorf("%s should be on hv1: %q", node, at)
	}
	c.mustOnHosts(t, "evacuate", "host=hv1")
	if at := c.domains(t); at[0] != "" || len(strings.Fields(at[1]+" "+at[2])) != 6 {
		t.Errorf("hv1 should be empty: %q", at)
	}
}

func goneFromHosts(t *testing.T, c clone) {
	c.mustOnHosts(t, "down", "prefix=core", "yes=true")
	for number := 1; number <= 3; number++ {
		if left := c.onHV(t, number, "virsh -q list --all --name; ls /var/lib/libvirt/images/* | grep -v -e '^base-' -e '^/' || true"); left != "" {
			t.Errorf("hv%d has %s", number, left)
		}
	}
}
