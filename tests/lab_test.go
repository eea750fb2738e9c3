//go:build lab

package tests

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"coreos-libvirt/internal/testkit/distributor"
	"coreos-libvirt/internal/testkit/pace"
)

// full has all stories run, not only the one that each change should pass.
var full = flag.Bool("full", false, "run all stories on real guests")

// How many boots of full guests the two stories that each change waits for may take: 12, which are most of the time.
const (
	mostOfCluster = 8
	mostOfSingles = 4
)

// TestStory is what each change should pass: what is likely to break, on one clone and its lab, each part after the other.
// It boots full guests and needs root, and some minutes. What else they show is in the stories that -full runs.
func TestStory(t *testing.T) {
	story(t, []part{
		{"README's first command gives a healthy cluster", firstCommand},
		{"ssh reaches each node", sshReaches},
		{"the timeline has every phase", timeline},
		{"again: every stage says why it is skipped", again},
		{"an edited config is seen, and leaves the nodes alone", drift},
		{"a node breaks and is replaced, one comes and goes, while somebody writes", living},
		{"down leaves nothing", down},
		{"what is wrong is said", wrong},
		{"a foreign domain is left alone", foreign},
		{"a host that is looked at", hostChecked},
		{"it took few boots", fewBoots(mostOfCluster)},
		{"the lab goes", labGoes},
	})
}

// TestStoryOfSingleNodes are its nodes that boot alone, in a lab of their own beside it: each leaves processors idle.
func TestStoryOfSingleNodes(t *testing.T) {
	story(t, []part{
		{"a boot that fails is reported", failedBoot},
		{"a Butane config arrives whole", butaneArrives},
		{"a node of lab-fcos is as Fedora CoreOS is", fcosStandIn},
		{"a node of lab-flatcar is as Flatcar is", flatcarStandIn},
		{"it took few boots", fewBoots(mostOfSingles)},
		{"the lab goes", labGoes},
	})
}

// TestLab is the story of one cluster: each part stands on what the part before left. TestNodes and TestStandins run
// beside it, in labs of their own.
func TestLab(t *testing.T) {
	onlyInFull(t)
	story(t, []part{
		{"a cluster of three", clusterOfThree},
		{"the lab repairs itself, the guests go on", repaired},
		{"running nodes move to another bridge", moved},
		{"members come, go and are replaced while somebody writes", members},
		{"a snapshot brings every key into a new cluster", backedUp},
		{"a cluster goes back to a snapshot, etcd too", goneBack},
		{"kill -9 between a member's joining and its vote", killedWhileGrowing},
		{"etcd's members speak TLS", secured},
		{"the lab goes", labGoes},
	})
}

// onlyInFull skips what each change does not wait for.
func onlyInFull(t *testing.T) {
	t.Helper()
	if !*full {
		t.Skip("with -full")
	}
}

// part is a part of a story: what it says, and how that is seen.
type part struct {
	says string
	test func(*testing.T, clone)
}

// besideOthers has the test run beside the others of its kind, if this machine can give them enough.
func besideOthers(t *testing.T) {
	t.Helper()
	if !pace.IsSlow() {
		t.Parallel()
	}
}

// story runs parts on one clone and its lab, as far as they hold. Another story may run meanwhile.
func story(t *testing.T, parts []part) {
	t.Helper()
	t.Logf("a tiny guest boots in %s", pace.Boot())
	besideOthers(t)
	c := newClone(t)
	c.env = append(c.env, "COREOS_TIMEOUT="+pace.Limit(300).String(), "COREOS_UNITS=warn", "COREOS_VERIFY=on") // the lab's images have not all that configs start
	c.compile(t)
	t.Cleanup(func() { c.mage(t, "labdown") })
	for _, part := range parts {
		if !t.Run(part.says, func(t *testing.T) { part.test(t, c) }) {
			c.logConsoles(t)
			return
		}
	}
}

// startOfQEMU is in the first line of libvirt's log of each QEMU.
const startOfQEMU = ": starting up libvirt version: "

// boots is how often QEMU has started a node of the clone's lab, as libvirt's logs have it.
func (c clone) boots(t *testing.T) int {
	t.Helper()
	return strings.Count(c.inLab(t, "sh", "-c", "cat /var/log/libvirt/qemu/core*.log"), startOfQEMU)
}

func fewBoots(most int) func(*testing.T, clone) {
	return func(t *testing.T, c clone) {
		n := c.boots(t)
		if t.Logf("%d boots", n); n < 3 || n > most {
			t.Errorf("there were %d boots, and may be %d", n, most)
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
	if well := regexp.MustCompile(`(?m)^core\d\d .* well$`).FindAllString(out, -1); len(well) != 3 {
		t.Errorf("the units of all should be well, got\n%s", out)
	}
	if console := c.read(t, "vm/core01/console.log"); !strings.Contains(console, "core01 login:") {
		t.Errorf("the console log ends with\n%s", console)
	}
}

// sshReaches asks all nodes at once, and one alone: an emulated node takes seconds for each connection.
func sshReaches(t *testing.T, c clone) {
	all := c.mage(t, "lab", "ssh", "all=true", "cmd=hostname; id -un")
	for i := range 3 {
		name := fmt.Sprintf("core%02d", i+1)
		if !strings.Contains(all, name+" "+name+"\n") || !strings.Contains(all, name+" core\n") {
			t.Errorf("%s: got %q", name, all)
		}
	}
	var exit *exec.ExitError
	if out, err := c.try("lab", "ssh", "node=core01", "cmd=hostname; exit 7"); !errors.As(err, &exit) || exit.ExitCode() != 7 || !strings.HasPrefix(out, "core01\n") {
		t.Errorf("a command that fails: got %v, %s", err, out)
	}
	if known := c.read(t, "vm/ssh.core/known_hosts"); strings.Count(known, "ssh-ed25519 ") != 3 {
		t.Errorf("known_hosts holds\n%s", known)
	}
	copied(t, c)
	if got := c.mage(t, "lab", "shell", "cmd=virsh -q list --name | sort | paste -sd ' '"); strings.TrimSpace(got) != "core01 core02 core03" {
		t.Errorf("virsh inside the lab: %q", got)
	}
}

// copied takes a folder to all nodes' sshd, and back: what a link leads to stays as it is.
func copied(t *testing.T, c clone) {
	t.Helper()
	defer func() {
		for _, name := range []string{"vm/my copy", "vm/back"} {
			distributor.Must(t, os.RemoveAll(filepath.Join(c.dir, name)))
		}
	}()
	c.write(t, "vm/my copy/a b.txt", "a b\n")
	distributor.Must(t, os.Symlink("a b.txt", filepath.Join(c.dir, "vm/my copy/link")))
	c.mage(t, "lab", "cp", "from=vm/my copy", "to=:/tmp", "all=true")
	c.mage(t, "lab", "cp", "from=:/tmp/my copy", "to=vm/back", "prefix=core")
	for _, node := range []string{"core01", "core02", "core03"} {
		leads, err := os.Readlink(filepath.Join(c.dir, "vm/back", node, "my copy/link"))
		if got := c.read(t, "vm/back/"+node+"/my copy/a b.txt"); err != nil || leads != "a b.txt" || got != "a b\n" {
			t.Errorf("%s: got %v, %q, %q", node, err, leads, got)
		}
	}
}

// timeline looks at the data and the drawing of the first `up`.
func timeline(t *testing.T, c clone) {
	c.mage(t, "timeline")
	var all struct {
		Nodes map[string][]struct{ Phase string }
	}
	if err := json.Unmarshal([]byte(c.read(t, "vm/timeline.core.json")), &all); err != nil {
		t.Fatal(err)
	}
	for _, node := range []string{"core01", "core02", "core03"} {
		phases := []string{}
		for _, m := range all.Nodes[node] {
			phases = append(phases, m.Phase)
		}
		for _, want := range []string{"overlay", "define", "start", "firmware", "boot loader", "Ignition", "system", "network", "sshd", "ready", "etcd"} {
			if !slices.Contains(phases, want) {
				t.Errorf("%s: no %s in %q", node, want, phases)
			}
		}
	}
	if drawing := c.read(t, "vm/timeline.core.svg"); strings.Count(drawing, ": Ignition, ") != 3 || strings.Count(drawing, ": sshd, ") != 3 || strings.Count(drawing, ": etcd forms, ") != 3 {
		t.Errorf("got\n%s", drawing)
	}
}

func clusterOfThree(t *testing.T, c clone) {
	if out := c.mage(t, "lab", "up", "prefix=core", "nodes=3"); len(readyNode.FindAllString(out, -1)) != 3 {
		t.Fatalf("got\n%s", out)
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
	if err == nil || !strings.Contains(out, "core03: the boot failed; its console says:\n    ") || !advisesUp(out, " recreate=core03` recreates the node") ||
		!strings.Contains(out, "etcd: healthy without those that failed, 2 of 3 members") {
		t.Errorf("got %v\n%s", err, out)
	}
	if len(readyNode.FindAllString(out, -1)) != 2 || !regexp.MustCompile(`(?m)^core03 +- +failed +52:54:00:`).MatchString(out) {
		t.Errorf("got\n%s", out)
	}
	if out := c.changes(t, "nodes=3", "recreate=core03"); len(readyNode.FindAllString(out, -1)) != 3 {
		t.Errorf("got\n%s", out)
	}
}

// again is `up` of a cluster that is as it should be. That libvirt is asked little is
// TestARunThatFindsNothingToDoAsksLittle's.
func again(t *testing.T, c clone) {
	atMost := pace.Limit(1) // several times what it is
	begin := time.Now()
	cmd := c.command("lab", "up", "prefix=core", "nodes=3")
	text, err := cmd.CombinedOutput()
	out := string(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// what the clock says depends on what else the machine does
	busy := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if t.Logf("took %s, %s of processor time", time.Since(begin), busy); busy > atMost {
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
	if strings.Contains(out, "booting") || len(readyNode.FindAllString(out, -1)) != 3 || strings.Count(out, "   well\n") != 3 {
		t.Errorf("got\n%s", out)
	}
	since := fmt.Sprintf("sudo journalctl --no-pager --output=cat --since=@%d", begin.Unix())
	if logins := c.mage(t, "lab", "ssh", "node=core02", "cmd="+since+" | grep '^Accepted'"); strings.Count(logins, "\n") != 1 && !pace.IsSlow() {
		t.Errorf("to hear that nothing has failed, nobody has to log in; logged in were\n%s", logins)
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

// startsOf is how often QEMU was started for each node. A node that has booted twice by one QEMU is an error. This host knows both,
// which costs the nodes nothing, as bootIDs does.
func (c clone) startsOf(t *testing.T, nodes ...string) (starts string) {
	t.Helper()
	for _, node := range nodes {
		log := c.inLab(t, "cat", "/var/log/libvirt/qemu/"+node+".log")
		starts += fmt.Sprintf("%s: %d ", node, strings.Count(log, startOfQEMU))
		if console := c.read(t, "vm/"+node+"/console.log"); strings.Count(console, node+" login:") > 1 {
			t.Errorf("%s has booted again; its console says\n%s", node, console)
		}
	}
	return starts
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
	if out := c.mage(t, "lab", "up", "bridge=br0"); len(readyNode.FindAllString(out, -1)) != 3 || strings.Count(out, "the running node has taken it") != 3 {
		t.Errorf("back: got\n%s", out)
	}
	out = c.mage(t, "lab", "define", "bridge=br1", "ram=600") // of both, one is taken
	ports = c.inLab(t, "ip", "-o", "link", "show", "master", "br1")
	if strings.Count(out, "the running node takes its network, the rest takes effect with `") != 3 || strings.Count(ports, "\n") != 3 {
		t.Errorf("bridge and memory: got\n%s\nbr1 has\n%s", out, ports)
	}
	if out := c.mage(t, "lab", "plan", "bridge=br1", "ram=600"); strings.Count(out, "it was started before its definition changed") != 3 {
		t.Errorf("what needs a restart: got\n%s", out)
	}
	c.mage(t, "lab", "up", "bridge=br0", "ram=1024")
	if out := c.mage(t, "lab", "plan"); strings.Count(out, "defined, unchanged\n") != 3 {
		t.Errorf("back again: got\n%s", out)
	}
	c.inLab(t, "ip", "link", "del", "br1")
	if after := c.bootIDs(t); after != before {
		t.Errorf("the guests were booted anew: %q, then %q", before, after)
	}
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

func down(t *testing.T, c clone) {
	c.mage(t, "lab", "down", "all=true", "yes=true")
	c.nothingIsLeft(t)
	if out := c.mage(t, "lab", "down", "all=true", "yes=true"); !strings.Contains(out, "there is nothing") {
		t.Errorf("down with nothing there: got\n%s", out)
	}
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
