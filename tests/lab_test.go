//go:build lab

package tests

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestLab is one story on one clone: each part stands on what the part before left. It boots real
// guests in the lab and needs root, and some minutes.
func TestLab(t *testing.T) {
	c := newClone(t)
	t.Cleanup(func() { c.mage(t, "labdown") })
	for _, part := range []struct {
		name string
		test func(*testing.T, clone)
	}{
		{"README's first command gives a healthy cluster", firstCommand},
		{"ssh reaches each node", sshReaches},
		{"the timeline has every phase", timeline},
		{"again: every stage says why it is skipped", again},
		{"an edited config is seen, and leaves the nodes alone", drift},
		{"the lab repairs itself, the guests go on", repaired},
		{"a node that breaks leaves the others healthy, and is made anew", broken},
		{"running nodes move to another bridge", moved},
		{"a fourth node joins and leaves the three alone", fourth},
		{"down leaves nothing", down},
		{"what is wrong is said, and a good run follows", wrong},
		{"a foreign domain is left alone", foreign},
		{"kill -9 in the middle, then up", killed},
		{"a boot that fails is reported", failedBoot},
		{"a guest without console tells why Ignition failed", journal},
		{"a node that cannot tell where it is is found", found},
		{"a Butane config arrives whole", butaneArrives},
		{"the script's Container Linux Config arrives whole", seedArrives},
		{"every part of a Container Linux Config arrives", containerLinuxArrives},
		{"members come, go and are replaced while somebody writes", members},
		{"a snapshot brings every key into a new cluster", backedUp},
		{"kill -9 between a member's joining and its vote", killedWhileGrowing},
		{"etcd that does not start tells why", brokenEtcd},
		{"etcd's members speak TLS", secured},
		{"every example runs", examples},
		{"libvirt's daemon is restarted meanwhile", daemonRestarted},
		{"a libvirt network instead of the bridge", onANetwork},
		{"nodes share a card without a bridge", onACard},
		{"a host that is looked at", hostChecked},
		{"a user who is not root", plainUser},
		{"an image fetched from a stream boots", fetchedBoots},
		{"the lab goes", labGoes},
	} {
		if !t.Run(part.name, func(t *testing.T) { part.test(t, c) }) {
			c.logConsoles(t)
			return
		}
	}
}

// readyNode is a line of the table that `up` ends with.
var readyNode = regexp.MustCompile(`(?m)^(core\d\d) +(core\d\d) +(10\.77\.0\.\d+) +(52:54:00:\S+) +healthy, (leader, )?3\.`)

func firstCommand(t *testing.T, c clone) {
	out := c.run(t, c.readmeCommand(t, "lab up"))
	rows := readyNode.FindAllStringSubmatch(out, -1)
	if len(rows) != 3 {
		t.Fatalf("want three healthy nodes, got\n%s", out)
	}
	leases := c.inLab(t, "cat", c.leases())
	for i, row := range rows {
		name := fmt.Sprintf("core%02d", i+1)
		if row[1] != name || row[2] != name {
			t.Errorf("node %s has the host name %s", row[1], row[2])
		}
		if !strings.Contains(leases, row[4]+" "+row[3]+" ") {
			t.Errorf("%s: the external DHCP server has no lease of %s for %s:\n%s", name, row[3], row[4], leases)
		}
	}
	if console := c.read(t, "vm/core01/console.log"); !strings.Contains(console, "core01 login:") {
		t.Errorf("the console log ends with\n%s", console)
	}
}

func sshReaches(t *testing.T, c clone) {
	for i := range 3 {
		name := fmt.Sprintf("core%02d", i+1)
		if got := strings.TrimSpace(c.mage(t, "lab", "ssh", "node="+name, "cmd=hostname; id -un")); got != name+"\ncore" {
			t.Errorf("%s says %q", name, got)
		}
	}
	if out, err := c.try("lab", "ssh", "node=core01", "cmd=exit 7"); err == nil {
		t.Errorf("a failing command must fail: %s", out)
	}
	if known := c.read(t, "vm/ssh.core/known_hosts"); strings.Count(known, "ssh-ed25519 ") != 3 {
		t.Errorf("known_hosts holds\n%s", known)
	}
}

// timeline looks at the data and the drawing of the first `up`.
func timeline(t *testing.T, c clone) {
	c.mage(t, "timeline")
	var all map[string][]struct{ Phase string }
	if err := json.Unmarshal([]byte(c.read(t, "vm/timeline.core.json")), &all); err != nil {
		t.Fatal(err)
	}
	for _, node := range []string{"core01", "core02", "core03"} {
		phases := []string{}
		for _, m := range all[node] {
			phases = append(phases, m.Phase)
		}
		for _, want := range []string{"overlay", "define", "start", "firmware", "boot loader", "Ignition", "system", "network", "sshd", "ready", "etcd"} {
			if !slices.Contains(phases, want) {
				t.Errorf("%s: no %s in %q", node, want, phases)
			}
		}
	}
	if drawing := c.read(t, "vm/timeline.core.svg"); strings.Count(drawing, ": Ignition, ") != 3 || strings.Count(drawing, ": sshd, ") != 3 {
		t.Errorf("got\n%s", drawing)
	}
}

// broken takes the boot loader from one of three nodes: the firmware says so.
func broken(t *testing.T, c clone) {
	if out := c.mage(t, "lab", "stop", "node=core03"); !strings.Contains(out, "core03: asked to shut down\ncore03: shut down (") {
		t.Errorf("got\n%s", out)
	}
	c.run(t, "qemu-io -f qcow2 -c 'write -P 0 0 2M' vm/core03/core03.qcow2")
	begin := time.Now()
	out, err := c.try("lab", "up", "nodes=3")
	t.Logf("told after %s", time.Since(begin))
	if err == nil || !strings.Contains(out, "core03: the boot failed; its console says:\n    ") || !strings.Contains(out, "hint: vm/core03/console.log has all of it; `mage up recreate=core03`") ||
		!strings.Contains(out, "etcd: healthy without those that failed, 2 of 3 members") {
		t.Errorf("got %v\n%s", err, out)
	}
	if len(readyNode.FindAllString(out, -1)) != 2 || !regexp.MustCompile(`(?m)^core03 +- +failed +52:54:00:`).MatchString(out) {
		t.Errorf("got\n%s", out)
	}
	if out := c.mage(t, "lab", "up", "nodes=3", "recreate=core03"); len(readyNode.FindAllString(out, -1)) != 3 {
		t.Errorf("got\n%s", out)
	}
}

// againAtMost is what there is to say of a cluster that is as it should be, several times over.
const againAtMost = 2 * time.Second

func again(t *testing.T, c clone) {
	begin := time.Now()
	cmd := c.command("lab", "up", "prefix=core", "nodes=3")
	text, err := cmd.CombinedOutput()
	out := string(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// what the clock says depends on what else the machine does
	busy := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if t.Logf("took %s, %s of processor time", time.Since(begin), busy); busy > againAtMost {
		t.Errorf("%s of processor time for nothing to do", busy)
	}
	for _, want := range []string{
		"is in the store", "ignition.yml unchanged", "the token of this cluster of 3 is kept",
		"core02: ignition.json unchanged", "core02: defined, unchanged", "core02: running and ready, 10.77.0.",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if strings.Contains(out, "booting") || len(readyNode.FindAllString(out, -1)) != 3 {
		t.Errorf("got\n%s", out)
	}
}

func drift(t *testing.T, c clone) {
	good := c.read(t, "ignition/ignition.yml")
	c.write(t, "ignition/ignition.yml", strings.Replace(good, "inline: Node_Name", "inline: Node_Name.lan", 1))
	out := c.mage(t, "lab", "define")
	if strings.Count(out, "ignition.json changed since it was made; it goes on as it is") != 3 {
		t.Errorf("got\n%s", out)
	}
	c.write(t, "ignition/ignition.yml", good)
	if out := c.mage(t, "lab", "define"); strings.Count(out, ": defined, unchanged") != 3 || strings.Contains(out, "since it was made") {
		t.Errorf("got\n%s", out)
	}
}

func (c clone) bootIDs(t *testing.T) (ids string) {
	t.Helper()
	for i := range 3 {
		ids += c.mage(t, "lab", "ssh", fmt.Sprintf("node=core%02d", i+1), "cmd=cat /proc/sys/kernel/random/boot_id")
	}
	return ids
}

// repaired kills the lab's daemons, by pid, as a crash would.
func repaired(t *testing.T, c clone) {
	before := c.bootIDs(t)
	c.kill(t, "libvirtd")
	c.kill(t, "dhcp")
	out := c.mage(t, "lab", "up")
	if len(readyNode.FindAllString(out, -1)) != 3 || strings.Contains(out, "booting") {
		t.Errorf("got\n%s", out)
	}
	if strings.Count(out, ": defined, unchanged\n") != 3 { // a daemon that reads definitions anew may order them otherwise
		t.Errorf("somebody else is thought to have changed them: got\n%s", out)
	}
	if after := c.bootIDs(t); after != before {
		t.Errorf("the guests were booted anew: %q, then %q", before, after)
	}
}

// moved puts the running nodes on another bridge, and back.
func moved(t *testing.T, c clone) {
	before := c.bootIDs(t)
	c.inLab(t, "ip", "link", "add", "br1", "type", "bridge")
	c.inLab(t, "ip", "link", "set", "br1", "up")
	out := c.mage(t, "lab", "define", "bridge=br1")
	ports := c.inLab(t, "ip", "-o", "link", "show", "master", "br1")
	if strings.Count(out, "the running node has taken it") != 3 || strings.Count(ports, "\n") != 3 {
		t.Errorf("got\n%s\nbr1 has\n%s", out, ports)
	}
	if out := c.mage(t, "lab", "up"); len(readyNode.FindAllString(out, -1)) != 3 || strings.Count(out, "the running node has taken it") != 3 {
		t.Errorf("back: got\n%s", out)
	}
	out = c.mage(t, "lab", "define", "bridge=br1", "ram=600") // of both, one is taken
	ports = c.inLab(t, "ip", "-o", "link", "show", "master", "br1")
	if strings.Count(out, "the running node takes its network, the rest takes effect with `mage restart`") != 3 || strings.Count(ports, "\n") != 3 {
		t.Errorf("bridge and memory: got\n%s\nbr1 has\n%s", out, ports)
	}
	if out := c.mage(t, "lab", "plan", "bridge=br1", "ram=600"); strings.Count(out, "it was started before its definition changed") != 3 {
		t.Errorf("what needs a restart: got\n%s", out)
	}
	c.mage(t, "lab", "up")
	if out := c.mage(t, "lab", "plan"); strings.Count(out, "defined, unchanged\n") != 3 {
		t.Errorf("back again: got\n%s", out)
	}
	c.inLab(t, "ip", "link", "del", "br1")
	if after := c.bootIDs(t); after != before {
		t.Errorf("the guests were booted anew: %q, then %q", before, after)
	}
}

func fourth(t *testing.T, c clone) {
	before := c.bootIDs(t)
	out := c.mage(t, "lab", "up", "nodes=4")
	if len(readyNode.FindAllString(out, -1)) != 4 {
		t.Errorf("got\n%s", out)
	}
	if after := c.bootIDs(t); after != before {
		t.Errorf("the three were booted anew: %q, then %q", before, after)
	}
}

func down(t *testing.T, c clone) {
	c.mage(t, "lab", "down")
	c.nothingIsLeft(t)
	if out := c.mage(t, "lab", "down"); !strings.Contains(out, "there is nothing") {
		t.Errorf("down with nothing there: got\n%s", out)
	}
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
		"an image that is no qcow2":  {good, []string{"image=" + text}, "is no qcow2 image"},
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
	if out, err := c.try("lab", "up", "nodes=1", "accel=kvm", "timeout=60s"); err != nil && !strings.Contains(out, "accel=tcg") {
		t.Errorf("KVM that does not work: got\n%s", out)
	}
	if out := c.mage(t, "lab", "up", "nodes=1"); len(readyNode.FindAllString(out, -1)) != 1 {
		t.Errorf("the good run: got\n%s", out)
	}
	c.mage(t, "lab", "down")
}

func foreign(t *testing.T, c clone) {
	xml := filepath.Join(t.TempDir(), "core02.xml")
	domain := "<domain type='qemu'><name>core02</name><memory unit='MiB'>64</memory><os><type>hvm</type></os></domain>"
	if err := os.WriteFile(xml, []byte(domain), 0o644); err != nil {
		t.Fatal(err)
	}
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
	said := killAfter(t, c, "core02: booting", 5*time.Second, "nodes=2") // in the middle of a boot
	if strings.Contains(said, "ready") {
		t.Fatal("it was ready before it was killed: the test tests nothing")
	}
	if out := c.mage(t, "lab", "up", "nodes=2"); len(readyNode.FindAllString(out, -1)) != 2 {
		t.Errorf("got\n%s", out)
	}
	killTarget(t, c, ": domain removed", 0, "down")
	c.mage(t, "lab", "down")
	c.nothingIsLeft(t)
}

// killAfter runs up, and kills it and all that it started some time after it printed a text.
func killAfter(t *testing.T, c clone, text string, after time.Duration, args ...string) string {
	t.Helper()
	return killTarget(t, c, text, after, append([]string{"up"}, args...)...)
}

func killTarget(t *testing.T, c clone, text string, after time.Duration, words ...string) string {
	t.Helper()
	cmd := c.command(append([]string{"lab"}, words...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	said := waitFor(t, cmd, text)
	time.Sleep(after)
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	return said()
}

// upBroken is `up` with a config that Ignition fails at.
func upBroken(t *testing.T, c clone) (string, error) {
	good := c.read(t, "ignition/ignition.yml")
	bad := strings.Replace(good, "        local: etcd.sh\n", "        source: data:,x\n        verification: {hash: sha256-"+strings.Repeat("0", 64)+"}\n", 1)
	if bad == good {
		t.Fatal("the shipped config changed: this test does not know how to break it")
	}
	c.write(t, "ignition/ignition.yml", bad)
	defer c.write(t, "ignition/ignition.yml", good)
	return c.try("lab", "up", "nodes=1")
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
	c.mage(t, "lab", "down")
}

// found has a node without readiness unit, agent and banner: its neighbour, the lab's host, finds it.
func found(t *testing.T, c clone) {
	c.mage(t, "lab", "up", "nodes=1", "ready=off", "discovery=srv:example.org") // the embedded service lives only as long as somebody waits
	address := regexp.MustCompile(`"address": "(10\.77\.0\.\d+)",\s+"address_from": "neighbour"`)
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(time.Second) {
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
	for range 30 { // the address is there before sshd
		if out, err = c.try("lab", "ssh", "node=core01", "ready=off", "cmd=hostname"); err == nil {
			break
		}
		time.Sleep(time.Second)
	}
	if strings.TrimSpace(out) != "core01" {
		t.Errorf("ssh: got %v\n%s", err, out)
	}
	c.mage(t, "lab", "down")
}

// failedBoot has a guest that writes no journal, as Flatcar: its console tells.
func failedBoot(t *testing.T, c clone) {
	withoutInTemplate(t, c, "    <channel type='unix'>\n      {{with .Sockets}}<source mode='bind' path='{{.}}.journal'/>{{end}}\n      <target type='virtio' name='{{.JournalChannel}}'/>\n    </channel>\n", func() {
		out, err := upBroken(t, c)
		if err == nil || !strings.Contains(out, "core01: the boot failed; its console says") || !strings.Contains(out, "hash verification failed") || !strings.Contains(out, "hint: vm/core01/console.log") {
			t.Errorf("got %v\n%s", err, out)
		}
	})
	c.mage(t, "lab", "down")
}

func labGoes(t *testing.T, c clone) {
	c.mage(t, "labdown")
	if left := c.processes(t); len(left) > 0 {
		t.Errorf("processes are left:\n%s", strings.Join(left, "\n"))
	}
	for _, path := range []string{c.world().State(), c.world().State() + ".lock"} {
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Errorf("%s is left: %v", path, err)
		}
	}
	if out := c.mage(t, "labdown"); !strings.Contains(out, "there is none") {
		t.Errorf("labdown with no lab: got\n%s", out)
	}
}
