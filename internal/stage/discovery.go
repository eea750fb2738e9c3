package stage

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"coreos-libvirt/internal/discovery"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/render"
)

// Discovery makes sure of a token for the cluster's etcd, if the config asks for one. A token lives as
// long as the cluster: nodes that were made with it find each other by no other.
func (r *Run) Discovery(ctx context.Context) error {
	if err := r.lockUnlessReadOnly(ctx); err != nil {
		return err
	}
	used, err := r.uses(discovery.Words...)
	if err != nil {
		return err
	}
	if !used {
		r.log.Say("discovery: the config does not ask for it")
		return nil
	}
	token, err := r.keepOrMakeToken()
	if err != nil && r.preview {
		r.unserved()
		return nil
	}
	if err != nil {
		return err
	}
	r.token, r.words = &token, token.Values()
	return nil
}

// unserved leaves the words of discovery as they are: who only looks at documents needs no bridge.
// Such documents are not written.
func (r *Run) unserved() {
	r.words = render.Words{}
	for _, word := range discovery.Words {
		r.words[word] = word
	}
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

func (r *Run) keepOrMakeToken() (discovery.Token, error) {
	token, found, err := discovery.Read(r.vm(), r.Prefix)
	if err != nil {
		return token, err
	}
	if found && (token.Size == r.Nodes || r.anyOverlay()) && r.Recreate != "all" {
		r.log.Say("discovery: the token of this cluster of %d is kept", token.Size)
		return token, nil
	}
	if r.readOnly {
		return token, errNoToken
	}
	address, err := discovery.BridgeAddress(r.Bridge)
	if err != nil {
		return token, err
	}
	if token, err = discovery.New(address, r.Nodes); err != nil {
		return token, err
	}
	if err := r.forgetJoining(); err != nil {
		return token, err
	}
	r.log.Say("discovery: a new token for %d members, %s", token.Size, token.URL())
	return token, token.Write(r.vm(), r.Prefix)
}

// forgetJoining forgets by what flags nodes joined an earlier generation of the cluster.
func (r *Run) forgetJoining() error {
	for _, node := range r.members() {
		if err := os.Remove(r.joiningFile(node)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// anyOverlay tells whether a node of the cluster has been made.
func (r *Run) anyOverlay() bool {
	found, _ := filepath.Glob(r.vm(r.Prefix+"[0-9]*", r.Prefix+"[0-9]*.qcow2"))
	return len(found) > 0
}

// helper is the program that carries etcd's modules.
func (r *Run) helper() etcd.Helper { return etcd.NewHelper(r.Workspace, filepath.Join(r.Cache, "bin")) }

// serveDiscovery serves the cluster's token while the nodes look for each other.
func (r *Run) serveDiscovery(ctx context.Context) (*etcd.Server, error) {
	if r.token == nil {
		return nil, nil
	}
	if _, err := r.helper().Build(ctx, r.log.Say); err != nil {
		return nil, err
	}
	return r.helper().Serve(ctx, r.token.Endpoint, discovery.Data(r.vm(), r.Prefix), r.token.ID, r.token.Size)
}
