package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/config"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/printable"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/artifact"
	"coreos-libvirt/internal/workspace/wait"
)

const (
	// certificate is where a node finds its own certificate and key, in one PEM file. Who owns the folder owns
	// the file: a config may give it to etcd's user.
	certificate = "/etc/etcd/member.pem"
	// install puts standard input there, whole or not at all.
	install = `sudo sh -c 'umask 077 && mkdir -p /etc/etcd && cat >/etc/etcd/.new && chown --reference=/etc/etcd /etc/etcd/.new && mv /etc/etcd/.new ` + certificate + `'`
	// installPatience is for one node's ssh.
	installPatience = time.Minute
)

// certify gives each node's etcd a certificate for the address that it has, signed by the cluster's own
// authority. The address is known only now: the DHCP server gave it.
func (r *Run) certify(ctx context.Context, nodes ...boot.Node) error {
	if !r.generation.TLS() {
		return nil
	}
	if err := r.generation.Authority.RenewClient(); err != nil {
		return err
	}
	return errors.Join(wait.Each(len(nodes), func(i int) error {
		if nodes[i].Report.BootID == "" {
			return hint.Errorf("`mage up` again: it may report itself by now", "%s: its etcd cannot be given a certificate by ssh: it has not reported its host keys", nodes[i].Step.Node.Name)
		}
		if err := r.certifyNode(ctx, nodes[i].Step.Node, nodes[i].Address()); err != nil {
			return fmt.Errorf("%s: %w", nodes[i].Step.Node.Name, err)
		}
		return nil
	})...)
}

func (r *Run) certifyNode(ctx context.Context, node workspace.Node, address string) error {
	own := node.Certificate() // what the node has
	_, err := os.Stat(node.Fresh())
	if fresh := err == nil; !fresh && r.generation.Authority.Fits(own, address) {
		return nil
	}
	text, err := r.generation.Authority.Issue(node.Name, address)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, installPatience)
	defer cancel()
	cmd := r.access(r.Prefix).Command(ctx, r.User, node.Name, address, install)
	cmd.Stdin = bytes.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		return hint.Errorf("the config must let user="+r.User+" in, by the word "+config.SSHWord+", and into sudo",
			"its etcd cannot be given a certificate by ssh: %w: %s", err, printable.Text(string(out)))
	}
	r.log.Say("%s: has a certificate for etcd at %s", node.Name, address)
	return artifact.Write(own, text, 0o600)
}
