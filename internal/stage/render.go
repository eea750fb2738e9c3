package stage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"

	"coreos-libvirt/internal/artifact"
	"coreos-libvirt/internal/cluster"
	"coreos-libvirt/internal/hint"
	"coreos-libvirt/internal/render"
)

// rendered is a node and its Ignition document.
type rendered struct {
	cluster.Node
	doc    []byte
	digest string // sha256 in hex
}

// sshWord is replaced by the public half of the cluster's own key pair.
const sshWord = "SSH_Authorized_Key"

// Render makes each node's vm/<node>/ignition.json of the template.
func (r *Run) Render(ctx context.Context) error {
	if err := r.lock(ctx, r.Prefix); err != nil {
		return err
	}
	ready, err := r.readiness()
	if err != nil {
		return err
	}
	shared, err := r.sharedWords()
	if err != nil {
		return err
	}
	r.nodes = nil
	for _, node := range r.members() {
		if err := r.renderNode(node, ready, shared); err != nil {
			return fmt.Errorf("%s: %w", node.Name, err)
		}
	}
	return nil
}

func (r *Run) renderNode(node cluster.Node, ready *render.Readiness, shared render.Words) error {
	doc, err := r.document(node, ready, shared)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(doc)
	r.nodes = append(r.nodes, rendered{node, doc, hex.EncodeToString(sum[:])})
	if r.preview && r.token == nil && len(r.words) > 0 {
		return nil
	}
	wrote, err := artifact.WriteIfChanged(node.Ignition(), doc, 0o600)
	if err != nil {
		return err
	}
	if wrote {
		r.log.Say("%s: rendered %s", node.Name, r.relative(node.Ignition()))
	} else {
		r.log.Say("%s: ignition.json unchanged", node.Name)
	}
	return nil
}

// document is the node's Ignition document: the config, the node's overlay over it, and the
// readiness snippet over both, with the node's words.
func (r *Run) document(node cluster.Node, ready *render.Readiness, shared render.Words) ([]byte, error) {
	words := maps.Clone(shared)
	maps.Copy(words, render.Words{"Node_Name": node.Name, "Node_Number": strconv.Itoa(node.Number), "Node_MAC": node.MAC})
	template := r.template.JSON
	if overlay, ok := r.overlays[node.Name]; ok {
		var err error
		if template, err = render.Merge(template, overlay.JSON); err != nil {
			return nil, err
		}
	}
	doc, err := render.Node(template, ready, words)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.configPath(), err)
	}
	return doc, nil
}

// sharedWords are the words whose values all nodes share, those of Discovery included.
func (r *Run) sharedWords() (render.Words, error) {
	vars, err := r.VarsFile(filepath.Join(filepath.Dir(r.configPath()), "vars.yml"))
	if err != nil {
		return nil, err
	}
	words := render.Words{"Node_Prefix": r.Prefix, "Cluster_Name": r.Prefix, "Node_Count": strconv.Itoa(r.Nodes)}
	maps.Copy(words, vars)
	maps.Copy(words, r.words)
	if used, err := r.uses(sshWord); err != nil || !used {
		return words, err
	}
	words[sshWord], err = r.access(r.Prefix).PublicKey("cluster-" + r.Prefix)
	return words, err
}

// readiness reads the snippet that every node gets, unless ready=off.
func (r *Run) readiness() (*render.Readiness, error) {
	if !r.Ready {
		return nil, nil
	}
	script, err := os.ReadFile(filepath.Join(r.Workspace, "templates", "ready.sh"))
	if err != nil {
		return nil, hint.Errorf("ready=off does without", "the readiness snippet lacks: %w", err)
	}
	service, err := os.ReadFile(filepath.Join(r.Workspace, "templates", "ready.service"))
	if err != nil {
		return nil, hint.Errorf("ready=off does without", "the readiness snippet lacks: %w", err)
	}
	return &render.Readiness{Script: script, Service: service}, nil
}
