package members

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/config"
	"coreos-libvirt/internal/etcd/authority"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/printable"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/artifact"
	"coreos-libvirt/internal/workspace/wait"
)

const (
	// certificate is where a node finds its own certificate and key, in one PEM file. The owner of the folder owns the file,
	// too: a config may give it to etcd's user.
	certificate = "/etc/etcd/member.pem"
	// install writes standard input there, whole or not at all.
	install = `sudo sh -c 'umask 077 && mkdir -p /etc/etcd && cat >/etc/etcd/.new && chown --reference=/etc/etcd /etc/etcd/.new && mv /etc/etcd/.new ` + certificate + `'`
	// installWithin is how long one node's ssh may take.
	installWithin = time.Minute
)

// certify gives each node's etcd a certificate for the address that it has, signed by the cluster's own authority. The
// address is known only now: the DHCP server gave it.
func (v View) certify(ctx context.Context, nodes ...boot.Node) error {
	if !v.Generation.TLS() {
		return nil
	}
	if err := v.renewOwn(); err != nil {
		return err
	}
	return errors.Join(wait.Each(len(nodes), func(i int) error {
		if nodes[i].Report.BootID == "" {
			return hint.Errorf("`mage up` again: it may report itself by now", "%s: its etcd cannot be given a certificate by ssh: it has not reported its host keys", nodes[i].Step.Node.Name)
		}
		if err := v.certifyNode(ctx, nodes[i]); err != nil {
			return fmt.Errorf("%s: %w", nodes[i].Step.Node.Name, err)
		}
		return nil
	})...)
}

// renewOwn renews what this host shows to the members, before they are asked: they answer nobody whose certificate is over.
func (v View) renewOwn() error {
	if !v.Generation.TLS() || v.Options.ReadOnly {
		return nil
	}
	renewed, err := v.Generation.Authority.RenewClient()
	if renewed {
		v.Log.Say("etcd: this host has a new certificate for the members to see")
	}
	return err
}

// Certificates are the lives of what the nodes' members show, by their client URLs. Those that show nothing are missing; nil if
// the cluster has no TLS.
func (v View) Certificates(ctx context.Context, nodes []boot.Node) map[string]authority.Life {
	if !v.Generation.TLS() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, max(v.Options.Helper.Patience, answerWithin))
	defer cancel()
	lives := make([]authority.Life, len(nodes))
	errs := wait.Each(len(nodes), func(i int) (err error) {
		lives[i], err = v.Generation.Authority.Served(ctx, net.JoinHostPort(nodes[i].Address(), clientPort))
		return err
	})
	shown := map[string]authority.Life{}
	for i, err := range errs {
		if err == nil {
			shown[v.ClientURL(nodes[i].Address())] = lives[i]
		} else {
			v.Log.Say("%s: no certificate of its etcd: %s", nodes[i].Step.Node.Name, printable.Text(err.Error()))
		}
	}
	return shown
}

func (v View) certifyNode(ctx context.Context, node boot.Node) error {
	name, address := node.Step.Node.Name, node.Address()
	has := node.Step.Node.Certificate() // a copy of what the node has
	if !workspace.Exists(node.Step.Node.Fresh()) && v.Generation.Authority.Fits(has, address) {
		return nil
	}
	text, err := v.Generation.Authority.Issue(name, address, v.Generation.Token.Names(name)...)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, max(v.Options.Helper.Patience, installWithin))
	defer cancel()
	cmd := v.SSH.command(ctx, node, install)
	cmd.Stdin = bytes.NewReader(text)
	if said, err := guest.Said(cmd); err != nil {
		return hint.Errorf("the config must let user="+v.SSH.User+" in, by the word "+config.SSHWord+", and into sudo",
			"its etcd cannot be given a certificate by ssh: %w: %s", err, said)
	}
	v.Log.Say("%s: has a certificate for etcd at %s", name, address)
	return artifact.Write(has, text, 0o600)
}

// Certify gives the nodes' etcd certificates of the authority that signs, if theirs are not, or are old.
func Certify(ctx context.Context, v View, nodes []boot.Node) error { return v.certify(ctx, nodes...) }
