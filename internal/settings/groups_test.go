package settings

import (
	"os"
	"strings"
	"testing"
)

// TestGroups: what is said on the command line of a cluster with groups.
func TestGroups(t *testing.T) {
	const two = "groups:\n  control: {nodes: 1}\n  worker: {nodes: 2, ram: 512}\n"
	for name, c := range map[string]struct {
		file string
		vars map[string]string
		word string
		want string // the beginning of the error; empty: it is well
	}{
		"nothing":                        {two, nil, "", ""},
		"a node of a group":              {two, nil, "recreate=x-worker02,x-control01", ""},
		"one node too many":              {two, nil, "recreate=x-worker03", "recreate=x-worker03: \"x-worker03\" is not a node of this cluster\nhint: recreate=changed, recreate=all, or names from x-control01 to x-control01, from x-worker01 to x-worker02, with commas"},
		"a node without a group":         {two, nil, "recreate=x01", "recreate=x01: \"x01\" is not a node of this cluster"},
		"a number of nodes":              {two, nil, "nodes=3", "nodes=3: the cluster x has groups, each with its own number of nodes\nhint: write `nodes: 3` below one of its groups in clusters/x.yml"},
		"a number in the environment":    {two, map[string]string{"COREOS_NODES": "2"}, "", "nodes=2: the cluster x has groups"},
		"no node at all":                 {"groups:\n  control: {nodes: 0}\n", nil, "", "clusters/x.yml: no group has a node\nhint: `mage down prefix=x` removes the cluster"},
		"a name of 63 characters":        {"groups:\n  " + strings.Repeat("a", 59) + ": {nodes: 99}\n", nil, "", ""},
		"a name of 64 characters":        {"groups:\n  " + strings.Repeat("a", 59) + ": {nodes: 100}\n", nil, "", "prefix=x: the host name x-" + strings.Repeat("a", 59) + "100 has 64 characters, RFC 1123 allows 63\nhint: shorten prefix=, or the name of the group"},
		"no group, and a number of them": {"ram: 512\n", nil, "nodes=3", ""},
	} {
		words := []string{"prefix=x"}
		if c.word != "" {
			words = append(words, c.word)
		}
		_, err := Load(words, files(c.vars, map[string]string{"clusters/x.yml": c.file}))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestAHashIsOfOneImage: a group's image has a sha256 of its own, or none, and a word's image has neither the file's nor the group's.
func TestAHashIsOfOneImage(t *testing.T) {
	one, other := strings.Repeat("a", 64), strings.Repeat("b", 64)
	file := "image: https://x/a.qcow2\nsha256: " + one + "\ngroups:\n  a: {nodes: 1}\n  b: {nodes: 1, image: 'https://x/b.qcow2'}\n  c: {nodes: 1, image: 'https://x/c.qcow2', sha256: " + other + "}\n"
	for word, want := range map[string][]string{
		"ram=1024":                {"a.qcow2 " + one, "b.qcow2 ", "c.qcow2 " + other},
		"image=https://x/d.qcow2": {"d.qcow2 ", "d.qcow2 ", "d.qcow2 "},
		"sha256=" + one:           {"a.qcow2 " + one, "b.qcow2 " + one, "c.qcow2 " + one},
	} {
		s, err := Load([]string{"prefix=x", word}, files(nil, map[string]string{"clusters/x.yml": file}))
		if err != nil {
			t.Fatal(err)
		}
		for i, g := range s.Groups {
			if own := s.Of(g); strings.TrimPrefix(own.Image, "https://x/")+" "+own.SHA256 != want[i] {
				t.Errorf("%s, group %s: got %s %s, want %s", word, g.Name, own.Image, own.SHA256, want[i])
			}
		}
	}
}

// TestExample is what docs/groups.md tells of.
func TestExample(t *testing.T) {
	text, err := os.ReadFile("../../clusters/examples/core.yml")
	if err != nil {
		t.Fatal(err)
	}
	s, err := Load(nil, files(nil, map[string]string{"clusters/core.yml": string(text)}))
	if err != nil || len(s.Groups) != 2 || s.Groups[0].Nodes != 3 || s.Groups[1].Nodes != 2 {
		t.Fatalf("got %+v, %v", s.Groups, err)
	}
	worker := s.Of(s.Groups[1])
	two := worker.Of(s.Single["core-worker02"])
	if worker.RAM != 3072 || worker.VCPU != 2 || two.VCPU != 4 || two.RAM != 3072 || two.Config != "ignition/examples/worker.yml" {
		t.Errorf("got %+v", two)
	}
	if _, err := os.Stat("../../" + two.Config); err != nil {
		t.Error(err)
	}
}
