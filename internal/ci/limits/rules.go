package limits

// Project are the rules of this project.
var Project = Rules{
	// From the highest to the lowest: a room may know only rooms in lines below its own. All may know internal/terminal,
	// the standard library and other modules; .golangci.yml (depguard) says who may know which of those.
	Rooms: []Room{
		{"internal/testkit", []string{below}}, // no other knows it: only tests do, and they are not checked
		{"magefiles", []string{"internal/command", "internal/settings", "internal/settings/secret", "internal/workspace/session", "internal/engine/libvirt", "internal/launch"}},
		{"internal/command", []string{below}},
		{"internal/ci", []string{"internal/lab", "internal/release", "internal/host", "internal/workspace/artifact"}},
		{"internal/settings", []string{"internal/settings/clusterfile", "internal/settings/row", "internal/settings/kind", "internal/settings/further", "internal/settings/hosts", "internal/settings/words", "internal/settings/link", "internal/settings/process", "internal/settings/secret", "internal/workspace"}}, // the names of nodes
		{"internal/settings/kind", []string{"internal/settings/clusterfile", "internal/settings/link", "internal/workspace"}},
		{"internal/settings/process", []string{"internal/workspace/artifact"}},
		{"internal/settings/row", nil},
		{"internal/settings/hosts", []string{"internal/settings/clusterfile", "internal/settings/link"}},
		{"internal/settings/secret", nil},
		{"internal/settings/further", []string{"internal/settings/link"}},

		{"internal/settings/clusterfile", []string{"internal/config/problem"}}, // where YAML is wrong
		{"internal/settings/link", nil},
		{"internal/settings/words", nil},
		{"internal/bench", nil},
		{"internal/release", []string{"internal/workspace/artifact"}}, // it gets functions that build the program, and try it
		{"internal/lab", []string{"internal/host", "internal/upstream", "internal/workspace/artifact"}},
		{"internal/launch", nil},
		{"internal/remote", nil}, // programs of whatever kind

		{"internal/cluster/versions", []string{"internal/cluster/plan", "internal/etcd", "internal/config/verify"}},
		{"internal/cluster/rotation", []string{"internal/cluster/etcdunit", "internal/cluster/members", "internal/cluster/boot", "internal/etcd", "internal/config/verify", "internal/workspace"}},
		{"internal/cluster/recovery", []string{"internal/cluster/etcdunit", "internal/cluster/members", "internal/cluster/boot", "internal/etcd", "internal/etcd/metrics", "internal/workspace/wait", "internal/workspace", "internal/workspace/artifact"}},
		{"internal/cluster/restoration", []string{"internal/cluster/etcdunit", "internal/cluster/members", "internal/cluster/boot", "internal/etcd", "internal/guest", "internal/workspace/wait", "internal/workspace"}},
		{"internal/cluster/symptoms", []string{"internal/cluster/etcdunit", "internal/cluster/members", "internal/cluster/boot", "internal/etcd", "internal/workspace/wait"}},
		{"internal/cluster/etcdunit", []string{"internal/cluster/members", "internal/cluster/boot", "internal/guest", "internal/workspace"}},
		{"internal/cluster/members", []string{ // nodes are made, booted and removed by functions that it is given
			"internal/cluster/members/admission", "internal/cluster/members/voters", "internal/cluster/beforehand", "internal/cluster/boot", "internal/cluster/reach", "internal/cluster/timeline", "internal/cluster/plan",
			"internal/etcd", "internal/etcd/discovery", "internal/config", "internal/config/render", "internal/guest",
			"internal/workspace/wait", "internal/workspace", "internal/workspace/artifact", "internal/engine",
		}},
		{"internal/cluster/members/admission", []string{"internal/cluster/members/voters", "internal/cluster/boot", "internal/cluster/plan", "internal/etcd", "internal/workspace"}},
		{"internal/cluster/selftest", []string{"internal/cluster/boot", "internal/cluster/reach", "internal/cluster", "internal/guest/facts", "internal/guest", "internal/workspace", "internal/workspace/wait", "internal/engine"}},
		{"internal/cluster", []string{
			"internal/cluster/boot", "internal/cluster/reach", "internal/cluster/timeline",
			"internal/cluster/plan", "internal/etcd", "internal/etcd/discovery", "internal/config", "internal/config/render", "internal/image", "internal/image/qcow2", "internal/guest", "internal/host",
			"internal/workspace/session", "internal/workspace/wait", "internal/workspace", "internal/workspace/artifact", "internal/engine",
		}},
		{"internal/cluster/boot", []string{ // by any engine
			"internal/cluster/reach", "internal/cluster/timeline", "internal/cluster/plan", "internal/guest",
			"internal/workspace/wait", "internal/workspace", "internal/workspace/artifact", "internal/engine",
		}},
		{"internal/cluster/reach", []string{
			"internal/guest", "internal/host", "internal/workspace/wait", "internal/workspace", "internal/workspace/artifact", "internal/engine",
		}},
		{"internal/cluster/members/voters", []string{"internal/etcd", "internal/workspace/wait"}},
		{"internal/cluster/beforehand", []string{"internal/config/verify", "internal/workspace", "internal/workspace/wait"}}, // who knows it are functions that it is given
		{"internal/cluster/placement", nil}, // pure
		{"internal/cluster/timeline", []string{"internal/guest", "internal/workspace", "internal/workspace/artifact"}},
		{"internal/cluster/plan", []string{ // pure: it gets what others found out
			"internal/etcd", "internal/etcd/discovery", "internal/config", "internal/workspace", "internal/engine",
		}},

		{"internal/etcd/helper", []string{"internal/etcd/wire", "internal/program/line"}}, // a change of what it knows builds it anew
		{"internal/etcd", []string{"internal/etcd/wire", "internal/program/helper", "internal/program/line", "internal/program", "internal/etcd/discovery", "internal/config", "internal/config/render", "internal/workspace", "internal/workspace/artifact"}},
		{"internal/etcd/metrics", nil},
		{"internal/etcd/discovery", []string{"internal/image", "internal/workspace/artifact"}}, // download: which redirects are followed
		{"internal/etcd/wire", nil},

		{"internal/guest/units", []string{"internal/config/verify", "internal/guest"}}, // what a document brings
		{"internal/config/verify", []string{"internal/config/problem", "internal/config", "internal/upstream", "internal/workspace/artifact"}},
		{"internal/config", []string{"internal/config/transpile", "internal/config/render", "internal/config/problem", "internal/workspace"}}, // it reads, and never writes
		{"internal/config/transpile", []string{"internal/config/refusal", "internal/config/problem"}},
		{"internal/config/kola", []string{"internal/config/problem"}}, // tests' layout: it reads files, and runs nothing
		{"internal/config/refusal", []string{"internal/config/problem"}},
		{"internal/config/problem", nil},
		{"internal/config/render", nil},

		{"internal/image", []string{"internal/image/qcow2", "internal/workspace", "internal/workspace/artifact"}},

		{"internal/guest", []string{"internal/workspace/artifact"}},
		{"internal/guest/facts", nil},

		{"internal/host", []string{"internal/workspace/artifact"}},

		{"internal/workspace/session", []string{"internal/workspace", "internal/workspace/artifact"}},
		{"internal/workspace/wait", []string{"internal/workspace"}},
		{"internal/workspace", []string{"internal/workspace/artifact", "internal/engine"}}, // what a domain is
		{"internal/engine/libvirt", []string{"internal/engine/libvirt/volumes", "internal/engine/libvirt/storagexml", "internal/engine/libvirt/domainxml", "internal/engine/local", "internal/engine"}},
		{"internal/engine/libvirt/volumes", []string{"internal/engine/libvirt/storagexml", "internal/engine", "internal/image/qcow2", "internal/workspace/artifact"}},
		{"internal/engine/libvirt/storagexml", nil},                        // pure, too
		{"internal/engine/libvirt/domainxml", []string{"internal/engine"}}, // pure: text in, values out
		{"internal/engine/fleet", []string{"internal/engine"}},
		{"internal/engine/kubevirt/machines", []string{"internal/engine/kubevirt", "internal/engine/kubevirt/objects", "internal/engine"}},
		{"internal/engine/kubevirt", []string{"internal/engine/kubevirt/objects", "internal/engine", "internal/program/helper", "internal/program"}},
		{"internal/engine/kubevirt/objects", []string{"internal/engine"}}, // pure: values in, objects out
		{"internal/engine/lease", []string{"internal/engine"}},
		{"internal/engine/local", []string{"internal/engine", "internal/image/qcow2", "internal/workspace/artifact"}},
		{"internal/engine", nil},

		{"internal/upstream", []string{"internal/program"}}, // programs of others, and nothing of ours
		{"internal/program/helper", []string{"internal/program/line", "internal/program"}},
		{"internal/program", []string{"internal/workspace/artifact"}},
		{"internal/program/line", nil},

		{"internal/image/qcow2", []string{"internal/workspace/artifact"}}, // files that QEMU boots from: no more than their bytes
		{"internal/workspace/artifact", nil},

		{"internal/terminal", nil},
	},
	Private: []string{"internal/engine/libvirt/domainxml"}, // what others need of it are engine.Definitions
	Exceptions: []Exception{
		{Name: "internal/settings.Settings", Limit: fields, Why: "all words of the command line, in one place"},
		{Name: "internal/command", Limit: lines, Why: "one file a target: it grows with their number"},
	},
}
