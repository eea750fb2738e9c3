// Package settings holds the parameters of a run: key=value words of the command line, COREOS_*
// variables of the environment, and defaults, typed and validated as a whole before anything runs.
package settings

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"coreos-libvirt/internal/settings/clusterfile"
	"coreos-libvirt/internal/settings/further"
	"coreos-libvirt/internal/settings/hosts"
	"coreos-libvirt/internal/settings/link"
	"coreos-libvirt/internal/settings/process"
	"coreos-libvirt/internal/settings/secret"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
)

// Settings are the validated parameters of one run.
type Settings struct {
	Words                     []string          // of the command line, as they were given
	Prefix                    string            // node names are Prefix and a number of at least two digits
	Nodes                     int               // size of the cluster
	RAM                       int               // MiB a node
	VCPU                      int               // virtual processors a node
	Disk                      int               // GiB a node, the virtual size of the overlay; 0: by the image
	Disks                     []further.Disk    // beside the first; nil: as a node has them, none if it is new
	Networks                  []further.Network // of cards beside the first; nil as of Disks
	Config                    string            // path of the Butane config
	Image                     string            // what the nodes boot: a stream, a file, a URL, or "lab"
	SHA256                    string            // of the file at the URL, hex
	Arch                      string            // of the nodes: x86_64 or aarch64
	Firmware                  string            // auto, bios or uefi
	Keyring                   string            // file of OpenPGP keys that are trusted instead of the distributor's
	Refresh                   bool              // whether to look streams up again
	FCOSServer, FlatcarServer string            // base URLs
	Bridge                    string            // the bridge on the physical network
	Network                   string            // a libvirt network instead of the bridge, or empty
	Direct                    string            // a card that the nodes share by macvtap, or empty
	NIC                       string            // the card that the set-up bridges, or empty
	Apply                     bool              // whether the set-up is done, not only shown
	Rollback                  time.Duration     // for a new bridge to carry what its card did
	URI                       string            // libvirt connection URI; of several hosts that of the first
	Hosts                     []hosts.Host      // that nodes are spread over; none: there is one, URI
	Host                      string            // that a run is about; of a node that the cluster file wants it on; or empty
	Pool                      string            // libvirt's storage pool with the nodes' files, or empty
	Engine                    string            // Libvirt or KubeVirt
	Context                   string            // of the kubeconfig, or empty
	Namespace                 string            // of Kubernetes, or empty
	StorageClass              string            // of Kubernetes, or empty
	NAD                       string            // Multus' NetworkAttachmentDefinition, or empty
	Discovery                 string            // embedded, embedded-v2, static, srv:<domain>, or URLs
	DiscoveryListen           string            // address of the embedded service, or empty
	DiscoveryCA               string            // file, PEM, or empty
	DiscoveryCert             string            // file, PEM, or empty
	DiscoveryKey              string            // file, PEM, or empty
	DiscoveryUser             string            // user:password, or empty
	EtcdUser                  string            // name:password, or @file, or empty
	Addresses                 string            // of the nodes, with commas, or empty
	Renew                     bool              // whether to make a new token
	Accel, Fetch              string            // auto, kvm or tcg; FetchClient or FetchHost
	Timeout                   time.Duration     // for the cluster to be ready, and again for etcd to be healthy
	Ready                     bool              // whether nodes get the readiness unit
	Updates                   bool              // whether nodes update themselves as their system does
	Store                     string            // folder of base images, shared by all clusters
	Cache                     string            // folder of what this project builds for itself
	Node                      string            // the node that a target is about
	Recreate                  string            // changed, all, names with commas, or empty
	Parallel                  bool              // whether nodes are recreated all at once
	Force                     bool              // whether a cluster that lives may be replaced by a new one
	Redefine                  bool              // whether others' changes of definitions are overwritten
	KeepGoing                 bool              // whether the other nodes go on where one fails
	Wait                      bool              // whether to wait for another run on the cluster
	Remove                    string            // the id of a member of etcd, "true" for a snapshot, or empty
	Defrag                    bool              // whether etcd's members are defragmented
	Recover                   bool              // whether a cluster is made of one member of an etcd without a majority
	KeysOnly                  bool              // whether only the keys of a snapshot are restored
	Name                      string            // of a snapshot, or empty
	Memory                    bool              // whether a snapshot has the memory of nodes that run
	Grace                     time.Duration     // for a guest to shut down
	All                       bool              // whether a target is about all clusters of the workspace
	Yes                       bool              // whether down and recover=true do not ask
	PlanOnly                  bool              // whether down only prints what would go
	Protect                   string            // "true", "false", or empty: as the cluster is
	Format                    string            // table or json
	Diff                      bool              // whether plan shows what changed in documents
	Follow                    bool              // whether logs go on
	Archive                   string            // file for what down removes, or empty
	File                      string            // a snapshot of etcd's
	Open                      bool              // whether a drawing is shown
	Cmd                       string            // what ssh runs there; empty is a login
	From, To                  string            // paths that cp copies, here or node:path
	Port                      link.Ports        // that forward is about
	User                      string            // the user that ssh logs in as
	Rounds                    int               // of SHA-512 crypt
	Shell                     string            // bash, zsh, fish, or empty
	Install                   bool              // whether files of the user's shells are written
	Release                   string            // the version that a release is made of, or empty
	Full                      bool              // whether the project's own test runs every story
	Units                     string            // what up does if a unit of the config has failed: UnitsFail, …
	Settle                    time.Duration     // for a node's systemd to have started what it starts
	Unit                      string            // whose journal is printed, or empty
	Verify                    bool              // whether documents are judged before nodes boot
	Strict                    bool              // whether warnings of verify count as errors
	Test, Tags                string            // which tests check runs, with commas, or empty
	Keep                      bool              // whether ci leaves the nodes
	Copies                    int               // snapshots of etcd that stay; 0: no other is looked at

	Vars    map[string]string // the user's own words, by name without "var."
	InLab   bool              // whether this run is inside the lab
	There   bool              // whether another machine has sent this run here, for host=
	Listens bool              // whether file 3 is a port of the real host, for a run inside the lab
	Sudo    string            // who started this run by sudo, or empty

	Groups []Group          // of the cluster file, in its order; none: the nodes are all alike, but the single ones
	Single map[string]Group // nodes of the cluster file that are like no other, by name

	Several   []string // clusters of the workspace, if there are several and nobody says which one is meant
	Forgotten []string // secrets that the cluster was made with, which are not written down, and not given now

	chosen  []choice          // every key with its value and source, in order
	said    map[string]bool   // keys that the command line or the environment has
	varFrom map[string]string // where each of Vars is from
}

// The engines, in engine='s words.
const (
	Libvirt  = "libvirt"
	KubeVirt = "kubevirt"
)

// Environment is what settings need of the process.
type Environment = process.Environment

// System is the Environment of this process.
func System() Environment { return process.System() }

// Variables of the environment by which the program's processes pass each other something.
const (
	LabVariable        = process.LabVariable
	RelaunchedVariable = process.RelaunchedVariable
	ListenerVariable   = process.ListenerVariable
	ThereVariable      = process.ThereVariable
)

// Relaunched reports whether another run started this one in its place.
func Relaunched() bool {
	_, is := os.LookupEnv(RelaunchedVariable)
	return is
}

// Load gives the settings that words ("nodes=3"), the environment and the cluster's file make, in this order, before defaults.
// Every error names the key, the value and what is allowed; nothing but env is touched.
func Load(words []string, env Environment) (*Settings, error) {
	return LoadOf(words, env, Clusters{})
}

// LoadOf is Load in a workspace that has clusters: what one was made with counts more than defaults.
func LoadOf(words []string, env Environment, known Clusters) (*Settings, error) {
	s, file, err := load(words, env, known)
	if err != nil {
		return nil, err
	}
	return s, errors.Join(s.validate(), s.checkSingle(file), s.checkHosts(file), hosts.CheckLab(s.Hosts, s.InLab))
}

// Check is LoadOf before it is known what the cluster was made with: it refuses what is wrong whatever that is.
func Check(words []string, env Environment, known Clusters) (*Settings, error) {
	s, _, err := load(words, env, known)
	return s, err
}

func load(words []string, env Environment, known Clusters) (*Settings, clusterfile.File, error) {
	file := clusterfile.File{}
	if env.Fault != nil {
		return nil, file, env.Fault
	}
	s := &Settings{Words: words, Cache: cache(env), InLab: InLab(env)}
	s.Sudo, _ = env.Lookup("SUDO_USER")
	_, s.Listens = env.Lookup(ListenerVariable)
	_, s.There = env.Lookup(ThereVariable)
	sources, err := said(words, env)
	if err != nil {
		return nil, file, err
	}
	s.said = givenBy(sources)
	prefix, from, several := known.which(sources, env, s.InLab)
	if s.Several = several; labelStart.MatchString(prefix) { // else there is no such cluster, which is said below
		if file, err = declared(prefix, env); err != nil {
			return nil, file, err
		}
	}
	s.Groups, s.Single = file.Groups, file.Single
	made, secrets := fromMark(prefix, known.Made[prefix], file)
	if uri := known.URI[prefix]; uri != "" && made.values["hosts"] == "" {
		made.values["uri"] = uri
	}
	sources = append(sources, fromFile(file), made)
	if err := oneOfHosts(sources); err != nil {
		return nil, file, err
	}
	if s.Vars, s.varFrom = vars(sources); checkNames(s.Vars) != nil {
		return nil, file, checkNames(s.Vars)
	}
	if from == fromOnly || strings.HasPrefix(from, "node=") {
		sources = append(sources, source{named(from), map[string]string{"prefix": prefix}})
	}
	err = s.take(sources, env)
	takeHosts(s)
	s.Forgotten = slices.DeleteFunc(secrets, s.has)
	return s, file, err
}

// InLab reports whether this run is inside the lab.
func InLab(env Environment) bool {
	_, is := env.Lookup(LabVariable)
	return is
}

// has reports whether the setting, or the user's own word, has a value.
func (s *Settings) has(key string) bool {
	if name, is := strings.CutPrefix(key, varPrefix); is {
		_, has := s.Vars[name]
		return has
	}
	return slices.ContainsFunc(s.chosen, func(c choice) bool { return c.key.Name == key && s.isGiven(c) }) ||
		slices.ContainsFunc(goesWith(key), func(other string) bool { return s.said[other] }) // which says something else now
}

// said is what the user says in this run: on the command line, and in the environment.
func said(words []string, env Environment) ([]source, error) {
	typed, err := fromWords(words)
	if err != nil {
		return nil, err
	}
	exported, err := fromEnvironment(env)
	return []source{typed, exported}, err
}

// givenBy are the keys that one of the sources has.
func givenBy(sources []source) map[string]bool {
	given := map[string]bool{}
	for _, s := range sources {
		for key := range s.values {
			given[key] = true
		}
	}
	return given
}

// take sets every key to what the sources make of it.
func (s *Settings) take(sources []source, env Environment) error {
	for _, k := range Keys(env) {
		value, from := k.choose(sources, s.InLab)
		chosen := choice{k, value, from}
		if err := k.Set(s, value); err != nil {
			return hint.Add(fmt.Errorf("%s=%s (%s): %w", k.Name, chosen.shown(), from, err), "`mage settings` lists what each key takes")
		}
		s.chosen = append(s.chosen, chosen)
	}
	return nil
}

// Given reports whether somebody gave key: in a word, in the environment, in the cluster's file, or when the cluster was made. That
// there is only one cluster gives no prefix.
func (s *Settings) Given(key string) bool {
	return slices.ContainsFunc(s.chosen, func(c choice) bool { return c.key.Name == key && s.isGiven(c) })
}

// isGiven reports whether the value is somebody's, and not what it is without.
func (s *Settings) isGiven(c choice) bool {
	return c.from != fromDefault && c.from != fromLab && (c.key.Name != "prefix" || s.said["prefix"])
}

// Said reports whether this run's command line or environment has key.
func (s *Settings) Said(key string) bool { return s.said[key] }

// Demanded reports whether somebody says now what key is: this run, or the cluster's file.
func (s *Settings) Demanded(key string) bool {
	return s.Said(key) || slices.ContainsFunc(s.chosen, func(c choice) bool { return c.key.Name == key && c.from == clusterfile.Path(s.Prefix) })
}

// validate checks what no single key can tell.
func (s *Settings) validate() error {
	for _, g := range s.groups() {
		if last := workspace.NodeName(g.Name, g.Nodes); len(last) > maxLabel {
			return s.tooLong(last)
		}
	}
	if s.Network != "" && s.Direct != "" {
		return hint.Errorf("one of them", "network=%s and direct=%s: nodes have one network", s.Network, s.Direct)
	}
	return errors.Join(s.validateGroups(), s.validateAll(), s.validateRecreate())
}

func (s *Settings) tooLong(name string) error {
	advice := "shorten prefix="
	if len(s.Groups) > 0 {
		advice = "shorten prefix=, or the name of the group"
	}
	return hint.Errorf(advice, "prefix=%s: the host name %s has %d characters, RFC 1123 allows %d", s.Prefix, name, len(name), maxLabel)
}

// validateGroups makes sure that groups have nodes, and that their numbers are not given by a word for the whole cluster.
func (s *Settings) validateGroups() error {
	if len(s.Groups) == 0 {
		return nil
	}
	file := clusterfile.Path(s.Prefix)
	if s.said["nodes"] {
		return hint.Errorf("write `nodes: "+strconv.Itoa(s.Nodes)+"` below one of its groups in "+file, "nodes=%d: the cluster %s has groups, each with its own number of nodes", s.Nodes, s.Prefix)
	}
	if !slices.ContainsFunc(s.Groups, func(g Group) bool { return g.Nodes > 0 }) {
		return hint.Errorf("`mage down prefix="+s.Prefix+"` removes the cluster", "%s: no group has a node", file)
	}
	return nil
}

// validateAll makes sure that who asks for all clusters does not name one, or a node.
func (s *Settings) validateAll() error {
	for _, word := range s.Words {
		if key, value, _ := strings.Cut(word, "="); s.All && value != "" && (key == "prefix" || key == "node") {
			return hint.Errorf("one of them", "%s and all=true: all are more than that", word)
		}
	}
	return nil
}

// validateRecreate makes sure that recreate= names nodes that there will be.
func (s *Settings) validateRecreate() error {
	if slices.Contains([]string{"", "changed", "all"}, s.Recreate) {
		return nil
	}
	for _, name := range strings.Split(s.Recreate, ",") {
		if !s.hasNode(name) {
			return hint.Errorf("recreate=changed, recreate=all, or names "+s.names()+", with commas", "recreate=%s: %q is not a node of this cluster", s.Recreate, name)
		}
	}
	return nil
}

// parse splits words into keys and values and refuses unknown keys and contradictions.
func parse(words []string) (map[string]string, error) {
	given := map[string]string{}
	for _, word := range words {
		key, value, _ := strings.Cut(word, "=")
		if err := Known(key, value); err != nil {
			return nil, err
		}
		if old, twice := given[key]; twice && old != value {
			return nil, hint.Errorf("give it once", "%s is given twice: %s=%s and %s=%s", key, key, secret.Shown(key, old), key, secret.Shown(key, value))
		}
		given[key] = value
	}
	return given, nil
}
