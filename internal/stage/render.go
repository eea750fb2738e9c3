package stage

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"

	"coreos-libvirt/internal/config/render"
	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/image/stream"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/artifact"
	"coreos-libvirt/internal/workspace/wait"
)

// rendered is a node and its Ignition document.
type rendered struct {
	workspace.Node
	doc    []byte
	digest string // sha256 in hex, with the words of discovery as they are
}

// sshWord is replaced by the public half of the cluster's own key pair.
const sshWord = "SSH_Authorized_Key"

// Render makes each node's vm/<node>/ignition.json of the template. None is written before all are made.
func (r *Run) Render(ctx context.Context) error {
	if err := r.lockUnlessReadOnly(ctx); err != nil {
		return err
	}
	words, err := r.madeWords()
	if err != nil {
		return err
	}
	if r.nodes, err = r.renderAll(words); err != nil {
		return err
	}
	r.digest(words)
	for _, node := range r.nodes {
		if err := r.writeNode(node); err != nil {
			return err
		}
	}
	return nil
}

// renderAll makes all nodes' documents, on every core, of the template, the settings' words and more words.
func (r *Run) renderAll(more render.Words) ([]rendered, error) {
	shared, err := r.sharedWords()
	if err != nil {
		return nil, err
	}
	maps.Copy(shared, more)
	templates, err := r.templates()
	if err != nil {
		return nil, err
	}
	nodes, members := make([]rendered, r.Nodes), r.members()
	errs := wait.Each(r.Nodes, func(i int) (err error) { // the first node's is told, as most are the same for all
		nodes[i], err = r.renderNode(members[i], templates, shared)
		return err
	})
	for i, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("%s: %w", workspace.NodeName(r.Prefix, i+1), err)
		}
	}
	return nodes, nil
}

// templates are what nodes are rendered from, by node name: the config, the node's overlay over it,
// the project's snippets over both. The empty name's is for nodes without an overlay.
func (r *Run) templates() (map[string][]byte, error) {
	ready, err := r.readiness()
	if err != nil {
		return nil, err
	}
	templates := map[string][]byte{"": r.template.JSON}
	for name, overlay := range r.overlays {
		if templates[name], err = render.Merge(r.template.JSON, overlay.JSON); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	files, err := r.discoveryContents()
	if err != nil {
		return nil, err
	}
	for name := range templates {
		if templates[name], err = r.withoutUpdates(templates[name]); err != nil {
			return nil, err
		}
		if templates[name], err = render.WithFiles(templates[name], files); err != nil {
			return nil, err
		}
		if ready == nil {
			continue
		}
		if templates[name], err = render.WithReadiness(templates[name], *ready); err != nil {
			return nil, err
		}
	}
	return templates, nil
}

// withoutUpdates is the template with what updates=off stands for, unless it has settings of updates of its own.
func (r *Run) withoutUpdates(template []byte) ([]byte, error) {
	if r.Updates {
		return template, nil
	}
	merged, own, err := render.WithoutUpdates(template, r.system())
	if own && r.Given("updates") {
		r.warn("updates=off adds nothing: %s has settings of its own of updates", r.configPath())
	}
	return merged, err
}

// system is the one that nodes boot, "flatcar" or else "fcos", by what is known before there is an image: image= as it is
// written, and the config's variant.
func (r *Run) system() string { return cmp.Or(r.namedSystem(), "fcos") }

// namedSystem is the same, and empty where neither tells.
func (r *Run) namedSystem() string {
	name, _, _ := stream.Parse(r.Image)
	return r.osOf(Base{Path: r.Image, Image: stream.Image{OS: name.OS}})
}

// renderNode makes the node's document of its template and words.
func (r *Run) renderNode(node workspace.Node, templates map[string][]byte, shared render.Words) (rendered, error) {
	words := maps.Clone(shared)
	maps.Copy(words, nodeWords(node))
	if flags, err := os.ReadFile(node.EtcdFlags()); err == nil && r.token != nil && words[discovery.WordFlags] == r.words[discovery.WordFlags] {
		words[discovery.WordFlags] = string(flags)
	}
	template, ok := templates[node.Name]
	if !ok {
		template = templates[""]
	}
	doc, err := render.Node(template, words)
	if err != nil {
		return rendered{}, fmt.Errorf("%s: %w", r.sources(node.Name), err)
	}
	return rendered{Node: node, doc: doc}, nil
}

// digest notes what each node's document is apart from the words of discovery: they change from one
// generation of the cluster to the next, and a node that has joined needs them no more.
func (r *Run) digest(words render.Words) {
	for i := range r.nodes {
		sum := sha256.Sum256(append(r.tried[i][:], words[sshWord]...))
		r.nodes[i].digest = hex.EncodeToString(sum[:])
	}
}

// nodeWords are the words whose values differ from node to node.
func nodeWords(node workspace.Node) render.Words {
	return render.Words{"Node_Name": node.Name, "Node_Number": strconv.Itoa(node.Number), "Node_MAC": node.MAC}
}

func (r *Run) writeNode(node rendered) error {
	if r.readOnly || r.pending {
		return nil
	}
	wrote, err := artifact.WriteIfChanged(node.Ignition(), node.doc, 0o600)
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

// sharedWords are the words whose values all nodes share and the settings tell.
func (r *Run) sharedWords() (render.Words, error) {
	vars, err := r.VarsFile(r.beside("vars.yml"))
	if err != nil {
		return nil, err
	}
	words := render.Words{"Node_Prefix": r.Prefix, "Cluster_Name": r.Prefix, "Node_Count": strconv.Itoa(r.Nodes)}
	maps.Copy(words, vars)
	return words, nil
}

// madeWords are the words whose values are made for the cluster: those of Discovery, and the key pair's
// public half if the config asks for it.
func (r *Run) madeWords() (render.Words, error) {
	words := render.Words{}
	maps.Copy(words, r.words)
	used, err := r.uses(sshWord)
	if err != nil || !used {
		return words, err
	}
	if r.readOnly && !r.access(r.Prefix).HasKey() {
		words[sshWord] = sshWord // the key pair is still to be made, as are the nodes
		return words, nil
	}
	words[sshWord], err = r.access(r.Prefix).PublicKey("cluster-" + r.Prefix)
	return words, err
}

// readiness reads the snippet that every node gets, unless ready=off.
func (r *Run) readiness() (*render.Readiness, error) {
	if !r.Ready {
		return nil, nil
	}
	var ready render.Readiness
	for name, text := range map[string]*[]byte{"ready.sh": &ready.Script, "ready.service": &ready.Service, "hotplug.rules": &ready.Rules} {
		var err error
		if *text, err = os.ReadFile(filepath.Join(r.Workspace, "templates", name)); err != nil {
			return nil, hint.Errorf("ready=off does without", "the readiness snippet lacks: %w", err)
		}
	}
	return &ready, nil
}
