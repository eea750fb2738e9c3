//go:build lab

package tests

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"coreos-libvirt/internal/lab/guestimage"
	"coreos-libvirt/internal/testkit/kubernetes"
	"coreos-libvirt/internal/testkit/pace"
	"coreos-libvirt/internal/workspace"
)

// store is the lab's, where programs are kept, too.
const programStore = "/var/cache/coreos-libvirt"

// startKubernetes starts a Kubernetes with KubeVirt, which ends with the test.
func startKubernetes(t *testing.T) *kubernetes.Cluster {
	t.Helper()
	programs, err := kubernetes.Ensure(t.Context(), filepath.Join(programStore, "bin"), t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(guestimage.Etcd(programStore)); err != nil { // another version than the lab's image
		t.Skip("the lab's image has not been built")
	}
	ctx, cancel := context.WithTimeout(t.Context(), pace.Hang)
	defer cancel()
	begin := time.Now()
	c, err := kubernetes.Start(ctx, kubernetes.Options{Programs: programs, Etcd: guestimage.Etcd(programStore), Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.End)
	t.Logf("Kubernetes and KubeVirt took %.1f s", time.Since(begin).Seconds())
	return c
}

// TestKubernetes: the Kubernetes that tests of engine=kubevirt stand on refuses what a real one refuses, and takes what it takes.
func TestKubernetes(t *testing.T) {
	onlyInFull(t)
	c := startKubernetes(t)
	for _, part := range []struct {
		says string
		test func(*testing.T, *kubernetes.Cluster)
	}{
		{"a field that KubeVirt does not know is refused", unknownField},
		{"cloud-init data of more than 2048 bytes is refused by KubeVirt's admitter", longUserData},
		{"three machines are on three nodes", spreadOverNodes},
		{"what a machine says on its console is a log of its pod", consoleIsLog},
		{"a machine that is removed leaves nothing", removed},
		{"a user without rights is refused", noRights},
		{"a quota that is used up is told in the machine's conditions", noQuota},
		{"the targets", targetsOnKubernetes},
	} {
		t.Run(part.says, func(t *testing.T) { part.test(t, c) })
	}
}

// machine is a VirtualMachine of that name, with its disk and Ignition's document in a Secret, and more lines in the spec of its instance.
func machine(name, userData string, more ...string) string {
	lines := ""
	for _, line := range more {
		lines += "      " + line + "\n"
	}
	return fmt.Sprintf(`
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata: {name: %[1]s, labels: {cluster: spread}}
spec:
  runStrategy: Always
  dataVolumeTemplates:
  - metadata: {name: %[1]s-root}
    spec:
      source: {registry: {url: "docker://quay.io/fedora/fedora-coreos-kubevirt:stable"}}
      storage: {resources: {requests: {storage: 10Gi}}, storageClassName: standard}
  template:
    metadata: {labels: {cluster: spread}}
    spec:
      domain:
        cpu: {cores: 2}
        memory: {guest: 1Gi}
        devices:
          logSerialConsole: true
          disks: [{name: root, disk: {bus: virtio}}, {name: ignition, disk: {bus: virtio}}]
          interfaces: [{name: lan, bridge: {}, macAddress: "52:54:00:00:00:01"}]
      networks: [{name: lan, multus: {networkName: lan}}]
      topologySpreadConstraints:
      - {maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {cluster: spread}}}
%[3]s      volumes:
      - {name: root, dataVolume: {name: %[1]s-root}}
      - {name: ignition, cloudInitConfigDrive: %[2]s}
`, name, userData, lines)
}

const bySecret = "{secretRef: {name: ignition}}"

// bridge is the network of those machines, and the Secret that they boot with.
const bridge = `
apiVersion: k8s.cni.cncf.io/v1
kind: NetworkAttachmentDefinition
metadata: {name: lan}
spec: {config: '{"cniVersion":"0.3.1","name":"lan","type":"bridge","bridge":"br0","ipam":{}}'}
---
apiVersion: v1
kind: Secret
metadata: {name: ignition}
stringData: {userdata: '{"ignition":{"version":"3.4.0"}}'}
`

// refused is that the object is refused with the words, and that nothing of it is there.
func refused(t *testing.T, c *kubernetes.Cluster, name, object, words string) {
	t.Helper()
	if _, err := c.Run(t, object, "apply", "--server-side", "--validate=strict", "-f", "-"); err == nil || !strings.Contains(err.Error(), words) {
		t.Errorf("it is not refused for %q: %v", words, err)
	}
	if out := c.Must(t, "", "get", "virtualmachine", name, "--ignore-not-found"); out != "" {
		t.Errorf("it is there:\n%s", out)
	}
}

func unknownField(t *testing.T, c *kubernetes.Cluster) {
	refused(t, c, "unknown", machine("unknown", bySecret, "hostnam: core01"), `.spec.template.spec.hostnam: field not declared in schema`)
}

func longUserData(t *testing.T, c *kubernetes.Cluster) {
	refused(t, c, "long", machine("long", "{userData: "+strings.Repeat("x", 2049)+"}"), "userdata exceeds 2048 byte limit")
	c.Must(t, machine("short", "{userData: "+strings.Repeat("x", 2048)+"}"), "apply", "--server-side", "--dry-run=server", "-f", "-")
}

// spreadOverNodes: KubeVirt makes an instance and a pod of each machine, and the scheduler places no two on one node.
func spreadOverNodes(t *testing.T, c *kubernetes.Cluster) {
	c.Must(t, bridge, "apply", "--server-side", "-f", "-")
	names := []string{"core01", "core02", "core03"}
	for _, name := range names {
		c.Must(t, machine(name, bySecret), "apply", "--server-side", "--validate=strict", "-f", "-")
	}
	placed := []string{}
	within(t, c, func() bool {
		out := c.Must(t, "", "get", "pods", "-l", "kubevirt.io=virt-launcher", "-o", `jsonpath={range .items[*]}{.spec.nodeName}{"\n"}{end}`)
		placed = strings.Fields(out)
		return len(placed) == len(names)
	})
	slices.Sort(placed)
	if got := strings.Join(placed, " "); got != "node1 node2 node3" {
		t.Errorf("they are on %s", got)
	}
	within(t, c, func() bool {
		return c.Must(t, "", "get", "virtualmachineinstances", "-o", "jsonpath={.items[*].status.phase}") == "Running Running Running"
	})
	logged := c.Must(t, "", "get", "pods", "-l", "kubevirt.io=virt-launcher", "-o", "jsonpath={.items[*].spec['containers','initContainers'][*].name}")
	if strings.Count(logged, "guest-console-log") != 3 {
		t.Errorf("their containers are %s", logged)
	}
	if out := c.Must(t, "", "get", "persistentvolumeclaims", "-o", "jsonpath={.items[*].status.phase}"); out != "Bound Bound Bound" {
		t.Errorf("claims are %s", out)
	}
}

// launcher is the pod of a machine.
func launcher(t *testing.T, c *kubernetes.Cluster, machine string) string {
	t.Helper()
	return c.Must(t, "", "get", "pods", "-l", "vm.kubevirt.io/name="+machine, "-o", "name")
}

func consoleIsLog(t *testing.T, c *kubernetes.Cluster) {
	if err := c.Says("$NAME is ready\n"); err != nil {
		t.Fatal(err)
	}
	before := launcher(t, c, "core01")
	c.Must(t, "{}", "replace", "--raw", "/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachines/core01/restart", "-f", "-")
	within(t, c, func() bool { // KubeVirt ends the pod, and makes another one
		pod := launcher(t, c, "core01")
		if pod == before || pod == "" || strings.Contains(pod, "\n") {
			return false
		}
		out, err := c.Run(t, "", "logs", pod, "-c", "guest-console-log")
		return err == nil && out == "core01 is ready"
	})
}

func removed(t *testing.T, c *kubernetes.Cluster) {
	c.Must(t, "", "delete", "virtualmachine", "core01", "core02", "core03")
	within(t, c, func() bool {
		return c.Must(t, "", "get", "virtualmachines,virtualmachineinstances,datavolumes,persistentvolumeclaims,persistentvolumes,pods", "-o", "name") == ""
	})
}

func noRights(t *testing.T, c *kubernetes.Cluster) {
	kubeconfig, err := c.User("nobody")
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Run(t, machine("forbidden", bySecret), "--kubeconfig="+kubeconfig, "apply", "--server-side", "-f", "-")
	if err == nil || !regexp.MustCompile(`forbidden: User "nobody" cannot (get|patch) resource "virtualmachines" in API group "kubevirt.io"`).MatchString(err.Error()) {
		t.Errorf("got %v", err)
	}
}

func noQuota(t *testing.T, c *kubernetes.Cluster) {
	c.Must(t, `
apiVersion: v1
kind: Namespace
metadata: {name: poor}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: little, namespace: poor}
spec: {hard: {requests.memory: 64Mi, count/virtualmachines.kubevirt.io: "1"}}
`, "apply", "--server-side", "-f", "-")
	within(t, c, func() bool { // until Kubernetes has counted what there is
		return c.Must(t, "", "-n", "poor", "get", "resourcequota", "little", "-o", "jsonpath={.status.used}") != ""
	})
	c.Must(t, bridge+"---"+machine("rich", bySecret), "-n", "poor", "apply", "--server-side", "-f", "-")
	within(t, c, func() bool {
		out := c.Must(t, "", "-n", "poor", "get", "virtualmachineinstances", "-o", "jsonpath={.items[*].status.conditions[*].message}")
		return strings.Contains(out, "exceeded quota: little, requested: requests.memory=")
	})
	if _, err := c.Run(t, machine("more", bySecret), "-n", "poor", "apply", "--server-side", "-f", "-"); err == nil || !strings.Contains(err.Error(), "exceeded quota: little") {
		t.Errorf("got %v", err)
	}
}

// within waits until it is so. If it never is, what the parts say is logged.
func within(t *testing.T, c *kubernetes.Cluster, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(pace.Hang); !so(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			out, _ := c.Run(t, "", "get", "events,virtualmachines,virtualmachineinstances,datavolumes,persistentvolumeclaims,pods", "-A", "-o", "wide")
			t.Fatalf("it is not so\n%s\n%s\n%s", out, c.Log("virt-controller"), c.Log("importer"))
		}
	}
}

// targetsOnKubernetes runs the scripts of testdata/kubernetes in the cluster, whose machines say on their consoles that they are ready.
func targetsOnKubernetes(t *testing.T, c *kubernetes.Cluster) {
	ready := `{"hostname":"$NAME","boot_id":"b","uptime":5,"network":2,"sshd":4,"host_keys":[],"interfaces":[`
	for i, name := range []string{"web01", "web02"} {
		ready += fmt.Sprintf(`%s{"ifname":"eth0","address":"%s","addr_info":[{"family":"inet","local":"10.0.0.%d","scope":"global"}]}`, map[bool]string{true: ","}[i > 0], workspace.MAC(name), 11+i)
	}
	if err := c.Says("Booting $NAME\ncoreos-libvirt-ready: " + ready + "]}\n"); err != nil {
		t.Fatal(err)
	}
	eve, err := c.User("eve")
	if err != nil {
		t.Fatal(err)
	}
	goes, err := exec.Command("go", "env", "GOCACHE", "GOMODCACHE", "GOPROXY").Output()
	if err != nil {
		t.Fatal(err)
	}
	env := strings.Split(string(goes), "\n")
	testscript.Run(t, testscript.Params{
		Dir:  "testdata/kubernetes",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"status": status},
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", built+":"+filepath.Dir(c.Kubectl())+":"+e.Getenv("PATH"))
			for key, value := range map[string]string{"KUBECONFIG": c.Kubeconfig, "EVE": eve, "COREOS_VERIFY": "off", "GOCACHE": env[0], "GOMODCACHE": env[1], "GOPROXY": env[2]} {
				e.Setenv(key, value)
			}
			for _, folder := range []string{"templates", "ignition", "internal/engine/kubevirt/helper"} {
				if err := os.CopyFS(filepath.Join(e.WorkDir, folder), os.DirFS(filepath.Join("..", folder))); err != nil {
					return err
				}
			}
			return nil
		},
	})
}
