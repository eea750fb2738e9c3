package settings

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/agnivade/levenshtein"

	"coreos-libvirt/internal/terminal/hint"
)

// Key is one parameter: its name, what it means, and how its text becomes a value.
type Key struct {
	Name    string
	Meaning string
	Default string
	Lab     string // default inside the lab, where it differs
	set     func(s *Settings, value string) error
}

// LabVariable is the environment variable that tells a process that it runs inside the lab.
const LabVariable = "COREOS_LAB"

const envPrefix = "COREOS_"

// Keys are all parameters, in the order in which `mage settings` prints them.
func Keys(env Environment) []Key {
	return []Key{
		{"prefix", "node names: this and a number from 01", "core", "", prefix},
		{"nodes", "how many nodes", "3", "", number(func(s *Settings) *int { return &s.Nodes }, 1, 1000)},
		{"ram", "memory of a node in MiB; a running one takes more, in steps of 128", "2048", "1024", number(func(s *Settings) *int { return &s.RAM }, 256, 16<<20)},
		{"vcpu", "virtual processors of a node; a running one takes up to 16", "2", "1", number(func(s *Settings) *int { return &s.VCPU }, 1, 255)},
		{"disk", "disk of a node in GiB; auto is as large as the image, and 10 at least", "auto", "", disk},
		{"config", "the Butane config to transpile", "ignition/ignition.yml", "", text(func(s *Settings) *string { return &s.Config })},
		{"image", "what nodes boot: a stream (fcos-stable, flatcar-beta@4230.1.0), a qcow2 file, a URL, lab, or its stand-ins lab-fcos and lab-flatcar", "fcos-stable", "lab", text(func(s *Settings) *string { return &s.Image })},
		{"sha256", "of the file at the URL that image= names", "", "", digest},
		{"arch", "of the nodes: x86_64 or aarch64", hostArch(), "", oneOf(func(s *Settings) *string { return &s.Arch }, "x86_64", "aarch64")},
		{"firmware", "auto, bios or uefi", "auto", "", oneOf(func(s *Settings) *string { return &s.Firmware }, "auto", "bios", "uefi")},
		{"keyring", "file of OpenPGP keys to trust instead of the distributor's", "", "", anything(func(s *Settings) *string { return &s.Keyring })},
		{"refresh", "true: look the stream up now, not once a day", "false", "", yesNo(func(s *Settings) *bool { return &s.Refresh })},
		{"fcos_url", "server or mirror of Fedora CoreOS", "https://builds.coreos.fedoraproject.org", "", server(func(s *Settings) *string { return &s.FCOSServer })},
		{"flatcar_url", "server or mirror of Flatcar; {channel} is stable, beta, …", "https://{channel}.release.flatcar-linux.net", "", server(func(s *Settings) *string { return &s.FlatcarServer })},
		{"discovery", "how etcd's members find each other: embedded, embedded-v2 (etcd before 3.6), a discovery URL or service (v2), etcd endpoints (v3), static, or srv:<domain>", discoveryDefault(env), "", text(func(s *Settings) *string { return &s.Discovery })},
		{"discovery_listen", "address of the embedded service, as nodes reach it; none is the bridge's", "", "", anything(func(s *Settings) *string { return &s.DiscoveryListen })},
		{"discovery_ca", "file of the certificates (PEM) that the etcd of discovery= is signed by; none are the system's", "", "", anything(func(s *Settings) *string { return &s.DiscoveryCA })},
		{"discovery_cert", "file of the certificate (PEM) that is shown to the etcd of discovery=, by this host and by the nodes", "", "", anything(func(s *Settings) *string { return &s.DiscoveryCert })},
		{"discovery_key", "file of its key (PEM)", "", "", anything(func(s *Settings) *string { return &s.DiscoveryKey })},
		{"discovery_user", "user:password for the etcd of discovery=", "", "", credentials},
		{"addresses", "of the nodes, with commas, for discovery=static; none are looked up by name", "", "", anything(func(s *Settings) *string { return &s.Addresses })},
		{"renew", "true: `mage discovery` makes a new token", "false", "", yesNo(func(s *Settings) *bool { return &s.Renew })},
		{"bridge", "the host's bridge on the physical network", "br0", "", bridge},
		{"network", "a libvirt network instead of the bridge, for hosts without one (its NAT keeps the nodes on this host)", "", "", anything(func(s *Settings) *string { return &s.Network })},
		{"direct", "a card that the nodes share without a bridge (macvtap); this host itself cannot reach them over it", "", "", optionalLink(func(s *Settings) *string { return &s.Direct })},
		{"nic", "the card over which `mage host:setup` makes the bridge; none is that of the default route", "", "", optionalLink(func(s *Settings) *string { return &s.NIC })},
		{"apply", "true: `mage host:setup` does what it would do", "false", "", yesNo(func(s *Settings) *bool { return &s.Apply })},
		{"rollback", "after which `mage host:setup` takes a bridge back that does not carry what the card did", "60s", "", duration(func(s *Settings) *time.Duration { return &s.Rollback })},
		{"uri", "libvirt connection URI", "qemu:///system", "", uri},
		{"accel", "auto, kvm or tcg (emulation: slow, needs no KVM)", "auto", "tcg", oneOf(func(s *Settings) *string { return &s.Accel }, "auto", "kvm", "tcg")},
		{"timeout", "how long nodes may take to be ready, and etcd to be healthy after that (90s, 10m)", "10m", "", duration(func(s *Settings) *time.Duration { return &s.Timeout })},
		{"ready", "on, or off: nodes get no readiness unit, `up` does not wait for them", "on", "", yesNo(func(s *Settings) *bool { return &s.Ready })},
		{"updates", "off, or on: nodes update themselves, and boot again for that, as their system does; what the config says of it counts more", "off", "", yesNo(func(s *Settings) *bool { return &s.Updates })},
		{"store", "folder of base images, shared by all clusters", store(env), "", folder(func(s *Settings) *string { return &s.Store })},
		{"recreate", "nodes that `mage up` recreates: changed, all, or names (core02,core03)", "", "", anything(func(s *Settings) *string { return &s.Recreate })},
		{"parallel", "true: nodes are recreated all at once, not one after the other", "false", "", yesNo(func(s *Settings) *bool { return &s.Parallel })},
		{"force", "true: `mage up` makes a new cluster of one whose etcd answers, with recreate=all: its data are lost", "false", "", yesNo(func(s *Settings) *bool { return &s.Force })},
		{"redefine", "true: overwrite what somebody else changed in a domain's definition", "false", "", yesNo(func(s *Settings) *bool { return &s.Redefine })},
		{"keep_going", "false: where one node fails, the others are not waited for", "true", "", yesNo(func(s *Settings) *bool { return &s.KeepGoing })},
		{"wait", "false: fail where another run is at the cluster, rather than wait for it", "true", "", yesNo(func(s *Settings) *bool { return &s.Wait })},
		{"all", "true: every cluster of this workspace; where there is more than one, prefix= names one of them", "false", "", yesNo(func(s *Settings) *bool { return &s.All })},
		{"yes", "true: `mage down` does not ask, also if data are lost", "false", "", yesNo(func(s *Settings) *bool { return &s.Yes })},
		{"plan", "true: `mage down` only prints what would go", "false", "", yesNo(func(s *Settings) *bool { return &s.PlanOnly })},
		{"protect", "true: `mage down` and what recreates or removes nodes refuse this cluster from now on, until false", "", "", protect},
		{"grace", "how long a guest may take to shut down before its plug is pulled", "60s", "", duration(func(s *Settings) *time.Duration { return &s.Grace })},
		{"format", "of what `mage plan`, `mage status` and `mage verify` print: table or json", "table", "", oneOf(func(s *Settings) *string { return &s.Format }, "table", "json")},
		{"diff", "false: `mage plan` leaves out what changed in Ignition documents", "true", "", yesNo(func(s *Settings) *bool { return &s.Diff })},
		{"follow", "true: `mage logs` goes on with what comes", "false", "", yesNo(func(s *Settings) *bool { return &s.Follow })},
		{"file", "the snapshot that `mage backup` writes and `mage restore` reads", "", "", anything(func(s *Settings) *string { return &s.File })},
		{"remove", "the id of a member of etcd that is no node's: `mage etcd` takes it out", "", "", memberID},
		{"archive", "file (.tar.gz) into which `mage down` puts consoles and Ignition documents", "", "", anything(func(s *Settings) *string { return &s.Archive })},
		{"node", "the node that a target is about; where it may be several, none is all", "", "", anything(func(s *Settings) *string { return &s.Node })},
		{"cmd", "what `mage ssh` runs there; none is a login", "", "", anything(func(s *Settings) *string { return &s.Cmd })},
		{"verify", "off: documents are not judged before nodes boot; what `mage verify` says is not said by others", "on", "", yesNo(func(s *Settings) *bool { return &s.Verify })},
		{"strict", "true: `mage verify` also fails for what is only a warning", "false", "", yesNo(func(s *Settings) *bool { return &s.Strict })},
		{"rounds", "of the hash that `mage password` makes", "5000", "", number(func(s *Settings) *int { return &s.Rounds }, 1000, 999999999)},
		{"full", "true: `mage test` runs every story on real guests, not only the parts for each change", "false", "", yesNo(func(s *Settings) *bool { return &s.Full })},
		{"user", "the user that `mage ssh` logs in as", "core", "", login},
	}
}

// store is where base images go by default: for root into libvirt's own folder of images, where QEMU's
// user may read them and SELinux labels them so, for everybody else into the user's cache folder.
func store(env Environment) string {
	if env.Root {
		return "/var/lib/libvirt/images/coreos-libvirt"
	}
	return filepath.Join(env.Cache, "coreos-libvirt")
}

// cache is where goes what can be built again: for root FHS 3.0's folder for that.
func cache(env Environment) string {
	if env.Root {
		return "/var/cache/coreos-libvirt"
	}
	return filepath.Join(env.Cache, "coreos-libvirt")
}

// discoveryDefault is what the bash script's users have in their environment, or the service of the
// project's own.
func discoveryDefault(env Environment) string {
	if env.Lookup != nil {
		if url, ok := env.Lookup("ETCD_DISCOVERY_URL"); ok && url != "" {
			return url
		}
	}
	return "embedded"
}

// hostArch is this machine's architecture in the distributors' words.
func hostArch() string {
	if runtime.GOARCH == "arm64" {
		return "aarch64"
	}
	return "x86_64"
}

// Variable is the environment variable that sets the key.
func (k Key) Variable() string { return envPrefix + strings.ToUpper(k.Name) }

// choose gives the value that counts and where it is from.
func (k Key) choose(given map[string]string, env Environment, lab bool) (value, from string) {
	if value, ok := given[k.Name]; ok {
		return value, fromWord
	}
	if value, ok := env.Lookup(k.Variable()); ok {
		return value, "environment, " + k.Variable()
	}
	if lab && k.Lab != "" {
		return k.Lab, fromLab
	}
	return k.Default, fromDefault
}

func known(name string) bool {
	for _, k := range Keys(Environment{}) {
		if k.Name == name {
			return true
		}
	}
	return false
}

// unknownVariable is the error for a variable of the environment that looks like a setting and is none.
func unknownVariable(env Environment) error {
	if env.All == nil {
		return nil
	}
	for _, pair := range env.All() {
		name, _, _ := strings.Cut(pair, "=")
		key, ours := strings.CutPrefix(name, envPrefix)
		if !ours || name == LabVariable || name == RelaunchedVariable || strings.HasPrefix(name, varVariable) {
			continue
		}
		if key = strings.ToLower(key); known(key) && name == (Key{Name: key}).Variable() {
			continue
		}
		advice := "settings are " + strings.Join(names(), ", ")
		if near := nearest(key); near != "" {
			advice = fmt.Sprintf("did you mean %s ?", Key{Name: near}.Variable())
		}
		return hint.Errorf(advice, "%s (environment): there is no setting %q", name, key)
	}
	return nil
}

func names() (all []string) {
	for _, k := range Keys(Environment{}) {
		all = append(all, k.Name)
	}
	return all
}

// nearest is the key that a mistyped one may mean, or empty.
func nearest(key string) string { return Nearest(strings.TrimLeft(key, "-"), names()) }

// Nearest is the one of the names that a mistyped one may mean, or empty: of short words fewer letters may be wrong. Of two
// that are as near it is the one that has more of the letters.
func Nearest(word string, among []string) string {
	near, best := "", 0
	for _, name := range among {
		d := levenshtein.ComputeDistance(strings.ToLower(word), name)
		if off := 100*d + others(word, name); d <= min(2, max(1, len(word)/2)) && (near == "" || off < best) {
			near, best = name, off
		}
	}
	return near
}

// others is how many letters of the word are not in the name.
func others(word, name string) (count int) {
	for _, letter := range strings.ToLower(word) {
		if strings.ContainsRune(name, letter) {
			name = strings.Replace(name, string(letter), "", 1)
		} else {
			count++
		}
	}
	return count
}

// Known is an error if there is no setting of the name, with the one that it may mean.
func Known(name, value string) error {
	if known(name) || strings.HasPrefix(name, varPrefix) {
		return nil
	}
	return unknownKey(name, value)
}

// unknownKey is the error for a key that is none, with the nearest one where it is near.
func unknownKey(key, value string) error {
	if near := nearest(key); near != "" {
		return hint.Errorf(fmt.Sprintf("did you mean %s=%s ?", near, value), "%s=%s: there is no setting %q", key, value, key)
	}
	return hint.Errorf("settings are "+strings.Join(names(), ", "), "%s=%s: there is no setting %q", key, value, key)
}
