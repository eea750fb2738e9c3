package config

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"runtime"
	"strconv"

	"golang.org/x/sync/errgroup"

	"coreos-libvirt/internal/config/render"
	"coreos-libvirt/internal/workspace"
)

// Document is a node's Ignition document.
type Document struct {
	workspace.Node
	JSON   []byte
	Digest string // sha256 in hex, without the words that Discovery gives values
}

// Made is what was made for the cluster, and goes into its documents.
type Made struct {
	Words render.Words
	Own   map[string]render.Words // words of single nodes, by name: they count more
	Files map[string][]byte       // by path
}

// Render makes the documents of all nodes, on every processor. Of several errors it gives the first node's: most are the
// same for all.
func (s Source) Render(made Made) ([]Document, error) {
	documents, errs := make([]Document, len(s.nodes)), make([]error, len(s.nodes))
	templates, err := s.templates(made.Files)
	if err != nil {
		return nil, err
	}
	var all errgroup.Group
	all.SetLimit(2 * runtime.NumCPU())
	for i, node := range s.nodes {
		all.Go(func() error {
			if documents[i], errs[i] = s.render(node, templates, made); errs[i] != nil {
				errs[i] = fmt.Errorf("%s: %w", node.Name, errs[i])
			}
			return nil
		})
	}
	_ = all.Wait() // all errors are in errs
	return documents, cmp.Or(errs...)
}

// RenderOne makes the document of one node.
func (s Source) RenderOne(node workspace.Node, made Made) (Document, error) {
	templates, err := s.templates(made.Files)
	if err != nil {
		return Document{}, err
	}
	return s.render(node, templates, made)
}

func (s Source) render(node workspace.Node, templates map[string][]byte, made Made) (Document, error) {
	if s.counts != nil {
		s.counts(node.Name)
	}
	words := maps.Clone(s.Shared)
	maps.Copy(words, made.Words)
	maps.Copy(words, s.nodeWords(node))
	maps.Copy(words, made.Own[node.Name])
	if err := s.addMountUnits(node.Name, words); err != nil {
		return Document{}, err
	}
	template := of(templates, node.Name)
	doc, err := render.Node(template, words)
	if err != nil {
		return Document{}, located(s.userFiles(node.Name), s.filesOf(node.Name), template, words, err)
	}
	return Document{Node: node, JSON: doc, Digest: s.digest(node.Name, words[SSHWord])}, nil
}

// addMountUnits adds to the node's words what Butane makes of them in the names and texts of mount units.
func (s Source) addMountUnits(node string, words render.Words) error {
	replace := words.Replacer().Replace
	common, err := s.Common.MountUnits(replace)
	if err != nil {
		return fmt.Errorf("%s: %w", s.Path, err)
	}
	own, err := s.Overlays[node].MountUnits(replace)
	if err != nil {
		return fmt.Errorf("%s: %w", s.overlayPath(node), err)
	}
	maps.Copy(words, common)
	maps.Copy(words, own)
	return nil
}

// digest is of the node's document without the words of discovery: they change from one generation of the cluster to the
// next, and a node that has joined does not need them any more.
func (s Source) digest(node, key string) string {
	tried := s.Digests[node]
	sum := sha256.Sum256(append(tried[:], key...))
	return hex.EncodeToString(sum[:])
}

// nodeWords are the words whose values differ from node to node.
func (s Source) nodeWords(node workspace.Node) render.Words {
	words := render.Words{"Node_Name": node.Name, "Node_Number": strconv.Itoa(node.Number), "Node_MAC": node.MAC}
	if s.groups != nil {
		words["Group_Name"], words["Group_Count"] = node.Group, strconv.Itoa(s.groups[node.Group])
	}
	return words
}

// of is the node's own template, or else the one of all nodes.
func of(templates map[string][]byte, node string) []byte {
	if own, ok := templates[node]; ok {
		return own
	}
	return templates[""]
}

func (s Source) template(node string) []byte { return of(s.merged, node) }

// merge lays each overlay over the config, and what updates=off stands for under both.
func (s *Source) merge(o Options) (err error) {
	s.merged = map[string][]byte{"": s.Common.JSON}
	for name, overlay := range s.Overlays {
		if s.merged[name], err = render.Merge(s.Common.JSON, overlay.JSON); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if o.Updates {
		return nil
	}
	system := cmp.Or(o.System, s.System(), "fcos")
	for name, template := range s.merged {
		merged, own, err := render.WithoutUpdates(template, system)
		if err != nil {
			return err
		}
		if own && o.UpdatesGiven {
			s.warn(fmt.Sprintf("updates=off adds nothing: %s has settings of its own of updates", s.Path))
		}
		s.merged[name] = merged
	}
	return nil
}

// templates are what documents are made of, with the files and the readiness snippet.
func (s Source) templates(files map[string][]byte) (map[string][]byte, error) {
	templates := map[string][]byte{}
	for name, merged := range s.merged {
		template, err := render.WithFiles(merged, files)
		if err == nil && s.ready != nil {
			template, err = render.WithReadiness(template, *s.ready)
		}
		if err != nil {
			return nil, err
		}
		templates[name] = template
	}
	return templates, nil
}
