package generation

import (
	"context"
	"path/filepath"
	"slices"

	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/authority"
	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/workspace"
)

// authorityOf is the cluster's own.
func authorityOf(dir, prefix string) authority.Authority {
	return authority.Authority{Dir: filepath.Join(dir, workspace.TLSName(prefix))}
}

// TLS reports whether the cluster's etcd speaks it.
func (g Generation) TLS() bool { return g.Token != nil && g.Token.TLS }

// Members is the helper with what the cluster's members want to see, logged in if they have users.
func (g Generation) Members(helper etcd.Helper) etcd.Helper {
	if !g.TLS() {
		return helper.ToMembers(etcd.Credentials{})
	}
	own := g.Authority
	return helper.ToMembers(etcd.Credentials{CA: own.CertificateFile(), Cert: own.ClientFile(), Key: own.ClientFile()})
}

// Serve serves the cluster's token while the nodes look for each other: until its etcd has formed. It gives nil if nobody
// needs that. If the service ends by itself, that is said at once.
func (g Generation) Serve(ctx context.Context, o Options) (*etcd.Server, error) {
	if g.Token == nil || !discovery.IsEmbedded(g.Token.Kind) || g.Token.Formed {
		return nil, nil
	}
	if _, err := o.Helper.Build(ctx, o.Say); err != nil {
		return nil, err
	}
	service := etcd.Service{Listen: g.Token.Endpoint, Data: discovery.Data(o.Dir, o.Prefix)}
	service.Token.ID, service.Token.Size = g.Token.ID, g.Token.Size
	service.Link, service.MACs = o.linkOf(*g.Token)
	server, err := o.Helper.Serve(ctx, service, o.Say)
	if err != nil {
		return nil, err
	}
	go func() {
		if err := server.Wait(); err != nil {
			o.Say("warning: %v", err)
		}
	}()
	return server, nil
}

// linkOf is the link that the nodes are on, with their hardware addresses, if the token is served at an address of it: then
// whoever calls is on it, too, and the host's kernel knows its hardware address. Elsewhere routers are between.
func (o Options) linkOf(token discovery.Token) (link string, macs []string) {
	link, err := o.Bridge()
	if err != nil || !token.IsServedOn(link) {
		o.Say("discovery: whether a caller is a node is not looked at: %s is not an address of the nodes' link", token.Endpoint)
		return "", nil
	}
	nodes := o.Nodes
	if len(nodes) == 0 || nodes[0].Group == "" { // a token for more members than there are nodes
		nodes = slices.Concat(nodes, workspace.Nodes(o.Dir, o.Prefix, max(len(o.Nodes), token.Size)))
	}
	for _, node := range nodes {
		if !slices.Contains(macs, node.MAC) {
			macs = append(macs, node.MAC)
		}
	}
	return link, macs
}
