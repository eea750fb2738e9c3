// Package kubernetes is, for tests, a Kubernetes with KubeVirt: etcd, kube-apiserver, kube-controller-manager, kube-scheduler, and KubeVirt's
// virt-api (its admitters are the webhooks) and virt-controller, all real and built from their modules, on addresses of this process' own
// loopback. Three nodes are invented. CDI does not run here: a stand-in of our own, the importer, says that each import has succeeded.
// Nor do kubelets, virt-handler and virt-launcher: a fake, the handler, has pods run, boots machines by QEMU if it has an image, keeps
// the status of instances, and serves their logs and consoles.
package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"coreos-libvirt/internal/testkit/loopback"
)

// namespace is that of KubeVirt's own parts.
const namespace = "kubevirt"

// Options say what is started. All but Image are needed.
type Options struct {
	Image    Image // what machines boot; of an empty one they say that they run, with nothing in them
	Programs Programs
	Etcd     string // the path of etcd's program
	Dir      string // an empty folder, for certificates, kubeconfigs, logs and etcd's data
}

// Cluster is a Kubernetes that runs until End, or until this process ends.
type Cluster struct {
	Kubeconfig string // of one who may do everything
	Server     string // https://<address>:<port>
	dir        string
	programs   Programs
	image      Image
	authority  authority
	running    []*process
}

// Start starts a cluster, and returns when it takes virtual machines. The caller ends it. If it fails nothing runs.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	c := &Cluster{dir: o.Dir, programs: o.Programs, image: o.Image}
	at := addresses{etcd: "http://" + loopback.Free(), peer: "http://" + loopback.Free(), api: loopback.Free(), virtAPI: loopback.Free(), virtController: loopback.Free(), kubelet: loopback.Free()}
	c.Server = "https://" + at.api
	err := errors.Join(os.Mkdir(c.file("machines"), 0o700), os.Mkdir(c.Logs(), 0o700), os.Mkdir(c.file("tmp"), 0o700), c.certify(at))
	for _, step := range []func() error{
		func() error { return c.etcd(ctx, o.Etcd, at) },
		func() error { return c.apiserver(ctx, at) },
		func() error { return c.define(ctx) },
		func() error { return c.control(ctx, at) },
		func() error { return c.install(ctx, at) },
		func() error { return c.virt(ctx, at) },
		func() error { return c.standIns(ctx, at) },
	} {
		if err == nil {
			err = step()
		}
	}
	if err != nil {
		c.End()
		return nil, fmt.Errorf("kubernetes: %w", err)
	}
	return c, nil
}

// End ends all that Start has started, the last first.
func (c *Cluster) End() {
	for _, p := range slices.Backward(c.running) {
		p.stop()
	}
	c.running = nil
}

// User gives the kubeconfig of a user of that name, who may do what the cluster's roles allow: of themselves nothing.
func (c *Cluster) User(name string) (kubeconfig string, err error) {
	return c.authority.kubeconfig("user-"+name, c.Server, name)
}

// Says has machines that are not booted say the text on their console when they start, with their name for each $NAME.
func (c *Cluster) Says(text string) error {
	return os.WriteFile(filepath.Join(c.file("machines"), "says"), []byte(text), 0o600)
}

// Log is what a part of the cluster has written: etcd, kube-apiserver, kube-controller-manager, kube-scheduler, virt-api,
// virt-controller, importer or handler.
func (c *Cluster) Log(part string) string {
	text, _ := os.ReadFile(filepath.Join(c.Logs(), part+".log"))
	return string(text)
}

// Logs is the folder of what the parts write. Certificates are elsewhere: virt-api and virt-controller read theirs again each time that something
// changes in their folder.
func (c *Cluster) Logs() string { return c.file("logs") }

// addresses are where the parts listen: host:port, of etcd URLs.
type addresses struct{ etcd, peer, api, virtAPI, virtController, kubelet string }

// certify makes the certificates and kubeconfigs of all parts. Parts of KubeVirt have those of their service accounts.
func (c *Cluster) certify(at addresses) (err error) {
	if c.authority, err = newAuthority(c.dir, "authority"); err != nil {
		return err
	}
	front, err := newAuthority(c.dir, "front-authority")
	if err != nil {
		return err
	}
	a := c.authority
	_, scheduler := a.kubeconfig("kube-scheduler", c.Server, "system:kube-scheduler")
	_, virtAPI := a.service("virt-api", c.Server, "kubevirt-apiserver")
	_, virtHandler := a.service("virt-handler", c.Server, "kubevirt-handler")
	_, virtController := a.service("virt-controller", c.Server, "kubevirt-controller")
	c.Kubeconfig, err = a.kubeconfig("admin", c.Server, "admin", "system:masters")
	return errors.Join(
		err, scheduler, virtAPI, virtController, virtHandler,
		a.issue("kube-apiserver", "kube-apiserver", nil, []string{hostOf(at.api), "kubernetes.default.svc"}),
		a.issue("kubelet-client", "kube-apiserver", nil, nil),
		a.issue("service-accounts", "service-accounts", nil, nil),
		a.issue("virt-api-server", "virt-api", nil, []string{"virt-api." + namespace + ".svc", hostOf(at.virtAPI)}),
		a.issue("virt-api-handler", "kubevirt.io:system:client:virt-handler", nil, nil),
		a.issue("virt-controller-server", "virt-controller", nil, []string{hostOf(at.virtController)}),
		a.issue("handler", "kubevirt.io:system:node:virt-handler", nil, []string{hostOf(at.kubelet)}),
		front.issue("front", "front-proxy-client", nil, nil),
	)
}
