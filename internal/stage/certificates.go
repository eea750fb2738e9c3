package stage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"coreos-libvirt/internal/artifact"
	"coreos-libvirt/internal/authority"
	"coreos-libvirt/internal/cluster"
	"coreos-libvirt/internal/discovery"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/hint"
	"coreos-libvirt/internal/printable"
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

// authority is the cluster's own.
func (r *Run) authority() authority.Authority {
	return authority.Authority{Dir: r.vm("tls." + r.Prefix)}
}

// speaksTLS tells whether the cluster's etcd does: as its token says.
func (r *Run) speaksTLS() bool {
	if r.token != nil {
		return r.token.TLS
	}
	token, found, err := discovery.Read(r.vm(), r.Prefix)
	return err == nil && found && token.TLS
}

// membersHelper is the helper, with what the cluster's members want to see.
func (r *Run) membersHelper() etcd.Helper {
	if !r.speaksTLS() {
		return r.helper()
	}
	own := r.authority()
	return r.helper().With(etcd.Credentials{CA: own.CertificateFile(), Cert: own.ClientFile(), Key: own.ClientFile()})
}

// certify gives each node's etcd a certificate for the address that it has, signed by the cluster's own
// authority. The address is known only now: the DHCP server gave it.
func (r *Run) certify(ctx context.Context, nodes ...booted) error {
	if r.token == nil || !r.token.TLS {
		return nil
	}
	if err := r.authority().RenewClient(); err != nil {
		return err
	}
	return errors.Join(eachOf(len(nodes), func(i int) error {
		if nodes[i].report.BootID == "" {
			return hint.Errorf("`mage up` again: it may report itself by now", "%s: its etcd cannot be given a certificate by ssh: it has not reported its host keys", nodes[i].step.Node.Name)
		}
		if err := r.certifyNode(ctx, nodes[i].step.Node, nodes[i].address()); err != nil {
			return fmt.Errorf("%s: %w", nodes[i].step.Node.Name, err)
		}
		return nil
	})...)
}

func (r *Run) certifyNode(ctx context.Context, node cluster.Node, address string) error {
	own := filepath.Join(node.Dir, "etcd.pem") // what the node has
	_, err := os.Stat(node.Fresh())
	if fresh := err == nil; !fresh && r.authority().Fits(own, address) {
		return nil
	}
	text, err := r.authority().Issue(node.Name, address)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, installPatience)
	defer cancel()
	cmd := r.access(r.Prefix).Command(ctx, r.User, node.Name, address, install)
	cmd.Stdin = bytes.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		return hint.Errorf("the config must let user="+r.User+" in, by the word "+sshWord+", and into sudo",
			"its etcd cannot be given a certificate by ssh: %w: %s", err, printable.Text(string(out)))
	}
	r.log.Say("%s: has a certificate for etcd at %s", node.Name, address)
	return artifact.Write(own, text, 0o600)
}
