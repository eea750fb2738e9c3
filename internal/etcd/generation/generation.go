// Package generation is one generation of a cluster: the token by which its etcd's members find each other, and what goes
// with it into the nodes' documents. It ends when all nodes are recreated together.
package generation

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"coreos-libvirt/internal/config"
	"coreos-libvirt/internal/config/render"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/authority"
	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
)

// Options say how the members of the cluster's etcd find each other.
type Options struct {
	Dir    string           // of generated files
	Prefix string           // of the cluster
	Nodes  []workspace.Node // that shall have members of its etcd: see WithMembers

	Way       string                 // discovery=
	Listen    string                 // address of the embedded service; empty is the bridge's
	Bridge    func() (string, error) // the link by which this host reaches the nodes
	Addresses string                 // of the nodes, with commas, for discovery=static; empty: they are looked up
	Access    Access                 // to an etcd elsewhere

	HasNodes bool // nodes of the cluster have been made
	All      bool // recreate=all
	Renew    bool // make a new token
	ReadOnly bool // nothing is made, written or asked
	Try      bool // a look finds out, too, what would go wrong with a token that is still to be made

	Helper etcd.Helper
	Say    func(format string, args ...any)
}

// Generation is a value: what changes in it gives another one.
type Generation struct {
	Token     *discovery.Token // nil: there is no etcd, or no token yet
	Words     render.Words     // of discovery, with their values
	Files     map[string][]byte
	Authority authority.Authority // has files if the token has TLS
	Pending   bool                // documents wait for the token of the next generation
	Coming    *discovery.Token    // in a look: what is known of a token that is still to be made; nil if none is
}

// WithMembers are the options, with those of the nodes that are members of the cluster's etcd: the nodes whose config has a word of
// discovery, or if none has, all.
func WithMembers(o Options, source config.Set) (Options, error) {
	members, err := source.Using(discovery.Words...)
	if len(members) > 0 {
		o.Nodes = members
	}
	return o, err
}

// Make makes sure of a token for the cluster's etcd, if the config asks for one. A token lives as long as the cluster:
// nodes that were made with it find each other by no other.
func Make(ctx context.Context, o Options, source config.Set) (Generation, error) {
	used, err := source.Uses(discovery.Words...)
	if err := errors.Join(err, o.Access.check(), o.Helper.CheckLogin()); err != nil {
		return o.none(), err
	}
	if !used {
		o.Say("discovery: the config does not ask for it")
		return o.undiscovered()
	}
	token, err := o.keepOrMake(ctx, source)
	if errors.Is(err, errNoToken) {
		g := o.toCome()
		g.Coming = &token
		return g, o.tryWay(ctx, token.TLS)
	}
	if err != nil {
		return o.none(), err
	}
	if (o.All || token.Retired) && o.HasNodes { // the next one is made when the nodes of this one go
		if err := o.tryWay(ctx, token.TLS); err != nil {
			return o.none(), err
		}
		o.Say("discovery: `mage up` removes the nodes of this cluster, and then replaces its token by a new one")
		return o.pending(token)
	}
	return o.of(token)
}

// Read is the generation as its token says, without what goes into documents.
func Read(dir, prefix string) Generation {
	g := Generation{Authority: authorityOf(dir, prefix)}
	if token, found, err := discovery.Read(dir, prefix); err == nil && found {
		g.Token = &token
	}
	return g
}

// Next is the token of the generation to come, which is written nowhere yet. It is nil if the config does not ask for one
// any more.
func Next(ctx context.Context, o Options, source config.Set) (*discovery.Token, error) {
	used, err := source.Uses(discovery.Words...)
	if err != nil || !used {
		return nil, err
	}
	next, err := o.newToken(ctx, source)
	if err == nil && discovery.IsEmbedded(next.Kind) {
		_, err = o.Helper.Build(ctx, o.Say)
	}
	return &next, err
}

// Begin begins a new generation of the cluster, of which no node has been made.
func Begin(o Options, token discovery.Token) (Generation, error) {
	err := o.forgetJoining()
	if token.TLS {
		err = errors.Join(err, o.none().Authority.Make())
	} else {
		err = errors.Join(err, os.RemoveAll(o.none().Authority.Dir))
	}
	if err != nil {
		return o.none(), err
	}
	o.Say("discovery: %s", describe(token))
	if err := token.Write(o.Dir, o.Prefix); err != nil {
		return o.none(), err
	}
	return o.of(token)
}

// End ends the cluster's last generation: no other follows.
func End(o Options) (Generation, error) {
	none := o.none()
	return none, errors.Join(o.forgetJoining(), os.RemoveAll(none.Authority.Dir), discovery.Forget(o.Dir, o.Prefix))
}

// Formed is the generation whose etcd has formed: from now on its token is not served any more.
func (g Generation) Formed(o Options) (Generation, error) {
	return g.marked(o, func(t *discovery.Token) { t.Formed = true })
}

// Retired is the generation whose nodes are being removed, for the next one.
func (g Generation) Retired(o Options) (Generation, error) {
	return g.marked(o, func(t *discovery.Token) { t.Retired = true })
}

func (g Generation) marked(o Options, mark func(*discovery.Token)) (Generation, error) {
	token := *g.Token
	mark(&token)
	g.Token = &token
	return g, token.Mark(o.Dir, o.Prefix)
}

// ForDocuments is what goes into the documents of the nodes: the words and files, and by what flags nodes have joined
// etcd, so that they are rendered the same again.
func (g Generation) ForDocuments(nodes []workspace.Node) config.Made {
	made := config.Made{Words: render.Words{}, Own: map[string]render.Words{}, Files: g.Files}
	maps.Copy(made.Words, g.Words)
	if g.Token == nil {
		return made
	}
	for _, node := range nodes {
		if flags, err := os.ReadFile(node.EtcdFlags()); err == nil {
			made.Own[node.Name] = render.Words{discovery.WordFlags: string(flags)}
		}
	}
	return made
}

// forgetJoining forgets by what flags nodes joined an earlier generation of the cluster.
func (o Options) forgetJoining() error {
	for _, node := range o.Nodes {
		if err := os.Remove(node.EtcdFlags()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// none is a cluster without etcd.
func (o Options) none() Generation { return Generation{Authority: authorityOf(o.Dir, o.Prefix)} }

// toCome is a look at what would be, before there is a token.
func (o Options) toCome() Generation {
	g := o.none()
	g.Words = Later(o)
	return g
}

// pending is the generation whose nodes are about to go.
func (o Options) pending(token discovery.Token) (g Generation, err error) {
	g = o.toCome()
	g.Token, g.Pending = &token, true
	g.Files, err = o.filesOf(token)
	return g, err
}

// undiscovered has the token all the same if nodes were made with one: they have an etcd, whatever the config says now.
func (o Options) undiscovered() (g Generation, err error) {
	g = o.none()
	token, found, err := discovery.Read(o.Dir, o.Prefix)
	if err != nil || !found || !o.HasNodes {
		return g, err
	}
	g.Token = &token
	g.Files, err = o.filesOf(token)
	return g, err
}

// of is the generation of the token: its words have what nodes need to reach a service that asks who they are, and the
// certificate of the cluster's own authority.
func (o Options) of(token discovery.Token) (g Generation, err error) {
	g = o.none()
	g.Token, g.Words = &token, render.Words(token.Values())
	if token.Kind == discovery.KindV3 {
		g.Words[discovery.WordFlags] += o.Access.flags()
	}
	if token.TLS {
		if g.Words[discovery.WordCA], err = o.certificate(); err != nil {
			return g, err
		}
	}
	g.Files, err = o.filesOf(token)
	return g, err
}

// certificate is that of the cluster's authority. A look that tries nothing does without, if it is not there.
func (o Options) certificate() (string, error) {
	own := authorityOf(o.Dir, o.Prefix)
	if _, err := os.Stat(own.CertificateFile()); err != nil && o.ReadOnly && !o.Try {
		return discovery.WordCA, nil
	}
	certificate, err := own.Certificate()
	return string(certificate), err
}

// errNoToken is a look at what would be, before there is a token.
var errNoToken = errors.New("there is no discovery token yet")

// keepOrMake is the token of this generation of the cluster. A new one is written.
func (o Options) keepOrMake(ctx context.Context, source config.Set) (discovery.Token, error) {
	tls, err := source.Uses(discovery.WordCA)
	if err != nil {
		return discovery.Token{}, err
	}
	token, kept, err := o.kept(ctx, source.Path(), tls)
	switch {
	case err != nil || kept:
		return token, err
	case o.ReadOnly:
		return discovery.Token{Kind: o.kinds()[0], TLS: tls, Size: len(o.Nodes)}, errNoToken
	}
	if token, err = o.newToken(ctx, source); err != nil {
		return token, err
	}
	_, err = Begin(o, token)
	return token, err
}

// kept is the token that there is, if nodes were made with it or this run's settings want no other.
func (o Options) kept(ctx context.Context, path string, tls bool) (discovery.Token, bool, error) {
	token, found, err := discovery.Read(o.Dir, o.Prefix)
	if err != nil || !found {
		return token, false, err
	}
	all := o.All || token.Retired
	if o.HasNodes {
		err = o.checkKept(token, path, tls, all)
	} else if all || o.Renew || !o.isGood(ctx, token, tls) {
		return token, false, nil
	}
	if err == nil && !all {
		o.Say("discovery: the token of this cluster of %d is kept, %s", token.Size, strings.TrimPrefix(describe(token), "a new token for "))
	}
	return token, true, err
}

// checkKept refuses what nodes that were made with the token cannot be.
func (o Options) checkKept(token discovery.Token, path string, tls, all bool) error {
	if o.Renew {
		return hint.Errorf(fmt.Sprintf("`mage up prefix=%s recreate=all` makes a new cluster; `mage down prefix=%s` removes this one", o.Prefix, o.Prefix),
			"renew=true: the nodes of this cluster use its discovery token, and cannot find each other with a new one")
	}
	if token.TLS != tls && !all {
		what := "has the word %s, which turns on TLS for etcd, but this cluster was made without TLS"
		if token.TLS {
			what = "does not have the word %s, which turns on TLS for etcd, but this cluster was made with TLS"
		}
		return hint.Errorf("`mage up prefix="+o.Prefix+" recreate=all` makes a new cluster", "%s "+what, path, discovery.WordCA)
	}
	return nil
}

// newToken makes a token for the config. Its kind may be known only now, so the config's words are looked at again.
func (o Options) newToken(ctx context.Context, source config.Set) (token discovery.Token, err error) {
	tls, err := source.Uses(discovery.WordCA)
	if err != nil {
		return token, err
	}
	token, err = o.tokenOfWay(ctx, tls)
	if token.TLS = tls; err != nil {
		return token, err
	}
	return token, o.checkWords(source, token.Kind)
}

// checkWords finds words of the config that a token of the kind has no value for.
func (o Options) checkWords(source config.Set, kind string) error {
	warnings, err := source.CheckWords(wordsOf(kind))
	for _, warning := range warnings {
		if !slices.Contains(source.Warnings(), warning) { // else it was said
			o.Say("%s", warning)
		}
	}
	return err
}
