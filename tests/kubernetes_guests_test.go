//go:build lab

package tests

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/testkit/distributor"
	"coreos-libvirt/internal/testkit/kubernetes"
)

// TestKubernetesGuests: engine=kubevirt on nodes that boot. Kubernetes and KubeVirt's own parts are real; what boots the machines in
// virt-launcher's place is a fake, on the lab's bridge.
func TestKubernetesGuests(t *testing.T) {
	onlyInFull(t)
	starts := func(part *testing.T, c clone) { kubernetesInLab(t, part, c) }
	story(t, []part{
		{"a Kubernetes in the lab", starts},
		{"three nodes boot from their Secrets, and are a healthy etcd", inKubernetes(upOnKubernetes)},
		{"again: nothing is changed", inKubernetes(againOnKubernetes)},
		{"what nodes say, and what is said to them", inKubernetes(usedOnKubernetes)},
		{"a node is stopped and started, and its member is there again", inKubernetes(powerOnKubernetes)},
		{"a fourth node joins etcd with its first boot", inKubernetes(growOnKubernetes)},
		{"a member is recreated, and the data stay", inKubernetes(replaceOnKubernetes)},
		{"a member leaves etcd, and its node is removed", inKubernetes(shrinkOnKubernetes)},
		{"down leaves nothing", inKubernetes(downOnKubernetes)},
		{"the lab goes", labGoes},
	})
}

// kubeconfigOf is that of the Kubernetes in the clone's lab.
func kubeconfigOf(c clone) string {
	return filepath.Join(filepath.Dir(c.dir), "kubernetes", "admin.kubeconfig")
}

// inKubernetes has targets find the Kubernetes in the clone's lab.
func inKubernetes(test func(*testing.T, clone)) func(*testing.T, clone) {
	return func(t *testing.T, c clone) {
		c.env = append(slices.Clip(c.env), "KUBECONFIG="+kubeconfigOf(c))
		test(t, c)
	}
}

// kubernetesInLab starts a Kubernetes in the clone's lab, which ends with the story, and says in its cluster file what nodes are on.
func kubernetesInLab(whole, t *testing.T, c clone) {
	c.mage(t, "lab")
	program := filepath.Join(filepath.Dir(c.dir), "run-kubernetes")
	if out, err := exec.Command("go", "build", "-o", program, "../internal/testkit/kubernetes/run").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := exec.Command(program, "-boots", "-build", "-store", cache).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := c.world().Command(whole.Context(), program, "-boots", "-store", cache, "-dir", filepath.Dir(kubeconfigOf(c)))
	cmd.Stderr = &output{}
	ends, err := cmd.StdinPipe()
	distributor.Must(t, err)
	says, err := cmd.StdoutPipe()
	distributor.Must(t, err)
	begin := time.Now()
	distributor.Must(t, cmd.Start())
	whole.Cleanup(func() {
		_ = ends.Close()
		_ = cmd.Wait()
		if whole.Failed() {
			logs, _ := filepath.Glob(filepath.Join(filepath.Dir(kubeconfigOf(c)), "logs", "*.log"))
			for _, path := range logs {
				text, _ := os.ReadFile(path)
				lines := strings.Split(string(text), "\n")
				whole.Logf("%s ends with\n%s", path, strings.Join(lines[max(0, len(lines)-20):], "\n"))
			}
		}
	})
	if line, err := bufio.NewReader(says).ReadString('\n'); err != nil {
		t.Fatalf("%q: %v\n%s", line, err, cmd.Stderr)
	}
	t.Logf("Kubernetes and KubeVirt took %.0f s", time.Since(begin).Seconds())
	c.kubectl(t, bridgeOfLab, "apply", "--server-side", "-f", "-")
	c.write(t, "clusters/core.yml", "engine: kubevirt\nnad: br0\ndiscovery: static\n")
}

// bridgeOfLab is the lab's bridge, as docs/kubevirt.md has it.
const bridgeOfLab = `
apiVersion: k8s.cni.cncf.io/v1
kind: NetworkAttachmentDefinition
metadata: {name: br0}
spec:
  config: '{"cniVersion": "0.3.1", "name": "br0", "type": "bridge", "bridge": "br0", "ipam": {}}'
`

// kubectl runs it in the lab, and gives what it writes.
func (c clone) kubectl(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	programs, err := kubernetes.Ensure(t.Context(), filepath.Join(cache, "bin"), t.Logf)
	distributor.Must(t, err)
	cmd := c.world().Command(t.Context(), programs.Kubectl(), append([]string{"--kubeconfig=" + kubeconfigOf(c)}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("kubectl %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// machineOfLab is a line of what `up` and `status` print of a node that is ready.
var machineOfLab = regexp.MustCompile(`(?m)^(core\d\d) +Running +yes +(10\.77\.0\.\d+) +(node\d) `)

func upOnKubernetes(t *testing.T, c clone) {
	begin := time.Now()
	out := c.mage(t, "lab", "up", "engine=kubevirt", "nodes=3")
	t.Logf("up took %.0f s", time.Since(begin).Seconds())
	rows := machineOfLab.FindAllStringSubmatch(out, -1)
	if len(rows) != 3 {
		t.Fatalf("want three nodes, got\n%s", out)
	}
	leases, hosts := c.inLab(t, "cat", c.leases()), []string{}
	for _, row := range rows {
		hosts = append(hosts, row[3])
		if !strings.Contains(leases, " "+row[2]+" "+row[1]+" ") {
			t.Errorf("the DHCP server has no lease of %s for %s:\n%s", row[2], row[1], leases)
		}
	}
	if slices.Sort(hosts); strings.Join(hosts, " ") != "node1 node2 node3" {
		t.Errorf("they are on %v", hosts)
	}
	if document := c.read(t, "vm/core01/ignition.json"); len(document) <= 2048 {
		t.Errorf("KubeVirt takes a document of %d bytes without a Secret, too", len(document))
	}
	c.healthyOnKubernetes(t, 3)
}

// healthyOnKubernetes is that etcd has so many healthy members, one after the other of which may still be starting.
func (c clone) healthyOnKubernetes(t *testing.T, count int) {
	t.Helper()
	t.Logf("\n%s", c.asksEtcd(t, "etcd is not healthy", func(out string, err error) bool {
		return err == nil && strings.Count(out, " yes ") == count && strings.Count(out, "leader") == 1
	}))
}

func againOnKubernetes(t *testing.T, c clone) {
	versions := func() string {
		return c.kubectl(t, "", "get", "secrets,datavolumes,pods", "-o", "jsonpath={.items[*].metadata.uid}{.items[*].metadata.name}") +
			c.kubectl(t, "", "get", "secrets,datavolumes", "-o", "jsonpath={.items[*].metadata.resourceVersion}") +
			c.kubectl(t, "", "get", "virtualmachines", "-o", "jsonpath={.items[*].metadata.generation}")
	}
	before := versions()
	out := c.mage(t, "lab", "up", "nodes=3")
	if !strings.Contains(out, "core: all objects are there already") || len(machineOfLab.FindAllString(out, -1)) != 3 {
		t.Errorf("got\n%s", out)
	}
	if after := versions(); after != before {
		t.Errorf("before %s\nafter  %s", before, after)
	}
	if out := c.mage(t, "lab", "plan"); regexp.MustCompile(`(?m)^(create|change|stays)`).MatchString(out) {
		t.Errorf("got\n%s", out)
	}
}

func usedOnKubernetes(t *testing.T, c clone) {
	out := c.mage(t, "lab", "ssh", "node=core01", "cmd=hostname; cat /proc/cmdline; lsblk -no LABEL; sudo cat /run/ignition.json | wc -c")
	if !strings.HasPrefix(out, "core01\n") || !strings.Contains(out, "ignition.platform.id=kubevirt") || !strings.Contains(out, "config-2") {
		t.Errorf("ssh: got\n%s", out)
	}
	c.write(t, "a file", "of this host\n")
	c.mage(t, "lab", "cp", "from=a file", "to=core02:/tmp/there")
	if out := c.mage(t, "lab", "ssh", "node=core02", "cmd=cat /tmp/there"); out != "of this host\n" {
		t.Errorf("cp: got %q", out)
	}
	if out := c.mage(t, "lab", "logs", "node=core03"); !strings.Contains(out, "ignition: stage files") || !strings.Contains(out, "core03 login:") {
		t.Errorf("logs: got\n%s", out)
	}
	if out := c.mage(t, "lab", "status"); len(machineOfLab.FindAllString(out, -1)) != 3 {
		t.Errorf("status: got\n%s", out)
	}
	c.typesOnConsole(t, "core01")
	c.mage(t, "lab", "backup", "file=core.db")
	if info, err := os.Stat(filepath.Join(c.dir, "core.db")); err != nil || info.Size() < 1<<12 {
		t.Errorf("backup: %v, %v", info, err)
	}
}

// typesOnConsole presses Return on the node's console, which shows its prompt again, and leaves it.
func (c clone) typesOnConsole(t *testing.T, node string) {
	t.Helper()
	console := c.command("lab", "console", "node="+node)
	keys, err := console.StdinPipe()
	distributor.Must(t, err)
	said := waitForAfter(t, console, func() { _, _ = io.WriteString(keys, "\n") }, node+" login: ")
	_, _ = io.WriteString(keys, "\x1d") // Ctrl-]
	if err := console.Wait(); err != nil {
		t.Errorf("console: got %v\n%s", err, said())
	}
}

func powerOnKubernetes(t *testing.T, c clone) {
	if out := c.mage(t, "lab", "stop", "node=core02"); !strings.Contains(out, "core02: is off") {
		t.Errorf("stop: got\n%s", out)
	}
	if out, err := c.try("lab", "etcd", "format=json"); healthyMembers(t, out) != 2 {
		t.Errorf("with two nodes: got %v\n%s", err, out)
	}
	if out := c.mage(t, "lab", "start", "node=core02"); !strings.Contains(out, "core02: ready at 10.77.0.") {
		t.Errorf("start: got\n%s", out)
	}
	if out := c.mage(t, "lab", "logs", "node=core02"); strings.Contains(out, "ignition: stage") {
		t.Errorf("Ignition has run again:\n%s", out)
	}
	c.healthyOnKubernetes(t, 3)
}

// putKey writes a key to etcd at the member on core01, and hasKey looks for it there.
func (c clone) putKey(t *testing.T) {
	t.Helper()
	c.inLab(t, "curl", "-sf", "-d", `{"key":"a2V5","value":"dmFsdWU="}`, "http://core01:2379/v3/kv/put")
}

func (c clone) hasKey(t *testing.T) {
	t.Helper()
	if out := c.inLab(t, "curl", "-sf", "-d", `{"key":"a2V5"}`, "http://core01:2379/v3/kv/range"); !strings.Contains(out, `"dmFsdWU="`) {
		t.Errorf("the key is gone: %s", out)
	}
}

// saysInOrder is that the words are in what was said, one after the other.
func saysInOrder(t *testing.T, out string, words ...string) {
	t.Helper()
	rest := out
	for _, word := range words {
		_, after, is := strings.Cut(rest, word)
		if !is {
			t.Errorf("want %q, in their order, got\n%s", words, out)
			return
		}
		rest = after
	}
}

func growOnKubernetes(t *testing.T, c clone) {
	c.putKey(t)
	before := c.kubectl(t, "", "get", "virtualmachines,datavolumes", "-o", "jsonpath={.items[*].metadata.uid}")
	if out, err := c.try("lab", "plan", "nodes=4"); err == nil || !strings.Contains(out, "core04: new, it will join etcd") || strings.Contains(out, "stays") {
		t.Errorf("plan: got %v\n%s", err, out)
	}
	begin := time.Now()
	out := c.changes(t, "nodes=4")
	t.Logf("the fourth node took %.0f s", time.Since(begin).Seconds())
	saysInOrder(t, out, "core04: will join etcd with its first boot, at 10.77.0.", "(DNS)", "core04: joins etcd as a learner", "VirtualMachine core04: created", "core04: ready at ", "core04 ")
	if strings.Contains(out, "recreated") {
		t.Errorf("a node was recreated:\n%s", out)
	}
	c.healthyOnKubernetes(t, 4)
	after := c.kubectl(t, "", "get", "virtualmachines,datavolumes", "-l", "coreos-libvirt/node!=core04", "-o", "jsonpath={.items[*].metadata.uid}")
	if before != after {
		t.Errorf("others are not as they were: before %s\nafter %s", before, after)
	}
	if out := c.mage(t, "lab", "plan", "nodes=4"); regexp.MustCompile(`(?m)^(create|change|stays|recreate|remove)`).MatchString(out) {
		t.Errorf("plan after that: got\n%s", out)
	}
}

func replaceOnKubernetes(t *testing.T, c clone) {
	disk := func() string {
		return c.kubectl(t, "", "get", "datavolume", "core02", "-o", "jsonpath={.metadata.uid}")
	}
	was := disk()
	if out, err := c.try("lab", "plan", "nodes=4", "recreate=core02"); err == nil || !strings.Contains(out, "core02: will be recreated, and its member of etcd replaced") {
		t.Errorf("plan: got %v\n%s", err, out)
	}
	begin := time.Now()
	out := c.changes(t, "nodes=4", "recreate=core02")
	t.Logf("recreate=core02 took %.0f s", time.Since(begin).Seconds())
	saysInOrder(t, out, "core02: has left etcd", "core02: joins etcd as a learner", "core02: recreated, its disks are lost", "VirtualMachine core02: created", "core02: ready at ")
	if disk() == was {
		t.Error("it has the same disk")
	}
	c.healthyOnKubernetes(t, 4)
	c.hasKey(t)
	if out, err := c.try("lab", "up", "nodes=4", "recreate=all"); err == nil || !strings.Contains(out, "recreate=all: with engine=kubevirt there is no new etcd") {
		t.Errorf("recreate=all: got %v\n%s", err, out)
	}
}

func shrinkOnKubernetes(t *testing.T, c clone) {
	if out, err := c.try("lab", "plan", "nodes=3"); err == nil || !strings.Contains(out, "core04: will leave etcd, and is removed: nodes=3") || !regexp.MustCompile(`(?m)^remove +VirtualMachine +core04`).MatchString(out) {
		t.Errorf("plan: got %v\n%s", err, out)
	}
	saysInOrder(t, c.changes(t, "nodes=3"), "core04: has left etcd", "core04: removed")
	c.healthyOnKubernetes(t, 3)
	c.hasKey(t)
	if out := c.kubectl(t, "", "get", "virtualmachines,virtualmachineinstances,datavolumes,persistentvolumeclaims,secrets,pods", "-l", "coreos-libvirt/node=core04", "-o", "name"); out != "" {
		t.Errorf("there are\n%s", out)
	}
	if _, err := os.Stat(filepath.Join(c.dir, "vm", "core04")); err == nil {
		t.Error("vm/core04 is there")
	}
}

// healthyMembers is how many members of etcd are healthy, as `etcd format=json` prints them; what is printed after that is left out.
func healthyMembers(t *testing.T, out string) (healthy int) {
	t.Helper()
	var members []struct{ Healthy bool }
	at := strings.Index(out, "[")
	if at < 0 {
		t.Fatalf("no list in\n%s", out)
	}
	if err := json.NewDecoder(strings.NewReader(out[at:])).Decode(&members); err != nil && !errors.Is(err, io.EOF) {
		t.Fatalf("%v in\n%s", err, out)
	}
	for _, m := range members {
		if m.Healthy {
			healthy++
		}
	}
	return healthy
}

func downOnKubernetes(t *testing.T, c clone) {
	c.mage(t, "lab", "down", "prefix=core", "yes=true")
	if out := c.kubectl(t, "", "get", "virtualmachines,virtualmachineinstances,datavolumes,persistentvolumeclaims,secrets,pods", "-o", "name"); out != "" {
		t.Errorf("there are\n%s", out)
	}
	if out := c.mage(t, "lab", "down", "prefix=core", "yes=true"); !strings.Contains(out, "there is nothing") {
		t.Errorf("down with nothing there: got\n%s", out)
	}
	entries, err := os.ReadDir(filepath.Join(c.dir, "vm"))
	distributor.Must(t, err)
	for _, entry := range entries {
		if name := entry.Name(); strings.Contains(name, "core") && name != ".lock.core" {
			t.Errorf("vm/ has %s", name)
		}
	}
	if out, err := exec.Command("pgrep", "-f", "qemu-system.*"+filepath.Dir(kubeconfigOf(c))).Output(); err == nil {
		t.Errorf("machines run: %s", out)
	}
}
