// Package rotation replaces the authority that signs the certificates of a cluster's etcd, while etcd is used.
package rotation

import (
	"bytes"
	"cmp"
	"context"
	"encoding/pem"
	"fmt"
	"os"
	"slices"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/etcdunit"
	"coreos-libvirt/internal/cluster/members"
	"coreos-libvirt/internal/config/verify/document"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
)

// install writes standard input to the file $1 of a node, whole or not at all, with the owner and the mode that the file has, and restarts
// etcd, the unit $2: it reads whom it trusts only when it starts.
const install = `cp -p "$1" "$1.new" && cat >"$1.new" && mv "$1.new" "$1" && systemctl restart "$2"`

// Rotate replaces the authority, in the steps of which none makes a member unknown to another: all trust the next one beside the one that
// there is, then all have a certificate of the next one, then all trust only that. A run that goes on with what another one began does all of
// the step in which that ended.
func Rotate(ctx context.Context, v members.View, nodes []boot.Node) error {
	if err := check(ctx, v, nodes); err != nil {
		return err
	}
	own := v.Generation.Authority
	both, err := own.Trust()
	if err != nil {
		return err
	}
	if err := trustOnAll(ctx, v, nodes, both, "the next authority, too"); err != nil {
		return err
	}
	if err := own.Switch(); err != nil {
		return err
	}
	if err := members.Certify(ctx, v, nodes); err != nil {
		return unfinished(v, err)
	}
	next, err := own.Next()
	if err == nil {
		err = trustOnAll(ctx, v, nodes, next, "only the new authority")
	}
	if err == nil {
		err = own.Finish()
	}
	return err
}

// check is an error if a member is not well, or a node is not there: all of them must take part.
func check(ctx context.Context, v members.View, nodes []boot.Node) error {
	if !v.Generation.TLS() {
		return hint.Errorf("the word Etcd_CA_Certificate in a config turns it on, as in ignition/examples/etcd-tls.yml", "the etcd of the cluster %s has no TLS", v.Options.Prefix)
	}
	status, err := v.StatusOf(ctx, nodes)
	if err == nil {
		err = cmp.Or(status.Check(len(nodes)), status.CheckMembers(), v.CheckStrangers(nodes, status))
	}
	if err == nil && len(status.Peers.Voters()) != len(nodes) {
		err = hint.Errorf("`mage status prefix="+v.Options.Prefix+"` says why nodes cannot be reached", "etcd has %d members with a vote, and %d nodes can be reached", len(status.Peers.Voters()), len(nodes))
	}
	if err != nil {
		return fmt.Errorf("while a member is not well no authority is rotated: %w", err)
	}
	for _, n := range nodes {
		if _, err := fileOf(n.Step.Node); err != nil {
			return err
		}
	}
	return nil
}

func unfinished(v members.View, err error) error {
	return fmt.Errorf("the rotation has begun, and two authorities are trusted until `mage tls:rotate prefix=%s` has ended it: %w", v.Options.Prefix, err)
}

// trustOnAll has all members trust the authorities, PEM: one after the other, the leader last, each when all are healthy.
func trustOnAll(ctx context.Context, v members.View, nodes []boot.Node, trusted []byte, what string) error {
	status, err := v.StatusOf(ctx, nodes)
	if err != nil {
		return unfinished(v, err)
	}
	order := slices.SortedStableFunc(slices.Values(nodes), func(a, b boot.Node) int { return leads(v, status, a) - leads(v, status, b) })
	for _, n := range order {
		err := trust(ctx, v, n, trusted)
		if err == nil {
			_, err = members.AwaitHealthy(ctx, v, nodes)
		}
		if err != nil {
			return unfinished(v, fmt.Errorf("%s: %w", n.Step.Node.Name, err))
		}
		v.Log.Say("%s: its etcd trusts %s", n.Step.Node.Name, what)
	}
	return nil
}

func leads(v members.View, status etcd.Status, node boot.Node) int {
	for _, m := range status.Members {
		if m.Endpoint == v.ClientURL(node.Address()) && m.IsLeader() {
			return 1
		}
	}
	return 0
}

// trust has the node's member trust the authorities.
func trust(ctx context.Context, v members.View, node boot.Node, trusted []byte) error {
	path, err := fileOf(node.Step.Node)
	if err != nil {
		return err
	}
	ctx, cancel := etcdunit.Limited(ctx, v)
	defer cancel()
	at, err := etcdunit.Find(ctx, v.SSH, node)
	if err != nil {
		return err
	}
	if _, err = etcdunit.Run(ctx, v.SSH, node, bytes.NewReader(trusted), "rotate", install, path, at); err != nil {
		return fmt.Errorf("its etcd cannot be given the authority: %w", err)
	}
	return nil
}

// fileOf is the file of the node that has the certificate of the authority, as its document says.
func fileOf(node workspace.Node) (string, error) {
	text, err := os.ReadFile(node.MadeOf())
	if err != nil {
		return "", fmt.Errorf("%s: what it was made of is not known: %w", node.Name, err)
	}
	d, err := document.Parse(text)
	if err != nil {
		return "", fmt.Errorf("%s: %w", node.MadeOf(), err)
	}
	paths := []string{}
	for _, f := range d.Files {
		if block, _ := pem.Decode(f.Data); block != nil && block.Type == "CERTIFICATE" && bytes.HasPrefix(bytes.TrimSpace(f.Data), []byte("-----BEGIN")) {
			paths = append(paths, f.Path)
		}
	}
	if len(paths) != 1 {
		return "", hint.Errorf("a config has it in one file of its own, as ignition/examples/etcd-tls.yml has", "%s: the certificate of the authority is to be in one file of the node, and %d have certificates", node.Name, len(paths))
	}
	return paths[0], nil
}
