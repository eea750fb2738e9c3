// Package settings holds the parameters of a run: key=value words of the command line, COREOS_*
// variables of the environment, and defaults, typed and validated as a whole before anything runs.
package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/artifact"
)

// Settings are the validated parameters of one run.
type Settings struct {
	Words                     []string      // of the command line, as they were given
	Prefix                    string        // node names are Prefix and a number of at least two digits
	Nodes                     int           // size of the cluster
	RAM                       int           // MiB a node
	VCPU                      int           // virtual processors a node
	Disk                      int           // GiB a node, the virtual size of the overlay; 0: by the image
	Config                    string        // path of the Butane config
	Image                     string        // what the nodes boot: a stream, a file, a URL, or "lab"
	SHA256                    string        // of the file at the URL, hex
	Arch                      string        // of the nodes: x86_64 or aarch64
	Firmware                  string        // auto, bios or uefi
	Keyring                   string        // file of OpenPGP keys that are trusted instead of the distributor's
	Refresh                   bool          // whether to look streams up again
	FCOSServer, FlatcarServer string        // base URLs
	Bridge                    string        // the bridge on the physical network
	Network                   string        // a libvirt network instead of the bridge, or empty
	Direct                    string        // a card that the nodes share by macvtap, or empty
	NIC                       string        // the card that the set-up bridges, or empty
	Apply                     bool          // whether the set-up is done, not only shown
	Rollback                  time.Duration // for a new bridge to carry what its card did
	URI                       string        // libvirt connection URI
	Discovery                 string        // embedded, embedded-v2, static, srv:<domain>, or URLs
	DiscoveryListen           string        // address of the embedded service, or empty
	DiscoveryCA               string        // file, PEM, or empty
	DiscoveryCert             string        // file, PEM, or empty
	DiscoveryKey              string        // file, PEM, or empty
	DiscoveryUser             string        // user:password, or empty
	Addresses                 string        // of the nodes, with commas, or empty
	Renew                     bool          // whether to make a new token
	Accel                     string        // auto, kvm or tcg
	Timeout                   time.Duration // for the cluster to be ready, and again for etcd to be healthy
	Ready                     bool          // whether nodes get the readiness unit
	Updates                   bool          // whether nodes update themselves as their system does
	Store                     string        // folder of base images, shared by all clusters
	Cache                     string        // folder of what this project builds for itself
	Node                      string        // the node that a target is about
	Recreate                  string        // changed, all, names with commas, or empty
	Parallel                  bool          // whether nodes are recreated all at once
	Force                     bool          // whether a cluster that lives may be replaced by a new one
	Redefine                  bool          // whether others' changes of definitions are overwritten
	KeepGoing                 bool          // whether the other nodes go on where one fails
	Wait                      bool          // whether to wait for another run on the cluster
	Remove                    string        // the id of a member of etcd, or empty
	Grace                     time.Duration // for a guest to shut down
	All                       bool          // whether a target is about all clusters of the workspace
	Yes                       bool          // whether down does not ask
	PlanOnly                  bool          // whether down only prints what would go
	Protect                   string        // "true", "false", or empty: as the cluster is
	Format                    string        // table or json
	Diff                      bool          // whether plan shows what changed in documents
	Follow                    bool          // whether logs go on
	Archive                   string        // file for what down removes, or empty
	File                      string        // a snapshot of etcd's
	Cmd                       string        // what ssh runs there; empty is a login
	User                      string        // the user that ssh logs in as
	Rounds                    int           // of SHA-512 crypt
	Verify                    bool          // whether documents are judged before nodes boot
	Strict                    bool          // whether warnings of verify count as errors
	Full                      bool          // whether the project's own test runs every story

	Vars  map[string]string // the user's own words, by name without "var."
	InLab bool              // whether this run is inside the lab
	Sudo  string            // who started this run by sudo, or empty

	chosen   []choice // every key with its value and source, in order
	varWords []string // names of Vars that the command line gave
}

// Environment is what settings need of the process: the only place that reads its variables.
type Environment struct {
	Lookup func(name string) (string, bool)
	All    func() []string // NAME=value
	Root   bool            // whether the user is root
	Cache  string          // the user's own cache folder, $XDG_CACHE_HOME or ~/.cache
	Fault  error           // why there is none
}

// System is the Environment of this process.
func System() Environment {
	env := Environment{Lookup: os.LookupEnv, All: os.Environ, Root: os.Getuid() == 0}
	var err error
	if env.Cache, err = os.UserCacheDir(); err != nil && !env.Root { // root has a folder of its own
		env.Cache, env.Fault = temporaryCache(os.TempDir(), os.Getuid())
	}
	return env
}

// temporaryCache is a user's cache folder below tmp, where anybody may have made one of its name before: what was planted there
// would be run as the user.
func temporaryCache(tmp string, uid int) (string, error) {
	path := filepath.Join(tmp, fmt.Sprintf("cache-%d", uid))
	err := os.Mkdir(path, 0o755)
	if errors.Is(err, fs.ErrExist) {
		err = artifact.Own(path)
	}
	if err != nil {
		err = hint.Errorf("export HOME=<your home>   # the cache is then $HOME/.cache", "HOME is not set, and the cache cannot be below %s: %w", tmp, err)
	}
	return path, err
}

// RelaunchedVariable is set for a run that another one started in its place.
const RelaunchedVariable = "COREOS_RELAUNCHED"

// Relaunched tells whether another run started this one in its place.
func Relaunched() bool {
	_, is := os.LookupEnv(RelaunchedVariable)
	return is
}

// choice is what a key came to.
type choice struct {
	key         Key
	value, from string
}

// The sources of a value, as `mage settings` prints them.
const (
	fromDefault = "default"
	fromLab     = "lab default"
	fromWord    = "command line"
)

// Load gives the settings that words ("nodes=3") and env make, words before variables before defaults.
// Every error names the key, the value and what is allowed; nothing but env is touched.
func Load(words []string, env Environment) (*Settings, error) {
	if env.Fault != nil {
		return nil, env.Fault
	}
	s := &Settings{Words: words, Cache: cache(env)}
	_, s.InLab = env.Lookup(LabVariable)
	s.Sudo, _ = env.Lookup("SUDO_USER")
	given, err := parse(words)
	if err != nil {
		return nil, err
	}
	if s.Vars, err = variables(given, env); err != nil {
		return nil, err
	}
	for key := range given {
		if name, is := strings.CutPrefix(key, varPrefix); is {
			s.varWords = append(s.varWords, name)
		}
	}
	if err := unknownVariable(env); err != nil {
		return nil, err
	}
	for _, k := range Keys(env) {
		value, from := k.choose(given, env, s.InLab)
		chosen := choice{k, value, from}
		s.chosen = append(s.chosen, chosen)
		if err := k.set(s, value); err != nil {
			return nil, hint.Add(fmt.Errorf("%s=%s (%s): %w", k.Name, chosen.shown(), from, err), "`mage settings` lists what each key takes")
		}
	}
	return s, s.validate()
}

// Given tells whether the user gave key, in a word or in the environment.
func (s *Settings) Given(key string) bool {
	for _, c := range s.chosen {
		if c.key.Name == key {
			return c.from != fromDefault && c.from != fromLab
		}
	}
	return false
}

// validate checks what no single key can tell.
func (s *Settings) validate() error {
	last := workspace.NodeName(s.Prefix, s.Nodes)
	if len(last) > maxLabel {
		return hint.Errorf("shorten prefix=", "prefix=%s: the host name %s has %d characters, RFC 1123 allows %d",
			s.Prefix, last, len(last), maxLabel)
	}
	if s.Network != "" && s.Direct != "" {
		return hint.Errorf("one of them", "network=%s and direct=%s: nodes have one network", s.Network, s.Direct)
	}
	return errors.Join(s.validateAll(), s.validateRecreate())
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
		if n, err := strconv.Atoi(strings.TrimPrefix(name, s.Prefix)); err != nil || n < 1 || n > s.Nodes || workspace.NodeName(s.Prefix, n) != name {
			return hint.Errorf(fmt.Sprintf("recreate=changed, recreate=all, or names from %s to %s, with commas",
				workspace.NodeName(s.Prefix, 1), workspace.NodeName(s.Prefix, s.Nodes)), "recreate=%s: %q is no node of this cluster", s.Recreate, name)
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
			return nil, hint.Errorf("give it once", "%s is given twice: %s=%s and %s=%s", key, key, old, key, value)
		}
		given[key] = value
	}
	return given, nil
}
