package kubevirt

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"coreos-libvirt/internal/engine/kubevirt/objects"
	"coreos-libvirt/internal/terminal/printable"
)

// consoleLog is the container that prints what a guest writes on its serial console (logSerialConsole).
const consoleLog = "guest-console-log"

// Machine is how a node's machine is.
type Machine struct {
	Name  string
	State string // KubeVirt's word: Running, Provisioning, ErrorUnschedulable …
	Why   string // what KubeVirt says of a state that is not as it shall be; or empty
	Host  string // the Kubernetes node that it runs on, or empty
	Pod   string // that it runs in, or empty
	UUID  string // of its firmware

	Labels, Notes map[string]string // the object's, Notes are its annotations
}

// Machines are those of the cluster, by name.
func (c Cluster) Machines(ctx context.Context) (map[string]Machine, error) {
	all, err := c.List(ctx, "VirtualMachine", c.selector())
	if err != nil {
		return nil, err
	}
	pods, err := c.List(ctx, "Pod", c.selector()+",kubevirt.io=virt-launcher")
	machines := map[string]Machine{}
	for _, o := range all {
		m := MachineOf(o)
		status, _ := o["status"].(map[string]any)
		state, _ := status["printableStatus"].(string)
		m.State = cmp.Or(printable.Line(state), "Unknown")
		m.Why = why(status)
		m.Pod, m.Host = podOf(m.Name, pods)
		machines[m.Name] = m
	}
	return machines, err
}

// MachineOf is the machine of the object, as far as that does not change while it runs.
func MachineOf(o objects.Object) Machine {
	return Machine{Name: nameOf(o), Labels: labelsOf(o), Notes: words(notesOf(o)), UUID: uuidOf(o)}
}

// uuidOf is the UUID of the machine's firmware.
func uuidOf(o objects.Object) string {
	at := o
	for _, key := range []string{"spec", "template", "spec", "domain", "firmware"} {
		at, _ = at[key].(map[string]any)
	}
	uuid, _ := at["uuid"].(string)
	return uuid
}

// why is what the conditions of a machine say that is not as it shall be.
func why(status map[string]any) string {
	conditions, _ := status["conditions"].([]any)
	said := []string{}
	for _, one := range conditions {
		condition, _ := one.(map[string]any)
		kind, _ := condition["type"].(string)
		is, _ := condition["status"].(string)
		message, _ := condition["message"].(string)
		bad := is == "False" && slices.Contains([]string{"Ready", "PodScheduled", "DataVolumesReady"}, kind) || is == "True" && kind == "Failure"
		if bad && message != "" {
			said = append(said, message)
		}
	}
	return printable.Line(strings.Join(said, "; "))
}

// podOf is the machine's pod that runs, and its host.
func podOf(machine string, pods []objects.Object) (name, host string) {
	for _, pod := range pods {
		status, _ := pod["status"].(map[string]any)
		spec, _ := pod["spec"].(map[string]any)
		if labelsOf(pod)[objects.LabelNode] == machine && status["phase"] == "Running" {
			host, _ = spec["nodeName"].(string)
			return nameOf(pod), host
		}
	}
	return "", ""
}

// Console gives each line of the console of the machine, as far as it is kept, and those that come with follow. If it does not run, that is not an
// error.
func (c Cluster) Console(ctx context.Context, m Machine, follow bool, each func(string)) error {
	if m.Pod == "" {
		return nil
	}
	return c.Log(ctx, m.Pod, consoleLog, follow, each)
}
