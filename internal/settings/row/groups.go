package row

import "slices"

// Group is settings that are about one thing.
type Group struct {
	Name string
	Keys []string
}

// Groups are in the order in which `mage settings` prints them.
var Groups = []Group{
	{"cluster", []string{"prefix", "nodes", "config", "updates", "ready", "protect", "engine", "uri", "hosts", "host", "pool"}},
	{"a node's machine", []string{"ram", "vcpu", "disk", "arch", "firmware", "accel"}},
	{"image", []string{"image", "sha256", "keyring", "fcos_url", "flatcar_url", "refresh", "store", "fetch"}},
	{"network", []string{"bridge", "network", "direct"}},
	{"kubernetes", []string{"context", "namespace", "storageclass", "nad"}},
	{"etcd", []string{
		"discovery", "discovery_listen", "discovery_ca", "discovery_cert", "discovery_key", "discovery_user", "addresses", "etcd_user", "renew", "remove", "defrag", "recover", "keys",
	}},
	{"what up does", []string{"timeout", "recreate", "parallel", "force", "redefine", "keep_going", "units", "settle"}},
	{"which nodes, and how", []string{"node", "all", "wait", "yes", "plan", "grace", "cmd", "user"}},
	{"your tests", []string{"test", "tags", "keep"}},
	{"output", []string{"format", "diff", "follow", "file", "open", "archive"}},
	{"this host", []string{"nic", "apply", "rollback", "shell", "install", "version"}},
}

// The groups of settings that are in no other, and of the user's words.
const (
	moreSettings = "more"
	YourWords    = "your words"
)

// GroupOf is what a setting is about: in which part of `mage settings` it is.
func GroupOf(name string) string {
	for _, g := range Groups {
		if slices.Contains(g.Keys, name) {
			return g.Name
		}
	}
	return moreSettings
}

// Place is where a setting is in the order of all.
func Place(name string) int {
	before := 0
	for _, g := range Groups {
		if i := slices.Index(g.Keys, name); i >= 0 {
			return before + i
		}
		before += len(g.Keys)
	}
	return before
}
