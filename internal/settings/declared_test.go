package settings

import (
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"coreos-libvirt/internal/settings/further"
	"coreos-libvirt/internal/settings/row"
)

// files is an environment with the variables, and files of the workspace.
func files(vars map[string]string, texts map[string]string) Environment {
	env := environment(vars)
	env.File = func(path string) ([]byte, error) {
		if text, is := texts[path]; is {
			return []byte(text), nil
		}
		return nil, fs.ErrNotExist
	}
	return env
}

// one is an environment with one cluster file, of the cluster x.
func one(text string) Environment { return files(nil, map[string]string{"clusters/x.yml": text}) }

const wholeFile = `# yaml-language-server: $schema=schema.json
ram: 1536
ready: off
disk: auto
timeout: 90
config: my.yml
protect: true
network: default
var:
  My_Port: 8080
  My_Word: "a b"
groups:
  control: {nodes: 3}
  worker:
    nodes: 2
    ram: 4096
    var: {My_Word: c}
nodes:
  x-worker02:
    vcpu: 4
    config: other.yml
  x-control01:
`

func TestClusterFile(t *testing.T) {
	env := files(map[string]string{"COREOS_VCPU": "3", "COREOS_PREFIX": "x"}, map[string]string{"clusters/x.yml": wholeFile})
	s, err := Load([]string{"config=word.yml"}, env)
	if err != nil {
		t.Fatal(err)
	}
	if s.RAM != 1536 || s.Ready || s.Disk != 0 || s.Config != "word.yml" || s.VCPU != 3 || s.Protect != "true" || s.Network != "default" ||
		s.Timeout.Seconds() != 90 || !maps.Equal(s.Vars, map[string]string{"My_Port": "8080", "My_Word": "a b"}) {
		t.Errorf("got %+v", s)
	}
	if len(s.Groups) != 2 || s.Groups[0].Name != "control" || s.Groups[0].Nodes != 3 || s.Groups[1].Nodes != 2 ||
		!maps.Equal(s.Groups[1].Values, map[string]string{"ram": "4096"}) || s.Groups[1].Vars["My_Word"] != "c" {
		t.Errorf("groups: got %+v", s.Groups)
	}
	one, has := s.Single["x-worker02"]
	if !has || len(s.Single) != 2 || one.Nodes != 1 || !maps.Equal(one.Values, map[string]string{"vcpu": "4", "config": "other.yml"}) {
		t.Errorf("single: got %+v", s.Single)
	}
	worker := s.Of(s.Groups[1])
	if worker.RAM != 4096 || worker.Vars["My_Word"] != "c" || worker.Vars["My_Port"] != "8080" || s.RAM != 1536 || s.Vars["My_Word"] != "a b" {
		t.Errorf("a worker: %+v", worker)
	}
	if single := s.Of(one); single.VCPU != 3 || single.Config != "word.yml" { // a variable and a word count more
		t.Errorf("a single node: %+v", single)
	}
	var out strings.Builder
	rows, err := s.Rows("nowhere")
	if err != nil {
		t.Fatal(err)
	}
	if err := row.Print(&out, rows); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`ram 1536 clusters/x.yml 2048`, `config word.yml command line`, `vcpu 3 environment, COREOS_VCPU`, `var.My_Word a b clusters/x.yml`} {
		if !strings.Contains(strings.Join(strings.Fields(out.String()), " "), want) {
			t.Errorf("no %s in\n%s", want, out.String())
		}
	}
}

// Without a file, or with one of another cluster, nothing is other.
func TestNoClusterFile(t *testing.T) {
	s, err := Load([]string{"prefix=y"}, one(wholeFile))
	if err != nil || s.RAM != 2048 || s.Groups != nil {
		t.Errorf("got %+v, %v", s, err)
	}
	if s, err := Load([]string{"prefix=x"}, one("# nothing yet\n")); err != nil || s.RAM != 2048 {
		t.Errorf("got %+v, %v", s, err)
	}
}

// TestAFileOfAnotherEnding is not read, and that is said: who wrote it means what it says.
func TestAFileOfAnotherEnding(t *testing.T) {
	_, err := Load([]string{"prefix=x"}, files(nil, map[string]string{"clusters/x.yaml": "nodes: 1\n"}))
	if err == nil || err.Error() != "clusters/x.yaml is not read: a cluster file ends in .yml\nhint: mv clusters/x.yaml clusters/x.yml" {
		t.Errorf("got %v", err)
	}
}

// What is wrong is said with its place, the line, and what helps.
func TestClusterFileRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"nods: 3":                              "clusters/x.yml:1:1: error: there is no key nods in the cluster file|did you mean nodes ?",
		"ram: 2g":                              "1:6: error: ram is a number, not 2g|a whole number without a unit",
		"ram: '2048'":                          "1:6: error: ram is a number, not text in quotes|write it without quotes: `2048`",
		"\nram: 12":                            "2:6: error: ram is 12: a whole number from 256 to 16777216 is allowed|`mage settings` lists",
		"ram: 1e3":                             "1:6: error: ram is a number, not 1e3|",
		"ram: [1]":                             "1:6: error: ram is a number, not a list|",
		"ram:":                                 "ram has no value|",
		"config: 5":                            `config is text, not 5|quote it: "5"`,
		"config: ''":                           "config is \"\": must not be empty|",
		"ready: perhaps":                       "ready is true or false, not perhaps|",
		"format: xml":                          "format is xml: table, json, junit, tap, svg, text, yaml are allowed|",
		"ram: 512\nram: 1024":                  "2:1: error: ram is there already, in line 1|a mapping has each key once",
		"prefix: y":                            "1:1: error: prefix does not stand in a cluster file|a cluster's prefix is the name of its file",
		"recreate: all":                        "recreate does not stand in a cluster file|give it on the command line",
		"var.My_Word: x":                       "there is no key var.My_Word in the cluster file|write `var:`, and `My_Word: …` below it",
		"var: {Node_Name: x}":                  "Node_Name cannot be a word of yours|",
		"var: {My_Word: [x]}":                  "My_Word is text, not a list|",
		"groups: {worker: {nodes: 2, rma: 1}}": "1:29: error: there is no key rma in the group worker|did you mean ram ?",
		"groups: {worker: {nodes: 2, uri: x}}": "uri in the group worker|uri is of the whole cluster: write it in the first column",
		"groups: {worker: {ram: 4096}}":        "1:10: error: the group worker does not say how many nodes it has|write `nodes: 3`",
		"groups: {worker: {nodes: 1001}}":      "nodes is 1001: a whole number from 0 to 1000 is allowed|",
		"groups: {w1: {nodes: 1}}":             "w1 cannot be the name of a group|the last a letter",
		"groups: {w: {nodes: 1}}\nnodes: 3":    "2:1: error: nodes: is not for a cluster with groups|",
		"groups: [w]":                          "groups is a mapping, not a list|",
		"nodes: {x04: {ram: 4096}}":            "1:9: error: x04 is not a node of this cluster|nodes are x01 to x03",
		"groups: {w: {nodes: 1}}\nnodes: {x01: }": "x01 is not a node of this cluster|nodes are x-w01 to x-w01",
		"nodes: {x01: {nodes: 2}}":                "there is no key nodes in the node x01|",
		"ram: 1\n---\nram: 2":                     "a second document|",
		"- ram":                                   "1:1: error: a cluster file is a mapping, not a list|",
		"ram: 5\n\tvcpu: 2":                       "a tab as indentation|",
		"<<: {ram: 1}":                            "|write out the keys",
		"network: default\ndirect: eth0":          "nodes have one network|",
		"disks: [{size: 5, nme: a}]":              "there is no key nme in an entry of disks|did you mean name ?",
		"disks: [{name: a}]":                      "an entry of disks has no size|write `size: …` in it",
		"disks: [0]":                              `disks is 0: "0": a size from 1 to 65536 GiB is allowed|`,
		"networks: [{bridge: a, direct: b}]":      `"bridge:a+direct:b": is not an interface name|`,
	} {
		_, err := Load([]string{"prefix=x"}, one(text))
		said, advice, _ := strings.Cut(want, "|")
		if err == nil || !strings.Contains(err.Error(), said) || !strings.Contains(err.Error(), "\nhint: ") || !strings.Contains(err.Error(), advice) {
			t.Errorf("%q: got %v\nwant %s", text, err, want)
		}
	}
}

// All that is wrong is said at once.
func TestClusterFileSaysAllThatIsWrong(t *testing.T) {
	_, err := Load([]string{"prefix=x"}, one("rma: 1\nvcpu: x\ngroups: {w: {nodes: 1, dsk: 4}}\n"))
	for _, want := range []string{":1:1:", ":2:7:", ":3:24:"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %s in %v", want, err)
		}
	}
}

// A word that says something else than what a lower source says has nothing of that in it.
func TestWhatGoesTogether(t *testing.T) {
	text := "network: default\nimage: http://x/y.qcow2\nsha256: " + strings.Repeat("a", 64) + "\ndiscovery: https://etcd:2379\ndiscovery_ca: ca.pem\n"
	s, err := Load([]string{"prefix=x", "direct=eth0", "image=fcos-next", "discovery=embedded"}, one(text))
	if err != nil || s.Network != "" || s.Direct != "eth0" || s.SHA256 != "" || s.DiscoveryCA != "" {
		t.Errorf("got %+v, %v", s, err)
	}
	s, err = Load([]string{"prefix=x", "discovery_cert=c.pem"}, one(text))
	if err != nil || s.Network != "default" || s.SHA256 == "" || s.DiscoveryCA != "ca.pem" || s.Discovery != "https://etcd:2379" {
		t.Errorf("got %+v, %v", s, err)
	}
}

func TestFurtherDisksAndNetworks(t *testing.T) {
	disks, networks := []further.Disk{{Name: "disk1", GiB: 20}, {Name: "data", GiB: 50}}, []further.Network{{Kind: "bridge", Name: "br1"}, {Kind: "network", Name: "default"}}
	for _, text := range []string{"disks: [20, {size: 50, name: data}]", "disks: 20,data:50"} {
		if s, err := Load([]string{"prefix=x"}, one(text)); err != nil || !slices.Equal(s.Disks, disks) {
			t.Errorf("%s: got %v", text, err)
		}
	}
	s, err := Load([]string{"prefix=x"}, one("networks: [br1, {network: default}]"))
	if err != nil || !slices.Equal(s.Networks, networks) {
		t.Errorf("got %+v, %v", s, err)
	}
}
