package command

import (
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"

	"coreos-libvirt/internal/cluster/facts"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/libvirt"
	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/settings/clusterfile"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
)

// About is what a command line is about.
type About struct {
	Cluster bool   // a cluster: what it was made with counts
	Libvirt bool   // libvirt is asked for that
	Lab     bool   // what runs inside the lab, which looks itself at what it is about
	One     string // the first target that is about one cluster, or empty
	Engines bool   // every engine: what the targets do is the same for each
	Data    bool   // what is for programs: it alone goes to standard output
}

// load is a run in the workspace. What a cluster was made with is asked of libvirt, if the run is to ask that; if it does not
// answer, and for others, it is what the nodes' folders say.
func load(words []string, about About, here workspace.Workspace) (*Run, error) {
	env := settings.System()
	if !about.Cluster {
		env.File = nil
		read := settings.LoadOf
		if about.Lab {
			read = settings.Check
		}
		s, err := read(words, env, settings.Clusters{})
		return newRun(s, here), err
	}
	if !about.Libvirt {
		s, err := settings.LoadOf(words, env, known(placeOf(here, env), nil))
		return newRun(s, here), err
	}
	first, err := settings.Check(words, env, known(placeOf(here, env), nil))
	if err != nil {
		return nil, err
	}
	r := newRun(first, here)
	var domains map[string]engine.Domain
	if first.Engine == settings.Libvirt {
		if on, err := opened(r); err == nil { // if there is no libvirt, the target says so
			domains, _ = on.Defined()
		}
	}
	all := known(placeOf(here, env), domains)
	s, err := settings.LoadOf(words, env, all)
	if err != nil {
		return nil, err
	}
	if !reflect.DeepEqual(where(s), where(first)) || s.Pool != first.Pool { // the cluster that is there is in another libvirt than the one in the folders
		r = newRun(s, here)
	}
	r.Settings, r.made = s, all.Made[s.Prefix]
	return r, nil
}

// CheckWords refuses words that are wrong whatever the cluster was made with. It asks no libvirt.
func CheckWords(words []string, about About) error {
	env := settings.System()
	here := workspace.Workspace{}
	if folder, err := os.Getwd(); err == nil {
		here, _ = workspace.At(folder) // if it is not well the run says so
	}
	if !about.Cluster {
		env.File = nil
	}
	_, err := settings.Check(words, env, known(placeOf(here, env), nil))
	return err
}

// placeOf is where the run looks before it has settings.
func placeOf(here workspace.Workspace, env settings.Environment) facts.Place {
	here.Origin = facts.Origin(here, libvirt.Definitions{})
	return facts.Place{Workspace: here, Where: engine.Where{InLab: settings.InLab(env)}, Definitions: libvirt.Definitions{}}
}

// known is what the domains, the nodes' folders and the cluster files tell of the workspace's clusters.
func known(p facts.Place, domains map[string]engine.Domain) settings.Clusters {
	c := settings.Clusters{Nodes: map[string]string{}, Made: map[string]string{}, URI: map[string]string{}}
	marks := p.Remembered(domains)
	for name, m := range marks {
		c.Nodes[name] = m.Cluster
	}
	latest := facts.Latest(marks)
	for prefix, m := range latest {
		c.Made[prefix] = m.Settings
		if !m.InLab() {
			c.URI[prefix] = m.Libvirt
		}
	}
	names := slices.AppendSeq(clusterfile.Declared(p.Root), maps.Keys(latest))
	slices.Sort(names)
	c.Names = slices.Compact(names)
	return c
}

// namesCluster is an error if the workspace has several clusters, the target is about one, and nobody says about which.
func namesCluster(s *settings.Settings, target string) error {
	if target == "" || len(s.Several) < 2 {
		return nil
	}
	return hint.Errorf("`"+asCalled(s, target, "prefix="+s.Several[0])+"`",
		"this workspace has %d clusters, %s: %s is about one of them", len(s.Several), strings.Join(s.Several, ", "), target)
}

// changedMeanwhile is an error if another run has said what the cluster is since this one read that, unless this one says the same.
func changedMeanwhile(r *Run, domains map[string]engine.Domain) error {
	now := known(r.at(), domains)
	if now.Made[r.Prefix] == r.made {
		return nil
	}
	if again, err := settings.LoadOf(r.Words, settings.System(), now); err == nil && again.Remembered() == r.Remembered() {
		return nil
	}
	return hint.Errorf("`"+upAsCalled(r.Settings)+"`", "another run has changed the settings of the cluster %s since this one began; nothing was changed", r.Prefix)
}
