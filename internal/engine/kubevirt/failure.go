package kubevirt

import (
	"strings"

	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/printable"
)

// Failure is what a request ends with, as the helper says it.
type Failure struct {
	Code    int      `json:"code"`    // of HTTP; 0 if no server answered
	Reason  string   `json:"reason"`  // Kubernetes' (metav1.StatusReason), NoCluster, Unreachable or NotOurs
	Message string   `json:"message"` // what the server says
	Causes  []string `json:"causes"`
}

// Error is what the server says, in lines that can be printed.
func (f *Failure) Error() string {
	text := printable.Text(f.Message)
	for _, cause := range f.Causes {
		if !strings.Contains(f.Message, cause) {
			text += "\n  " + printable.Line(cause)
		}
	}
	return text
}

// explained is the failure with what helps.
func (f *Failure) explained() error { return hint.Add(f, f.advice()) }

// advice is what helps, or nothing.
func (f *Failure) advice() string {
	switch f.Code {
	case 0:
		return unanswered[f.Reason]
	case 401:
		return "the server does not know who you are: log in as for kubectl, whose credentials are used"
	case 403:
		return f.forbidden()
	case 404:
		return f.missing()
	case 409:
		return f.conflict()
	}
	return ""
}

// unanswered are hints for what is known before a server has answered, by reason.
var unanswered = map[string]string{
	"NoCluster":   "context= names one of `kubectl config get-contexts`; KUBECONFIG, or ~/.kube/config, has them",
	"Unreachable": "`kubectl get namespaces` asks the same server; context= names another one",
	"NotOurs":     "another prefix=, or another namespace=; it is left alone",
}

func (f *Failure) forbidden() string {
	if strings.Contains(f.Message, "exceeded quota") {
		return "fewer nodes=, or less ram=, vcpu= and disk=; `kubectl describe quota` shows what is left in the namespace"
	}
	return "the user needs a role that allows it in this namespace: get, list, create, patch and delete secrets, services, datavolumes and virtualmachines, get pods/log; `kubectl auth can-i --list` shows what you may do"
}

func (f *Failure) missing() string {
	if f.Reason == "" {
		return "is KubeVirt installed in this Kubernetes cluster, and CDI? `kubectl get crd virtualmachines.kubevirt.io datavolumes.cdi.kubevirt.io`"
	}
	return "`kubectl get namespaces` shows which there are; `kubectl create namespace` makes one; is KubeVirt installed, and CDI?"
}

func (f *Failure) conflict() string {
	if len(f.Causes) == 0 {
		return ""
	}
	return "somebody else sets these fields, too: who that is stands in quotes. Leave them to one: `kubectl apply --server-side --force-conflicts --field-manager=coreos-libvirt` takes them"
}
