package targets

import (
	"slices"
	"strings"

	"coreos-libvirt/internal/settings"
)

// Settings that go together.
const (
	image    = "image sha256 arch store keyring fcos_url flatcar_url refresh wait fetch "
	link     = "bridge network direct "
	reached  = "uri pool ready " + link // how nodes are reached
	joining  = "discovery discovery_listen discovery_ca discovery_cert discovery_key discovery_user addresses "
	document = "prefix nodes config image updates var. " + joining + reached               // what a node's Ignition document is made of
	asked    = "engine context namespace "                                                 // of targets that ask any engine of nodes
	engines  = asked + "storageclass nad "                                                 // of targets that work with every engine
	node     = document + image + "etcd_user ram vcpu disk disks networks firmware accel " // what a node is made of
	judged   = "verify "                                                                   // documents are judged on the way
	changes  = "recreate parallel force redefine protect "
	boots    = "timeout keep_going user "
	looked   = "units settle " // how units are, once nodes are ready
	etcd     = "prefix nodes user timeout etcd_user discovery_ca discovery_cert discovery_key discovery_user " + reached
	power    = "prefix node all uri pool wait "
)

// takes is the list of those settings, each once. Who takes uri= takes hosts= in its place.
func takes(settings string) []string {
	all := strings.Fields(settings)
	if slices.Contains(all, "uri") {
		all = append(all, "hosts")
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// takesOne is takes of a target that is about one host's libvirt.
func takesOne(settings string) []string {
	return slices.DeleteFunc(takes(settings), func(key string) bool { return key == "hosts" })
}

// every is all settings.
func every() []string {
	all := []string{Vars}
	for _, key := range settings.Keys(settings.Environment{}) {
		all = append(all, key.Name)
	}
	return all
}

// results are formats of test results.
var results = []string{"junit", "tap"}

// All are the targets. What they do stands above the functions in magefiles/targets.go, too.
var All = []Target{
	{
		Name: "up", One: true, Does: "boots the cluster and waits until every node is ready and etcd is healthy.",
		Takes: takes(engines + node + judged + changes + boots + looked + "wait format"), Libvirt: true, Examples: [2]string{"up prefix=core nodes=3", "up recreate=changed"},
		More:   "A running node is left as it is: its document, image or disk changed since it was made, and recreate= says that it is made again.",
		Advice: map[string]string{"node": "`mage start node=core01` boots one node; `mage up recreate=core01` recreates one"},
		Never:  map[string]string{"plan": "`mage plan` prints what up would do"},
	},
	{
		Name: "down", Does: "removes the cluster prefix=, or all with all=true, after it has shown what goes and asked. Base images stay.",
		Takes: takes(asked + "prefix all yes plan protect archive uri pool wait format"), Libvirt: true, NoImage: true, Examples: [2]string{"down prefix=core", "down all=true yes=true"},
		More:   "Without a terminal it does not ask: if nodes hold data, it wants prefix= or yes=true. A cluster with protect=true stays until protect=false.",
		Advice: map[string]string{"nodes": "down removes whole clusters; `mage up nodes=2` removes the nodes above the second"},
		Never:  map[string]string{"node": "down removes whole clusters; `mage up recreate=core01` recreates a node, `mage stop node=core01` shuts it down, `mage up nodes=2` removes those above the second"},
	},
	{
		Name: "plan", One: true, Prints: true, Does: "prints what up would do, node by node; exit status 2 if that is something, or a node is outdated; diff=, format=json.",
		Takes: takes(engines + node + judged + changes + boots + looked + "wait diff format"), Libvirt: true, Examples: [2]string{"plan", "plan nodes=5 format=json"},
		Advice: map[string]string{"node": "plan is about the whole cluster: `mage plan`"},
	},
	{
		Name: "fetch", Does: "gets the image that nodes boot, unless it is in the store.",
		Takes: takes(image + "prefix uri pool format"), Examples: [2]string{"fetch image=flatcar-stable", "fetch refresh=true"},
	},
	{
		Name: "transpile", One: true, Does: "makes ignition/ignition.yml into vm/ignition-template.json.",
		Takes: takes(engines + document + judged), Examples: [2]string{"transpile", "transpile config=ignition/examples/etcd-tls.yml"},
	},
	{
		Name: "verify", One: true, Prints: true, Does: "judges each node's Ignition document: units, Quadlets and files, by the programs that will read them; strict=, format=json.",
		Takes: takes(engines + document + "strict format"), Examples: [2]string{"verify", "verify config=ignition/examples/etcd-quadlet.yml strict=true"},
	},
	{
		Name: "check", One: true, Formats: results, Does: "runs your own tests, in ignition/tests, on the nodes, as kola does external ones; test=, tags=, node=, format=.",
		Takes: takes(asked + "prefix config node test tags timeout format user " + reached), Libvirt: true, NoImage: true, Examples: [2]string{"check", "check test='files.*' format=junit"},
		More: "A test is an executable. It runs as the unit kola-runext.service with full rights, one after the other, on all nodes at once. docs/check.md says more. Exit status 1: one failed.",
	},
	{
		Name: "ci", One: true, Formats: results, Does: "is verify, up, check and down in one, for servers that test each change; test=, tags=, keep=, archive=, format=.",
		Takes: takes(node + judged + boots + "test tags keep archive grace wait format"), Libvirt: true, Examples: [2]string{"ci prefix=ci nodes=1", "ci prefix=ci format=junit"},
		More: "The cluster must not be there before. vm/ci.<prefix> has the results, and if something failed an archive of consoles and journals. Exit status: 3 verify failed, 4 up, 5 check, 6 down.",
	},
	{
		Name: "discovery", One: true, Does: "makes sure of a token by which the nodes' etcd find each other, if the config asks for one.",
		Takes: takes(engines + document + judged + "renew wait"), Examples: [2]string{"discovery", "discovery renew=true"},
	},
	{
		Name: "render", One: true, Does: "makes each node's vm/<node>/ignition.json of the template.",
		Takes: takes(engines + document + judged + "renew wait"), Examples: [2]string{"render", "render prefix=web nodes=2 var.Registry_Mirror=10.0.0.5:5000"},
	},
	{
		Name: "manifests", One: true, Prints: true, Data: true, Formats: []string{"yaml"}, Does: "prints the cluster's nodes as objects of Kubernetes with KubeVirt, engine=kubevirt, for kubectl or GitOps; format=json.",
		Takes: takes(engines + document + judged + "arch fcos_url flatcar_url ram vcpu disk disks firmware renew wait format"), NoImage: true,
		Examples: [2]string{"manifests engine=kubevirt nad=br0", "manifests prefix=web engine=kubevirt namespace=web format=json"},
		More:     "Its Secrets have the nodes' Ignition documents, and what is secret in these. docs/kubevirt.md says what applies them.",
	},
	{
		Name: "define", One: true, Does: "makes each node's disk and libvirt domain.",
		Takes: takes(node + judged + changes + "keep_going renew wait"), Libvirt: true, Examples: [2]string{"define", "define prefix=web nodes=2 ram=4096"},
	},
	{
		Name: "ssh", Does: "logs in to node=core02, or runs cmd='uname -r' there; on all nodes of a cluster with prefix=, on all there are with all=true.",
		Takes: takes(asked + "node prefix all cmd user " + reached), Libvirt: true, NoImage: true, Examples: [2]string{"ssh node=core02", "ssh all=true cmd='uname -r'"},
		More: "The lines of several nodes begin with the node's name, and the exit status is the worst of theirs. That of a node which cannot be reached is 255, as ssh's own.",
	},
	{
		Name: "cp", Does: "copies a file or folder from= to=, one of which is node:path.",
		Takes: takes(asked + "from to node prefix all user " + reached), Libvirt: true, NoImage: true, Examples: [2]string{"cp from=site to=core01:/srv", "cp from=:/etc/os-release to=copies all=true"},
		More: "A path without a node, :path, is of node=, of each node of a cluster with prefix=, or of all there are with all=true; from these it makes a folder a node. What goes into a folder that is there keeps its name. A file that is replaced is so as a whole, or not at all. Symbolic links in a folder are copied as such; owners and times are not copied.",
	},
	{
		Name: "forward", Does: "makes port=8080:80, which is 80 of node=core01, port 8080 of this host's 127.0.0.1, until Ctrl-C.",
		Takes: takes(asked + "node port user " + reached), Libvirt: true, NoImage: true, Examples: [2]string{"forward node=core01 port=8080:80", "lab forward node=core01 port=2379"},
		More: "It is what listens at the node's localhost. Behind the word lab the port is one of the real host.",
	},
	{
		Name: "shell", Does: "is a shell inside the lab, mage lab shell, or runs cmd='virsh list' there.",
		Takes: takes("cmd"), NoImage: true, Examples: [2]string{"lab shell", "lab shell cmd='virsh list'"},
	},
	{
		Name: "status", Prints: true, Does: "prints how each node is, without waiting for any; format=json, follow=true goes on.",
		Takes: takes(asked + node + "user units format follow"), Libvirt: true, NoImage: true, Examples: [2]string{"status", "status prefix=core format=json"},
		Advice: map[string]string{"node": "status is about all nodes: `mage status`"},
	},
	{
		Name: "etcd", One: true, Does: "prints the members of the cluster's etcd: ids, leader, health, version, database size. remove= takes one out that is not a node's, defrag=true defragments, recover=true makes a cluster of one that is left.",
		Takes: takes(asked + etcd + "format remove defrag recover node yes force wait"), Libvirt: true, NoImage: true, Examples: [2]string{"etcd prefix=web format=json", "etcd remove=8e9e05c52164694d"},
	},
	{
		Name: "tls:rotate", One: true, Does: "has the cluster's etcd trust a new certificate authority, and no other: in steps, while it is used.",
		Takes: takes(etcd + "wait"), Libvirt: true, NoImage: true, Examples: [2]string{"tls:rotate", "tls:rotate prefix=web"},
		More: "Each member is restarted twice, when all others are healthy. What ended before its end goes on with the same command.",
	},
	{
		Name: "backup", One: true, Does: "writes a snapshot of the cluster's etcd to file=core.db, and opens it; keep=7 removes older ones.",
		Takes: takes(asked + etcd + "file keep"), Libvirt: true, NoImage: true, Examples: [2]string{"backup file=core.db", "backup prefix=web file=/srv/web.db keep=7"},
	},
	{
		Name: "restore", One: true, Does: "gives the cluster's etcd all that the snapshot file=core.db has; if no node runs, up comes first.",
		Takes: takes(node + judged + changes + boots + looked + "wait file format keys"), Libvirt: true, Examples: [2]string{"restore file=core.db", "restore prefix=web nodes=3 file=web.db"},
		More: "An etcd that has keys is replaced only with force=true. What the members had stays beside the new data. keys=true only puts the keys into the etcd that runs. Without file= a restore that was killed is ended.",
	},
	{
		Name: "snapshot", One: true, Does: "keeps the whole cluster as it is at this moment, disks and memory, under name=.",
		Takes: takes("name memory prefix grace wait accel store " + boots + reached), Libvirt: true, NoImage: true, Examples: [2]string{"snapshot name=clean", "snapshot name=clean memory=off"},
		More: "All nodes are paused together, and go on when each has its snapshot. With memory=off they are shut down for it.",
	},
	{
		Name: "rollback", One: true, Does: "takes the whole cluster back to the snapshot name=: what came later is lost.",
		Takes: takes("name prefix protect wait accel store etcd_user " + boots + reached), Libvirt: true, NoImage: true, Examples: [2]string{"rollback name=clean", "rollback prefix=web name=clean"},
		More: "Definitions stay as they are now. A cluster with protect=true refuses it.",
	},
	{
		Name: "snapshots", Prints: true, Does: "lists the snapshots of the clusters; name= with remove=true removes one; format=json.",
		Takes: takes("name remove prefix format uri pool wait"), Libvirt: true, NoImage: true, Examples: [2]string{"snapshots", "snapshots name=clean remove=true"},
	},
	{
		Name: "console", Does: "is the serial console of node=core01; Ctrl-] leaves it.",
		Takes: takes(asked + "node uri pool"), Libvirt: true, NoImage: true, Examples: [2]string{"console node=core01", "console node=core02 uri=qemu:///session"},
	},
	{
		Name: "screen", Does: "writes what node=core01 shows on its screen to vm/core01/screen.png.",
		Takes: takes("node uri pool"), Libvirt: true, NoImage: true, Examples: [2]string{"screen node=core01", "screen node=core02 uri=qemu:///session"},
	},
	{
		Name: "logs", Prints: true, Does: "prints what node=core01, or all nodes, wrote on their consoles; follow=true goes on.",
		Takes: takes(asked + "node prefix follow uri pool"), Libvirt: true, NoImage: true, Examples: [2]string{"logs node=core01", "logs prefix=core follow=true"},
	},
	{
		Name: "units", Prints: true, Does: "prints how the systemd units are that the config brings to node=core01, or all nodes, and which others have failed; format=json.",
		Takes: takes(asked + "node prefix user format settle units " + reached), Libvirt: true, NoImage: true, Examples: [2]string{"units", "units node=core01 format=json"},
		More: "It waits until what the node starts has been started, at most settle=30s. Exit status 1 if a unit that the config brings has failed.",
	},
	{
		Name: "journal", Prints: true, Does: "prints the journal of this boot of node=core01, or of all nodes, of unit= or all; follow=true goes on.",
		Takes: takes(asked + "node prefix unit follow user " + reached), Libvirt: true, NoImage: true, Examples: [2]string{"journal node=core01 unit=etcd.service", "journal follow=true"},
		More: "Lines of several nodes begin with the node's name, in the order of their time.",
	},
	{
		Name: "stop", Does: "shuts node=core01, or all nodes of a cluster, down: by ACPI, and after grace= by force.",
		Takes: takes(asked + power + "grace"), Libvirt: true, NoImage: true, Examples: [2]string{"stop node=core01", "stop prefix=core grace=2m"},
		More: "If this workspace has more than one cluster, it wants node=, prefix=, or all=true.",
	},
	{
		Name: "start", Does: "boots node=core01, or all nodes of a cluster, that are there and do not run.",
		Takes: takes(asked + power + boots + link + "accel ready store"), Libvirt: true, NoImage: true, Examples: [2]string{"start node=core01", "start prefix=core"},
		More: "If this workspace has more than one cluster, it wants node=, prefix=, or all=true.",
	},
	{
		Name: "restart", Does: "stops node=core01, or all nodes of a cluster, and boots them again.",
		Takes: takes(asked + power + boots + link + "grace accel ready store"), Libvirt: true, NoImage: true, Examples: [2]string{"restart node=core01", "restart prefix=core"},
		More: "If this workspace has more than one cluster, it wants node=, prefix=, or all=true.",
	},
	{
		Name: "env", Prints: true, Does: `prints what lets docker on this host talk to node=core01: eval "$(mage env node=core01)".`,
		Takes: takes(asked + "node user " + reached), Libvirt: true, NoImage: true, Examples: [2]string{"env node=core01", "env node=core02 user=admin"},
	},
	{
		Name: "sshconfig", Prints: true, Does: "prints the lines for ~/.ssh/config by which ssh reaches all nodes by name.",
		Takes: takes(asked + "node prefix user " + reached), Libvirt: true, NoImage: true, Examples: [2]string{"sshconfig", "sshconfig prefix=core"},
	},
	{
		Name: "timeline", One: true, Formats: []string{"svg", "text"}, Does: "draws the last up of the cluster: what each node was at, and for how long; format=svg, text or json, file=, open=true.",
		Takes: takes("prefix format file open"), NoImage: true, Examples: [2]string{"timeline open=true", "timeline format=text"},
		More: "The drawing is vm/timeline.<prefix>.svg, or file=.",
	},
	{
		Name: "host:check", Prints: true, Does: "looks whether this machine can run the nodes, and says the remedy of what is missing; format=json.",
		Takes: takesOne("prefix nodes ram networks arch accel image store discovery discovery_listen format host " + reached), Libvirt: true, Examples: [2]string{"host:check", "host:check host=root@hv1 format=json"},
	},
	{
		Name: "host:setup", Does: "prints what is missing on this machine to run the nodes, packages, rights, bridge, and makes it with apply=true.",
		Takes: takesOne("nic apply rollback host uri format " + link), Examples: [2]string{"host:setup bridge=br0 nic=eth0 apply=true", "host:setup host=root@hv1"},
		More: "With host= it looks at another machine, and changes that one, by ssh: this program is copied there, and removed at the end.",
	},
	{
		Name: "host:undo", Does: "takes back what host:setup did to this machine, all of it and nothing else.",
		Takes: takes("rollback host"), Examples: [2]string{"host:undo", "host:undo host=root@hv1"},
	},
	{
		Name: "hosts", One: true, Prints: true, Does: "prints each host that nodes are spread over: whether it answers, what it has, which nodes are on it; format=json.",
		Takes: takes("prefix uri format"), Libvirt: true, NoImage: true, Examples: [2]string{"hosts", "hosts hosts=qemu+ssh://root@hv1/system,qemu+ssh://root@hv2/system"},
	},
	{
		Name: "move", One: true, Does: "recreates node=core02 on host=hv2: a member of etcd is replaced, and the cluster's data stay.",
		Takes: takes(node + judged + boots + looked + "node host protect wait format"), Libvirt: true, Examples: [2]string{"move node=core02 host=hv2", "move prefix=web node=web01 host=hv3"},
		More: "What is on the node's own disks and not in etcd is lost, as with recreate=.",
	},
	{
		Name: "evacuate", One: true, Does: "moves all nodes of a cluster that are on host=hv1 to the other hosts, one after the other.",
		Takes: takes(node + judged + boots + looked + "host protect wait format"), Libvirt: true, Examples: [2]string{"evacuate host=hv1", "evacuate prefix=web host=hv3"},
		More: "The host is in hosts= then as before: new nodes may go there.",
	},
	{
		Name: "clusters", Prints: true, Does: "lists every cluster of this host's libvirt that this project made: nodes, ready, image, workspace, age; format=json.",
		Takes: takes("uri pool format"), Libvirt: true, NoImage: true, Examples: [2]string{"clusters", "clusters format=json"},
	},
	{
		Name: "clusters:init", One: true, Does: "writes clusters/<prefix>.yml, of the settings that are given, or of a cluster that there is; it overwrites nothing.",
		Takes: takes(strings.Join(settings.Declarable(), " ") + " prefix var."), Libvirt: true, NoImage: true,
		Examples: [2]string{"clusters:init prefix=web nodes=2 ram=4096", "clusters:init"},
		More:     "An editor with a YAML language server completes the file, by its first line.",
	},
	{
		Name: "settings", Prints: true, Does: "prints each setting with its value, its source, its default and its meaning.",
		Takes: every(), NoImage: true, Examples: [2]string{"settings", "settings nodes=5"},
	},
	{
		Name: help, Prints: true, Does: "lists the targets, or says what is known of those behind it and of their settings: mage help up.",
		NoImage: true, Examples: [2]string{"help", "help up"},
	},
	{
		Name: "build", Does: "makes the program coreos-libvirt, which runs all targets in any clone without Go; arch=aarch64 for another machine.",
		Takes: takes("arch file"), NoImage: true, Examples: [2]string{"build", "build arch=aarch64 file=/tmp/coreos-libvirt"},
		More: "At run time it needs libvirt.so and nothing else. What is built there, as the lab's guest image, still needs Go, and says so.",
	},
	{
		Name: "version", Prints: true, Does: "prints what this program was made of, commit and Go, and the libvirt of this host; format=json.",
		Takes: takes("format"), Libvirt: true, NoImage: true, Examples: [2]string{"version", "version format=json"},
	},
	{
		Name: "bench", Does: "measures this project beside virt-install, virsh, vagrant-libvirt, butane and a fetch by hand on this machine, and writes the figures into docs/performance.md; full=true up to 100 nodes.",
		Takes: takes("full uri"), Libvirt: true, NoImage: true, Examples: [2]string{"lab bench", "lab bench full=true"},
		More: "In the lab it uses the lab's libvirt. Its nodes are bench01 and so on, those of virt-install bench-virsh-01, those of Vagrant bench-vagrant-01: empty disks, which boot nothing. All are removed at the end, or by the next run if this one was killed. If vagrant-libvirt is not installed its rows are left out.",
	},
	{
		Name: "release", Does: "makes the archives of a release, version=v0.1.0, for x86_64 and aarch64, with checksums and what they are made of.",
		Takes: takes("version"), NoImage: true, Examples: [2]string{"release version=v0.1.0", "release version=v0.2.0-rc.1"},
		More: "The files go to dist/. It wants a commit without changes, a section on the version in CHANGELOG.md, and no tag of that name on another commit. Two releases of one commit by the same Go and C compilers have equal bytes.",
	},
	{
		Name: "doctor", Prints: true, Does: "prints what a report of a fault needs, versions, checks, settings, nodes and their last errors, with secrets left out; format=json.",
		Takes: takes(node + "user units format"), Libvirt: true, NoImage: true, Examples: [2]string{"doctor", "doctor prefix=core format=json"},
		More: "It changes nothing, and sends nothing. Read it before you give it to others: what is secret is known by its form.",
	},
	{
		Name: "completion", Does: "prints what shell= has to read to complete the lines of this project, or writes it where the shells look, with install=true.",
		Takes: takes("shell install"), NoImage: true, Examples: [2]string{"completion install=true", "completion shell=bash"},
		More: "It completes `mage`, `coreos-libvirt` and `go run magefile.go`: targets, their settings, and what these can be set to. Files that are somebody else's are left alone.",
	},
	{
		Name: lab, Does: "runs the targets behind it in a private world of bridge, DHCP server and libvirt: mage lab up.",
		Takes: takes(image + "uri hosts"), Examples: [2]string{"lab up prefix=core nodes=3", "lab ssh node=core02"},
		More: "With hosts=3 that world has three hosts with libvirt, on one network, which ssh reaches as hv1, hv2 and hv3. `mage labdown` takes it apart.",
	},
	{
		Name: "labdown", Does: "takes the lab apart.",
		Takes: takes("store protect"), Examples: [2]string{"labdown", "labdown protect=false"},
	},
	{
		Name: "test", Does: "checks this project itself: builds, unit tests, linters, and real guests in a lab; full=true all of them.",
		Takes: takes("full"), Examples: [2]string{"test", "test full=true"},
	},
	{
		Name: "selftest", Does: "boots one node of image= on this host and checks in it what this project relies on; it leaves a report.",
		Takes: takesOne(image + link + joining + "uri pool ram vcpu disk firmware accel timeout grace wait user"), Libvirt: true, Examples: [2]string{"selftest image=fcos-stable", "selftest image=flatcar-stable network=default"},
		More: "The node is selftest01, of the config templates/selftest.yml.",
	},
	{
		Name: "images", Prints: true, Does: "lists the base images in the store: versions, sizes, who uses them, what is newer.",
		Takes: takes("store uri pool keyring fcos_url flatcar_url refresh format"), Libvirt: true, NoImage: true, Examples: [2]string{"images", "images refresh=true"},
	},
	{
		Name: "prune", Does: "removes the base images that nothing stands on, of any workspace.",
		Takes: takes("store uri pool format"), Libvirt: true, Examples: [2]string{"prune", "prune store=/srv/images"},
	},
	{
		Name: "show", One: true, Prints: true, Does: "prints the Ignition document of node=core01 as people read it: contents decoded.",
		Takes: takes(engines + document + "node format"), Examples: [2]string{"show", "show node=core02 config=ignition/examples/etcd-tls.yml"},
	},
	{
		Name: "watch", One: true, Prints: true, Does: "transpiles and renders on every save and prints what changed in the nodes' Ignition documents.",
		Takes: takes(engines + document + judged), Shows: true, Examples: [2]string{"watch", "watch config=ignition/examples/etcd-tls.yml"},
	},
	{
		Name: "try", One: true, Does: "recreates nodes whose documents changed, on every save of the config, until it is ended; node= is the only one.",
		Takes: takes(node + judged + "node parallel redefine protect " + boots + looked + "wait"), Libvirt: true, Examples: [2]string{"try", "try node=core02"},
		More: "The first changed node is recreated, and if it is well the others are. Errors are printed, and the next save is waited for. A boot of a config that has changed since is given up. Keys on a terminal: r runs it again, s is ssh, j the journal, q ends.",
	},
	{
		Name: "migrate", Does: "writes a Container Linux Config as Butane, beside it.",
		Takes: takes(document), Examples: [2]string{"migrate", "migrate config=ignition/examples/seed.yml"},
	},
	{
		Name: "password", Does: "prints the line for password_hash of a password that is typed twice, or piped in.",
		Takes: takes("rounds"), Examples: [2]string{"password", "password rounds=10000"},
	},
}
