package kubernetes

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
)

// run starts a part, whose arguments follow its program, and waits until it is there.
func (c *Cluster) run(ctx context.Context, name string, there func() error, words ...string) error {
	p, err := start(c.Logs(), name, []string{"TMPDIR=" + c.file("tmp")}, words...)
	if err != nil {
		return err
	}
	c.running = append(c.running, p)
	return p.await(ctx, there)
}

// file is the path of a file of the cluster's.
func (c *Cluster) file(name string) string { return filepath.Join(c.dir, name) }

func (c *Cluster) etcd(ctx context.Context, program string, at addresses) error {
	return c.run(ctx, "etcd", answers(at.etcd+"/health", `"health":"true"`), program,
		"--name=bed", "--data-dir="+c.file("etcd"), "--log-level=error", "--listen-client-urls="+at.etcd, "--advertise-client-urls="+at.etcd,
		"--listen-peer-urls="+at.peer, "--initial-advertise-peer-urls="+at.peer, "--initial-cluster=bed="+at.peer, "--unsafe-no-fsync")
}

func (c *Cluster) apiserver(ctx context.Context, at addresses) error {
	return c.run(ctx, "kube-apiserver", answers(c.Server+"/readyz", "ok"), filepath.Join(c.programs.kubernetes, "kube-apiserver"),
		"--etcd-servers="+at.etcd, "--bind-address="+hostOf(at.api), "--secure-port="+portOf(at.api),
		"--advertise-address=192.0.2.1", "--endpoint-reconciler-type=none", // nobody in a pod asks for it, and a loopback address is refused
		"--service-cluster-ip-range=10.96.0.0/16", "--authorization-mode=Node,RBAC", "--allow-privileged=true",
		"--client-ca-file="+c.file("authority.crt"),
		"--tls-cert-file="+c.file("kube-apiserver.crt"), "--tls-private-key-file="+c.file("kube-apiserver.key"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file="+c.file("service-accounts.crt"), "--service-account-signing-key-file="+c.file("service-accounts.key"),
		"--kubelet-preferred-address-types=InternalIP", "--kubelet-certificate-authority="+c.file("authority.crt"),
		"--kubelet-client-certificate="+c.file("kubelet-client.crt"), "--kubelet-client-key="+c.file("kubelet-client.key"),
		"--requestheader-client-ca-file="+c.file("front-authority.crt"), "--requestheader-allowed-names=front-proxy-client",
		"--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group", "--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file="+c.file("front.crt"), "--proxy-client-key-file="+c.file("front.key"),
	)
}

// define defines the resources of KubeVirt, CDI and Multus.
func (c *Cluster) define(ctx context.Context) error {
	if err := c.applyPart(ctx, "definitions"); err != nil {
		return err
	}
	_, err := c.kubectl(ctx, nil, "wait", "--for=condition=Established", "customresourcedefinitions", "--all", "--timeout=10m")
	return err
}

// controllers are those of Kubernetes that run: the others would need nodes, or a cloud.
var controllers = []string{
	"garbage-collector-controller", "namespace-controller", "resourcequota-controller", "serviceaccount-controller", "persistentvolume-binder-controller",
	"persistentvolumeclaim-protection-controller", "persistentvolume-protection-controller", "endpointslice-controller", "endpoints-controller", "disruption-controller",
}

// control starts the controllers, and waits until they have made what each pod of KubeVirt's own namespace needs.
func (c *Cluster) control(ctx context.Context, _ addresses) error {
	account := func() error { _, err := c.kubectl(ctx, nil, "get", "serviceaccount", "default"); return err }
	if err := c.run(ctx, "kube-controller-manager", account, filepath.Join(c.programs.kubernetes, "kube-controller-manager"),
		"--kubeconfig="+c.Kubeconfig, "--controllers="+strings.Join(controllers, ","), "--leader-elect=false", "--secure-port=0"); err != nil {
		return err
	}
	return c.run(ctx, "kube-scheduler", started, filepath.Join(c.programs.kubernetes, "kube-scheduler"),
		"--kubeconfig="+c.file("kube-scheduler.kubeconfig"), "--leader-elect=false", "--secure-port=0")
}

// install installs KubeVirt and the nodes, and says of these that they are ready, as the controller that watches kubelets would.
func (c *Cluster) install(ctx context.Context, at addresses) error {
	if err := c.applyPart(ctx, "install", "-api", at.virtAPI, "-kubelet", at.kubelet, "-authority", c.file("authority.crt")); err != nil {
		return err
	}
	_, err := c.kubectl(ctx, nil, "taint", "nodes", "--all", "node.kubernetes.io/not-ready-")
	return err
}

// applyPart applies what the program `parts` prints.
func (c *Cluster) applyPart(ctx context.Context, part string, flags ...string) error {
	program := filepath.Join(c.programs.own, "parts")
	objects, err := output(ctx, nil, program, append(flags, part)...)
	if err == nil {
		_, err = c.kubectl(ctx, objects, "apply", "--server-side", "--field-manager=virt-operator", "-f", "-")
	}
	return err
}

// virt starts KubeVirt's parts.
func (c *Cluster) virt(ctx context.Context, at addresses) error {
	served := func() error {
		_, err := c.kubectl(ctx, nil, "wait", "--for=condition=Available", "apiservices", "v1.subresources.kubevirt.io", "--timeout=20s")
		return err
	}
	if err := c.run(ctx, "virt-api", served, filepath.Join(c.programs.kubevirt, "virt-api"),
		"--kubeconfig="+c.file("virt-api.kubeconfig"), "--listen="+hostOf(at.virtAPI), "--port="+portOf(at.virtAPI), "--console-server-port="+portOf(at.kubelet),
		"--tls-cert-file="+c.file("virt-api-server.crt"), "--tls-key-file="+c.file("virt-api-server.key"),
		"--handler-cert-file="+c.file("virt-api-handler.crt"), "--handler-key-file="+c.file("virt-api-handler.key")); err != nil {
		return err
	}
	leads := answers("https://"+at.virtController+"/leader", `"leader":"true"`)
	return c.run(ctx, "virt-controller", leads, filepath.Join(c.programs.kubevirt, "virt-controller"),
		"--kubeconfig="+c.file("virt-controller.kubeconfig"), "--listen="+hostOf(at.virtController), "--port="+portOf(at.virtController),
		"--prom-cert-file="+c.file("virt-controller-server.crt"), "--prom-key-file="+c.file("virt-controller-server.key"),
		"--leader-elect-lease-duration=2h", "--leader-elect-renew-deadline=1h") // it is alone, and must not end where the machine is slow
}

// standIns starts those of ours for CDI, and for kubelets, virt-handler and virt-launcher.
func (c *Cluster) standIns(ctx context.Context, at addresses) error {
	parts := []string{filepath.Join(c.programs.own, "parts"), "-kubeconfig", c.Kubeconfig}
	if err := c.run(ctx, "importer", started, append(parts, "importer")...); err != nil {
		return err
	}
	return c.run(ctx, "handler", started, append(parts, "-kubelet", at.kubelet, "-account", c.file("virt-handler.kubeconfig"), "-certificate", c.file("handler"), "-state", c.file("machines"),
		"-image", c.image.Disk, "-kernel", c.image.Kernel, "-initramfs", c.image.Initramfs, "handler")...)
}

// started is for programs that others wait for by what they do.
func started() error { return nil }

// client reads what parts say of themselves: theirs is no authority that this process knows.
var client = http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // on the loopback

// answers asks for a page until it has the words.
func answers(url, words string) func() error {
	return func() error {
		answer, err := client.Get(url)
		if err != nil {
			return err
		}
		defer func() { _ = answer.Body.Close() }()
		text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<16))
		if err == nil && !bytes.Contains(bytes.ReplaceAll(text, []byte(" "), nil), []byte(words)) {
			err = fmt.Errorf("%s says %q", url, text)
		}
		return err
	}
}

func hostOf(at string) string { address, _, _ := net.SplitHostPort(at); return address }
func portOf(at string) string { _, port, _ := net.SplitHostPort(at); return port }
