package plan

import (
	"slices"
	"strings"

	"coreos-libvirt/internal/config"
	"coreos-libvirt/internal/engine"
)

// Blueprint is all that one node is made of, if it is made now.
type Blueprint struct {
	Doc        config.Document
	Spec       engine.Hardware
	Mark       engine.Metadata   // with the digest of the definition that Spec gives
	Definition engine.Definition // that Spec gives
	Joins      bool              // its config has the word by which a member joins an etcd that there is
}

// New is the step of a node of which there is nothing.
func New(b Blueprint) Step { return b.step(Found{}, Etcd{}) }

// Options are what the user wants of a run.
type Options struct {
	Nodes     int      // how many there shall be
	FewerGoes bool     // nodes above that number are removed: the user gave the number
	Groups    Groups   // how many there shall be in each group; nil: the cluster has none
	All       bool     // recreate=all
	Changed   bool     // recreate=changed
	Only      string   // the node that Changed is about; empty: each
	Arch      string   // of the processor
	Names     []string // of nodes that are recreated in any case
	Redefine  bool     // somebody else's changes are overwritten
	Parallel  bool     // nodes are recreated at once
	Force     bool     // data may be lost
	Ready     bool     // nodes tell where they are

	Command func(target string, words ...string) string // what a person types next, as this run was called
}

// up is the command line of `mage up` with words that say what of the user's own goes on.
func (o Options) up(words ...string) string { return o.command("up", words...) }

func (o Options) command(target string, words ...string) string {
	if o.Command == nil {
		return strings.Join(append([]string{"mage", target}, words...), " ")
	}
	return o.Command(target, words...)
}

// recreate are the user's words of which nodes are recreated.
func (o Options) recreate() []string {
	switch names := strings.Join(o.Names, ","); {
	case names != "":
		return []string{"recreate=" + names}
	case o.Changed:
		return []string{"recreate=changed"}
	}
	return nil
}

// For is what the user wants done with the node of that name. renewed is a run that goes on to recreate all nodes.
func (o Options) For(name string, renewed bool) Wishes {
	return Wishes{Recreate: o.Changed && (o.Only == "" || o.Only == name), Force: o.All || renewed || slices.Contains(o.Names, name), Redefine: o.Redefine, Arch: o.Arch}
}
