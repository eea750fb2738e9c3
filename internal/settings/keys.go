package settings

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"coreos-libvirt/internal/settings/clusterfile"
	"coreos-libvirt/internal/settings/hosts"
	"coreos-libvirt/internal/settings/kind"
	"coreos-libvirt/internal/settings/link"
	"coreos-libvirt/internal/settings/process"
	"coreos-libvirt/internal/settings/secret"
	"coreos-libvirt/internal/settings/words"
	"coreos-libvirt/internal/terminal/hint"
)

// Key is one parameter: its name, what it means, and how its text becomes a value.
type Key struct {
	Name    string
	of      scope
	Meaning string
	Default string
	Lab     string // default inside the lab, where it differs
	value
}

// scope is what a setting says something of.
type scope int

const (
	ofNode    scope = iota // each node: those of a group may have another value than the others
	ofCluster              // the cluster
	ofPlace                // where nodes are: in a cluster file each node, else what one run is about
	ofSecret               // the cluster, and nobody else may read it
	ofRuns                 // how runs go about it, whatever they do
	ofOneRun               // what one run does
)

// Values of fetch=.
const (
	FetchClient = "client"
	FetchHost   = "host"
)

const envPrefix = "COREOS_"

// Keys are all parameters, in the order in which `mage settings` prints them.
func Keys(env Environment) []Key {
	return []Key{
		{"prefix", ofOneRun, "node names: this and a number from 01", "core", "", kind.Plain(prefix)},
		{"nodes", ofCluster, "how many nodes", "3", "", kind.Number(func(s *Settings) *int { return &s.Nodes }, 1, 1000)},
		{"ram", ofNode, "memory of a node in MiB; a running one takes more, in steps of 128", "2048", "1024", kind.Number(func(s *Settings) *int { return &s.RAM }, 256, 16<<20)},
		{"vcpu", ofNode, "virtual processors of a node; a running one takes up to 16", "2", "1", kind.Number(func(s *Settings) *int { return &s.VCPU }, 1, 255)},
		{"disk", ofNode, "disk of a node in GiB; auto is as large as the image, and 10 at least", "auto", "", disk()},
		{"disks", ofNode, "further disks, empty when a node is made: sizes in GiB, with names (20,50 or data:50,log:20), or none; not given, as a node has them", "", "", diskValue()},
		{"config", ofNode, "the Butane config to transpile", "ignition/ignition.yml", "", kind.Text(func(s *Settings) *string { return &s.Config })},
		{"image", ofNode, "what nodes boot: a stream (fcos-stable, flatcar-beta@4230.1.0), a qcow2 file, a URL, lab, or its stand-ins lab-fcos and lab-flatcar", "fcos-stable", "lab", kind.Text(func(s *Settings) *string { return &s.Image })},
		{"sha256", ofNode, "of the file at the URL that image= names", "", "", digest()},
		{"arch", ofCluster, "of the nodes: x86_64 or aarch64", hostArch(), "", kind.OneOf(func(s *Settings) *string { return &s.Arch }, "x86_64", "aarch64")},
		{"firmware", ofCluster, "auto, bios or uefi", "auto", "", kind.OneOf(func(s *Settings) *string { return &s.Firmware }, "auto", "bios", "uefi")},
		{"keyring", ofCluster, "file of OpenPGP keys to trust instead of the distributor's", "", "", kind.Anything(func(s *Settings) *string { return &s.Keyring })},
		{"refresh", ofRuns, "true: look the stream up now, not once a day", "false", "", kind.YesNo(func(s *Settings) *bool { return &s.Refresh })},
		{"fcos_url", ofCluster, "server or mirror of Fedora CoreOS", "https://builds.coreos.fedoraproject.org", "", kind.Server(func(s *Settings) *string { return &s.FCOSServer })},
		{"flatcar_url", ofCluster, "server or mirror of Flatcar; {channel} is stable, beta, …", "https://{channel}.release.flatcar-linux.net", "", kind.Server(func(s *Settings) *string { return &s.FlatcarServer })},
		{"discovery", ofCluster, "how etcd's members find each other: embedded, embedded-v2 (etcd before 3.6), a discovery URL or service (v2), etcd endpoints (v3), static, or srv:<domain>", discoveryDefault(env), "", kind.Text(func(s *Settings) *string { return &s.Discovery })},
		{"discovery_listen", ofCluster, "address of the embedded service, as nodes reach it; none is the bridge's", "", "", kind.Anything(func(s *Settings) *string { return &s.DiscoveryListen })},
		{"discovery_ca", ofCluster, "file of the certificates (PEM) that the etcd of discovery= is signed by; none are the system's", "", "", kind.Anything(func(s *Settings) *string { return &s.DiscoveryCA })},
		{"discovery_cert", ofCluster, "file of the certificate (PEM) that is shown to the etcd of discovery=, by this host and by the nodes", "", "", kind.Anything(func(s *Settings) *string { return &s.DiscoveryCert })},
		{"discovery_key", ofCluster, "file of its key (PEM)", "", "", kind.Anything(func(s *Settings) *string { return &s.DiscoveryKey })},
		{"discovery_user", ofSecret, "user:password for the etcd of discovery=", "", "", kind.Pattern(words.UserAndPassword.String(), kind.Checked(words.CheckCredentials, func(s *Settings) *string { return &s.DiscoveryUser }))},
		{"etcd_user", ofSecret, "name:password of a user with the role root, where the members' etcd has users; or @ and a file with that in it", "", "", kind.Pattern(secret.Pattern, kind.Checked(secret.CheckUser, func(s *Settings) *string { return &s.EtcdUser }))},
		{"addresses", ofCluster, "of the nodes, with commas, for discovery=static; none are looked up by name", "", "", kind.Anything(func(s *Settings) *string { return &s.Addresses })},
		{"renew", ofOneRun, "true: `mage discovery` makes a new token", "false", "", kind.YesNo(func(s *Settings) *bool { return &s.Renew })},
		{"bridge", ofCluster, "the host's bridge on the physical network", "br0", "", kind.Link(func(s *Settings) *string { return &s.Bridge })},
		{"network", ofCluster, "a libvirt network instead of the bridge, for hosts without one (its NAT keeps the nodes on this host)", "", "", kind.Anything(func(s *Settings) *string { return &s.Network })},
		{"direct", ofCluster, "a card that the nodes share without a bridge (macvtap); this host itself cannot reach them over it", "", "", kind.OptionalLink(func(s *Settings) *string { return &s.Direct })},
		{"networks", ofNode, "of further network cards: bridge:br1, network:default, direct:eth1, with commas, or none; not given, as a node has them", "", "", networkValue()},
		{"shell", ofOneRun, "of which `mage completion` is about: bash, zsh or fish; none is each that is there", "", "", kind.OneOf(func(s *Settings) *string { return &s.Shell }, "", "bash", "zsh", "fish")},
		{"install", ofOneRun, "true: `mage completion` writes the files that the shells read", "false", "", kind.YesNo(func(s *Settings) *bool { return &s.Install })},
		{"nic", ofOneRun, "the card over which `mage host:setup` makes the bridge; none is that of the default route", "", "", kind.OptionalLink(func(s *Settings) *string { return &s.NIC })},
		{"apply", ofOneRun, "true: `mage host:setup` does what it would do", "false", "", kind.YesNo(func(s *Settings) *bool { return &s.Apply })},
		{"rollback", ofOneRun, "after which `mage host:setup` takes a bridge back that does not carry what the card did", "60s", "", kind.Duration(func(s *Settings) *time.Duration { return &s.Rollback })},
		{"uri", ofRuns, "libvirt connection URI", "qemu:///system", "", kind.Pattern(hosts.URIPattern, kind.Checked(hosts.CheckURI, func(s *Settings) *string { return &s.URI }))},
		{"hosts", ofCluster, "libvirt connection URIs of the hosts that nodes are spread over, with commas, in place of uri=; behind a URI name=, bridge= and label= may stand", "", "", hostList()},
		{"host", ofPlace, "the host of a node, by its name or label; in a cluster file new nodes go there; of host:check, host:setup and host:undo also any that ssh knows (root@hv1)", "", "", kind.Plain(kind.Checked(hosts.CheckName, func(s *Settings) *string { return &s.Host }))},
		{"pool", ofCluster, "libvirt's storage pool with the nodes' files, which is there; none is coreos-libvirt, which is made, or on this host vm/", "", "", kind.Pattern(link.PoolPattern, kind.Checked(link.CheckPool, func(s *Settings) *string { return &s.Pool }))},
		{"engine", ofCluster, "what runs the nodes: libvirt; or kubevirt, a Kubernetes cluster with KubeVirt", Libvirt, "", kind.OneOf(func(s *Settings) *string { return &s.Engine }, Libvirt, KubeVirt)},
		{"context", ofCluster, "of engine=kubevirt: the context of the kubeconfig that kubectl would use; none is its current one", "", "", kind.Anything(func(s *Settings) *string { return &s.Context })},
		{"namespace", ofCluster, "of engine=kubevirt: Kubernetes' namespace of the nodes; none is that of the context", "", "", kind.Pattern(words.Namespace.String(), kind.Checked(words.CheckNamespace, func(s *Settings) *string { return &s.Namespace }))},
		{"storageclass", ofCluster, "of engine=kubevirt: Kubernetes' storage class of the nodes' disks; none is the default of the Kubernetes cluster", "", "", kind.Pattern(words.StorageClass.String(), kind.Checked(words.CheckStorageClass, func(s *Settings) *string { return &s.StorageClass }))},
		{"nad", ofCluster, "of engine=kubevirt: Multus' NetworkAttachmentDefinition of the nodes' network, its name or namespace/name; none is the network of pods, by masquerade", "", "", kind.Pattern(words.NAD.String(), kind.Checked(words.CheckNAD, func(s *Settings) *string { return &s.NAD }))},
		{"fetch", ofCluster, "who fetches and verifies base images for nodes on other hosts: client, which uploads them, or host: each host itself, by this program over ssh", FetchClient, "", kind.OneOf(func(s *Settings) *string { return &s.Fetch }, FetchClient, FetchHost)},
		{"accel", ofCluster, "auto, kvm or tcg (emulation: slow, needs no KVM)", "auto", "tcg", kind.OneOf(func(s *Settings) *string { return &s.Accel }, "auto", "kvm", "tcg")},
		{"timeout", ofRuns, "how long nodes may take to be ready, and etcd to be healthy after that (90s, 10m); a test of `mage check` that has no timeoutMin", "10m", "", kind.Duration(func(s *Settings) *time.Duration { return &s.Timeout })},
		{"ready", ofCluster, "on, or off: nodes get no readiness unit, `up` does not wait for them", "on", "", kind.YesNo(func(s *Settings) *bool { return &s.Ready })},
		{"updates", ofCluster, "off, or on: nodes update themselves, and boot again for that, as their system does; what the config says of it counts more", "off", "", kind.YesNo(func(s *Settings) *bool { return &s.Updates })},
		{"store", ofCluster, "folder of base images, shared by all clusters", store(env), "", kind.Folder(func(s *Settings) *string { return &s.Store })},
		{"recreate", ofOneRun, "nodes that `mage up` recreates: changed, all, or names (core02,core03)", "", "", kind.Anything(func(s *Settings) *string { return &s.Recreate })},
		{"parallel", ofRuns, "true: nodes are recreated all at once, not one after the other", "false", "", kind.YesNo(func(s *Settings) *bool { return &s.Parallel })},
		{"force", ofOneRun, "true: `mage up` makes a new cluster of one whose etcd answers, with recreate=all: its data are lost; `mage restore` replaces an etcd that has keys; `mage etcd recover=true` does not mind nodes that do not run and have their disks", "false", "", kind.YesNo(func(s *Settings) *bool { return &s.Force })},
		{"redefine", ofOneRun, "true: overwrite what somebody else changed in a domain's definition", "false", "", kind.YesNo(func(s *Settings) *bool { return &s.Redefine })},
		{"keep_going", ofRuns, "false: if one node fails, the others are not waited for", "true", "", kind.YesNo(func(s *Settings) *bool { return &s.KeepGoing })},
		{"wait", ofRuns, "false: fail where another run is at the cluster, rather than wait for it", "true", "", kind.YesNo(func(s *Settings) *bool { return &s.Wait })},
		{"all", ofOneRun, "true: every cluster, or node, of this workspace; if there is more than one, prefix= names one of them", "false", "", kind.YesNo(func(s *Settings) *bool { return &s.All })},
		{"yes", ofOneRun, "true: `mage down` and `mage etcd recover=true` do not ask, also if data are lost", "false", "", kind.YesNo(func(s *Settings) *bool { return &s.Yes })},
		{"plan", ofOneRun, "true: `mage down` only prints what would go", "false", "", kind.YesNo(func(s *Settings) *bool { return &s.PlanOnly })},
		{"protect", ofRuns, "true: `mage down` and what recreates or removes nodes refuse this cluster from now on, until false", "", "", value{Set: protect, Shape: clusterfile.Shape{Type: clusterfile.YesNo}}},
		{"grace", ofRuns, "how long a guest may take to shut down before it is powered off", "60s", "", kind.Duration(func(s *Settings) *time.Duration { return &s.Grace })},
		{"format", ofRuns, "of what is printed: table, or json for programs, of `mage check` and `mage ci` junit or tap, too, of `mage timeline` svg or text, of `mage manifests` yaml; then the rest goes to standard error", "table", "", kind.OneOf(func(s *Settings) *string { return &s.Format }, "table", "json", "junit", "tap", "svg", "text", "yaml")},
		{"diff", ofRuns, "false: `mage plan` leaves out what changed in Ignition documents", "true", "", kind.YesNo(func(s *Settings) *bool { return &s.Diff })},
		{"follow", ofRuns, "true: `mage logs`, `mage journal` and `mage status` go on with what comes", "false", "", kind.YesNo(func(s *Settings) *bool { return &s.Follow })},
		{"file", ofOneRun, "the snapshot that `mage backup` writes and `mage restore` reads, the program that `mage build` makes, or the drawing of `mage timeline`", "", "", kind.Anything(func(s *Settings) *string { return &s.File })},
		{"open", ofOneRun, "true: `mage timeline` shows the drawing in the program that opens such files (xdg-open)", "false", "", kind.YesNo(func(s *Settings) *bool { return &s.Open })},
		{"remove", ofOneRun, "of `mage etcd`: the id of a member that is not a node's, which is taken out; of `mage snapshots`: true, the one that name= says goes", "", "", kind.Plain(remove)},
		{"defrag", ofOneRun, "true: `mage etcd` compacts etcd and defragments its members, one after the other, and disarms alarms that databases are full", "false", "", kind.YesNo(func(s *Settings) *bool { return &s.Defrag })},
		{"recover", ofOneRun, "true: `mage etcd` makes a cluster of one member that is left of an etcd that has lost most of them for good; what only the others had is lost", "false", "", kind.YesNo(func(s *Settings) *bool { return &s.Recover })},
		{"keys", ofOneRun, "true: `mage restore` puts the keys of a snapshot into the etcd that runs, which must have no others, and nothing else", "false", "", kind.YesNo(func(s *Settings) *bool { return &s.KeysOnly })},
		{"name", ofOneRun, "of a snapshot of the cluster: begins with a letter", "", "", kind.Plain(kind.Checked(words.SnapshotName, func(s *Settings) *string { return &s.Name }))},
		{"memory", ofOneRun, "off: `mage snapshot` shuts the nodes down for it and boots them again, and the snapshot has only their disks", "on", "", kind.YesNo(func(s *Settings) *bool { return &s.Memory })},
		{"archive", ofOneRun, "file (.tar.gz) into which `mage down` puts consoles and Ignition documents, and `mage ci` consoles, journals and reports if something failed (vm/ci.<prefix>/ci.tar.gz)", "", "", kind.Anything(func(s *Settings) *string { return &s.Archive })},
		{"node", ofOneRun, "the node that a target is about; of targets that take several, none is all", "", "", kind.Anything(func(s *Settings) *string { return &s.Node })},
		{"cmd", ofOneRun, "what `mage ssh` runs in the node, or `mage lab shell` in the lab; none is a login", "", "", kind.Anything(func(s *Settings) *string { return &s.Cmd })},
		{"from", ofOneRun, "what `mage cp` copies: a path here, or node:path; :path is of node=, prefix= or all=true", "", "", kind.Anything(func(s *Settings) *string { return &s.From })},
		{"to", ofOneRun, "where `mage cp` copies it to: the same", "", "", kind.Anything(func(s *Settings) *string { return &s.To })},
		{"port", ofOneRun, "of a node, which `mage forward` makes one of this host; 8080:80 is 8080 here and 80 there, 0:80 a free one here", "", "", kind.Plain(ports)},
		{"verify", ofRuns, "off: documents are not judged before nodes boot; what `mage verify` says is not said by others", "on", "", kind.YesNo(func(s *Settings) *bool { return &s.Verify })},
		{"strict", ofRuns, "true: `mage verify` also fails for what is only a warning", "false", "", kind.YesNo(func(s *Settings) *bool { return &s.Strict })},
		{"test", ofOneRun, "names of the tests that `mage check` runs, with commas; * is any text; none is all", "", "", kind.Anything(func(s *Settings) *string { return &s.Test })},
		{"tags", ofOneRun, "`mage check` runs the tests that have one of these tags, with commas, and none of !tag; none is all that require no tag", "", "", kind.Anything(func(s *Settings) *string { return &s.Tags })},
		{"keep", ofOneRun, "true: `mage ci` leaves the nodes as they are at its end; of `mage backup`: so many snapshots, whose names get the time, the older ones go", "false", "", kind.Plain(keep)},
		{"units", ofRuns, "what `mage up` does if a unit that the config brings has failed: fail, warn, or off: it is not looked at", "fail", "", kind.OneOf(func(s *Settings) *string { return &s.Units }, UnitsFail, UnitsWarn, UnitsOff)},
		{"settle", ofRuns, "how long a node that is ready may take until its systemd has started what it starts", "30s", "", kind.Duration(func(s *Settings) *time.Duration { return &s.Settle })},
		{"unit", ofOneRun, "of which `mage journal` prints the lines; none is all", "", "", kind.Plain(kind.Checked(words.CheckUnit, func(s *Settings) *string { return &s.Unit }))},
		{"version", ofOneRun, "of the release that `mage release` makes: v0.1.0", "", "", kind.Anything(func(s *Settings) *string { return &s.Release })},
		{"rounds", ofOneRun, "of the hash that `mage password` makes", "5000", "", kind.Number(func(s *Settings) *int { return &s.Rounds }, 1000, 999999999)},
		{"full", ofOneRun, "true: `mage test` runs every story on real guests, not only the parts for each change; `mage bench` goes up to 100 nodes", "false", "", kind.YesNo(func(s *Settings) *bool { return &s.Full })},
		{"user", ofCluster, "the user that `mage ssh` logs in as", "core", "", kind.Pattern(words.Login.String(), kind.Checked(words.CheckLogin, func(s *Settings) *string { return &s.User }))},
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
		if !ours || process.Own(name) || strings.HasPrefix(name, varVariable) {
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
func nearest(key string) string { return hint.Nearest(strings.TrimLeft(key, "-"), names()) }

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
