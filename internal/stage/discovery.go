package stage

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"coreos-libvirt/internal/cluster/facts"
	"coreos-libvirt/internal/config/render"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
)

// Discovery makes sure of a token for the cluster's etcd, if the config asks for one. A token lives as
// long as the cluster: nodes that were made with it find each other by no other.
func (r *Run) Discovery(ctx context.Context) error {
	if err := r.lockUnlessReadOnly(ctx); err != nil {
		return err
	}
	used, err := r.uses(discovery.Words...)
	if err := errors.Join(err, r.checkDiscoveryAccess()); err != nil {
		return err
	}
	if !used {
		r.log.Say("discovery: the config does not ask for it")
		return r.undiscovered()
	}
	token, err := r.keepOrMakeToken(ctx)
	if errors.Is(err, errNoToken) {
		r.words = r.wordsToCome()
		return nil
	}
	if err != nil {
		return err
	}
	r.token = &token
	if r.pending = r.all() && r.anyOverlay(); r.pending { // the next one is made when the nodes of this one go
		r.log.Say("discovery: the token of this cluster goes when `mage up` has removed its nodes, and another one comes")
		r.words = r.wordsToCome()
		return nil
	}
	r.words, err = r.wordsOf(token)
	return err
}

// undiscovered has the token all the same where nodes were made with one: they have an etcd, whatever the config
// says now.
func (r *Run) undiscovered() error {
	token, found, err := discovery.Read(r.vm(), r.Prefix)
	if found && r.anyOverlay() {
		r.token = &token
	}
	return err
}

// wordsOf are the words that the token stands for, with what nodes need to reach a service that asks who
// they are, and the certificate of the cluster's own authority.
func (r *Run) wordsOf(token discovery.Token) (render.Words, error) {
	words := render.Words(token.Values())
	if token.Kind == discovery.KindV3 {
		words[discovery.WordFlags] += r.discoveryFlags()
	}
	if !token.TLS {
		return words, nil
	}
	if _, none := os.Stat(r.authority().CertificateFile()); none != nil && r.readOnly {
		words[discovery.WordCA] = discovery.WordCA // still to be made
		return words, nil
	}
	certificate, err := r.authority().Certificate()
	words[discovery.WordCA] = string(certificate)
	return words, err
}

// keepOrMakeToken is the token of this generation of the cluster.
func (r *Run) keepOrMakeToken(ctx context.Context) (discovery.Token, error) {
	tls, err := r.uses(discovery.WordCA)
	if err != nil {
		return discovery.Token{}, err
	}
	token, kept, err := r.keptToken(ctx, tls)
	switch {
	case err != nil || kept:
		return token, err
	case r.readOnly:
		return token, errNoToken
	}
	if token, err = r.newToken(ctx, tls); err != nil {
		return token, err
	}
	if err := r.checkWords(wordsOfKinds(token.Kind)); err != nil { // its kind may be known only now
		return token, err
	}
	return token, r.begin(token)
}

// begin begins a new generation of the cluster: none of its nodes has been made.
func (r *Run) begin(token discovery.Token) error {
	err := r.forgetJoining()
	if token.TLS {
		err = errors.Join(err, r.authority().Make())
	} else {
		err = errors.Join(err, os.RemoveAll(r.authority().Dir))
	}
	if err != nil {
		return err
	}
	r.log.Say("discovery: %s", describeToken(token))
	return token.Write(r.vm(), r.Prefix)
}

// keptToken is the one that there is, if nodes were made with it or this run's settings want no other.
func (r *Run) keptToken(ctx context.Context, tls bool) (discovery.Token, bool, error) {
	token, found, err := discovery.Read(r.vm(), r.Prefix)
	if err != nil || !found {
		return token, false, err
	}
	all := r.Recreate == "all" || token.Retired
	if r.anyOverlay() {
		err = r.checkKept(token, tls, all)
	} else if all || r.Renew || !r.isGood(ctx, token, tls) {
		return token, false, nil
	}
	if err == nil && !all {
		r.log.Say("discovery: the token of this cluster of %d is kept, %s", token.Size, strings.TrimPrefix(describeToken(token), "a new token for "))
	}
	return token, true, err
}

// checkKept refuses what nodes that were made with the token cannot be.
func (r *Run) checkKept(token discovery.Token, tls, all bool) error {
	if r.Renew {
		return hint.Errorf("`mage up recreate=all` makes a new cluster; `mage down` removes this one", "renew=true: there are nodes that were made with the token of this cluster, they find each other by no other")
	}
	if token.TLS != tls && !all {
		return hint.Errorf("recreate=all makes a new cluster", "%s: the word %s says whether etcd's members speak TLS, and this cluster was made otherwise", r.configPath(), discovery.WordCA)
	}
	return nil
}

// uses tells whether one of the words stands in the config or in a node's overlay.
func (r *Run) uses(words ...string) (bool, error) {
	docs := [][]byte{r.template.JSON}
	for _, overlay := range r.overlays {
		docs = append(docs, overlay.JSON)
	}
	for _, doc := range docs {
		if used, err := render.Uses(doc, words...); err != nil || len(used) > 0 {
			return len(used) > 0, err
		}
	}
	return false, nil
}

// errNoToken is a look at what would be, before there is a token.
var errNoToken = errors.New("there is no discovery token yet")

// forgetJoining forgets by what flags nodes joined an earlier generation of the cluster.
func (r *Run) forgetJoining() error {
	for _, node := range r.members() {
		if err := os.Remove(node.EtcdFlags()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// anyOverlay tells whether a node of the cluster has been made.
func (r *Run) anyOverlay() bool {
	entries, _ := os.ReadDir(r.vm())
	for _, entry := range entries {
		n := workspace.NumberOf(r.Prefix, entry.Name())
		if n == 0 {
			continue
		}
		node := r.ws().Node(r.Prefix, n)
		if m := facts.Made(node); workspace.Exists(node.Overlay()) && (m == nil || m.Cluster == r.Prefix) {
			return true
		}
	}
	return false
}

// helper is the program that carries etcd's modules.
func (r *Run) helper() etcd.Helper { return etcd.NewHelper(r.Workspace, filepath.Join(r.Cache, "bin")) }

// discoveryCredentials are what this host shows to an etcd elsewhere that serves discovery.
func (r *Run) discoveryCredentials() etcd.Credentials {
	user, password, _ := strings.Cut(r.DiscoveryUser, ":")
	return etcd.Credentials{CA: r.DiscoveryCA, Cert: r.DiscoveryCert, Key: r.DiscoveryKey, User: user, Password: password}
}

// serveDiscovery serves the cluster's token while the nodes look for each other: until it has formed.
func (r *Run) serveDiscovery(ctx context.Context) (*etcd.Server, error) {
	if r.token == nil || !discovery.IsEmbedded(r.token.Kind) || r.token.Formed {
		return nil, nil
	}
	if _, err := r.helper().Build(ctx, r.log.Say); err != nil {
		return nil, err
	}
	return r.helper().Serve(ctx, r.token.Endpoint, discovery.Data(r.vm(), r.Prefix), r.token.ID, r.token.Size)
}
