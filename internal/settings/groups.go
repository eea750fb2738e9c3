package settings

import "slices"

// group is settings that are about one thing.
type group struct {
	name string
	keys []string
}

// groups are in the order in which `mage settings` prints them.
var groups = []group{
	{"cluster", []string{"prefix", "nodes", "config", "updates", "ready", "protect", "uri"}},
	{"a node's machine", []string{"ram", "vcpu", "disk", "arch", "firmware", "accel"}},
	{"image", []string{"image", "sha256", "keyring", "fcos_url", "flatcar_url", "refresh", "store"}},
	{"network", []string{"bridge", "network", "direct"}},
	{"etcd", []string{
		"discovery", "discovery_listen", "discovery_ca", "discovery_cert", "discovery_key", "discovery_user", "addresses", "renew", "remove",
	}},
	{"what up does", []string{"timeout", "recreate", "parallel", "force", "redefine", "keep_going"}},
	{"which nodes, and how", []string{"node", "all", "wait", "yes", "plan", "grace", "cmd", "user"}},
	{"output", []string{"format", "diff", "follow", "file", "archive"}},
	{"this host", []string{"nic", "apply", "rollback", "shell", "install"}},
}

// The groups of settings that are in no other, and of the user's own words.
const (
	moreSettings = "more"
	yourWords    = "your words"
)

// Group is what the key is about: in which part of `mage settings` it is.
func (k Key) Group() string {
	for _, g := range groups {
		if slices.Contains(g.keys, k.Name) {
			return g.name
		}
	}
	return moreSettings
}

// place is where the key is in the order of all.
func (k Key) place() int {
	before := 0
	for _, g := range groups {
		if i := slices.Index(g.keys, k.Name); i >= 0 {
			return before + i
		}
		before += len(g.keys)
	}
	return before
}
