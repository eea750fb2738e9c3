package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// manager is who owns the fields that are applied.
const manager = "coreos-libvirt"

// mostAnswer is what is read of an answer, in bytes.
const mostAnswer = 64 << 20

// paths are where the server has objects of each kind, below a namespace.
var paths = map[string]struct{ group, plural string }{
	"Secret":                 {"api/v1", "secrets"},
	"Service":                {"api/v1", "services"},
	"Pod":                    {"api/v1", "pods"},
	"PersistentVolumeClaim":  {"api/v1", "persistentvolumeclaims"},
	"Event":                  {"api/v1", "events"},
	"DataVolume":             {"apis/cdi.kubevirt.io/v1beta1", "datavolumes"},
	"VirtualMachine":         {"apis/kubevirt.io/v1", "virtualmachines"},
	"VirtualMachineInstance": {"apis/kubevirt.io/v1", "virtualmachineinstances"},
}

// subresources are where KubeVirt has what starts and stops machines.
const subresources = "apis/subresources.kubevirt.io/v1"

// api is a Kubernetes cluster, as one user in one namespace.
type api struct {
	http      *http.Client
	server    *url.URL
	namespace string
}

// connect takes the kubeconfig that kubectl would: KUBECONFIG, ~/.kube/config, or the pod's own account. Nothing is asked yet.
func connect(kubeContext, namespace string) (*api, error) {
	overrides := &clientcmd.ConfigOverrides{CurrentContext: kubeContext}
	overrides.Context.Namespace = namespace
	client := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(clientcmd.NewDefaultClientConfigLoadingRules(), overrides)
	config, err := client.ClientConfig()
	if err != nil {
		return nil, &failure{Reason: "NoCluster", Message: err.Error()}
	}
	in, _, err := client.Namespace()
	if err != nil {
		return nil, &failure{Reason: "NoCluster", Message: err.Error()}
	}
	config.UserAgent = manager
	doer, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, &failure{Reason: "NoCluster", Message: err.Error()}
	}
	server, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, &failure{Reason: "NoCluster", Message: err.Error()}
	}
	return &api{http: doer, server: server, namespace: in}, nil
}

// where is the server and the namespace.
func (a *api) where() map[string]string {
	return map[string]string{"server": a.server.Redacted(), "namespace": a.namespace}
}

// at is the URL of a kind's objects, or of one of them.
func (a *api) at(kind, name string, query url.Values) (*url.URL, error) {
	of, known := paths[kind]
	if !known {
		return nil, fmt.Errorf("objects of the kind %q are none of this project's", kind)
	}
	u := a.server.JoinPath(of.group, "namespaces", a.namespace, of.plural, name)
	u.RawQuery = query.Encode()
	return u, nil
}

// ask makes a request. An answer that is no success is an error: what the server says of it.
func (a *api) ask(ctx context.Context, method string, u *url.URL, kind string, body []byte) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	response, err := a.http.Do(r)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &failure{Reason: "Unreachable", Message: err.Error()}
	}
	if response.StatusCode < 300 {
		return response, nil
	}
	defer func() { _ = response.Body.Close() }()
	return nil, statusOf(response)
}

// failure is what a request ends with.
type failure struct {
	Code    int      `json:"code,omitempty"`   // of HTTP; 0 if no server answered
	Reason  string   `json:"reason,omitempty"` // Kubernetes' (metav1.StatusReason), NoCluster, Unreachable or NotOurs
	Message string   `json:"message"`
	Causes  []string `json:"causes,omitempty"`
}

func (f *failure) Error() string { return f.Message }

// failureOf is the error as it is sent.
func failureOf(err error) *failure {
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	return &failure{Message: err.Error()}
}

// statusOf is what the server says of a request that it refuses.
func statusOf(response *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	f := &failure{Code: response.StatusCode, Message: response.Status}
	var status metav1.Status
	if json.Unmarshal(text, &status) != nil || status.Kind != "Status" {
		return f
	}
	f.Reason, f.Message = string(status.Reason), status.Message
	if status.Details != nil {
		for _, cause := range status.Details.Causes {
			f.Causes = append(f.Causes, cause.Message+": "+cause.Field)
		}
	}
	return f
}
