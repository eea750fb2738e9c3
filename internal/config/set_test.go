package config

import (
	"strings"
	"testing"

	"coreos-libvirt/internal/config/render"
	"coreos-libvirt/internal/workspace"
)

// TestWordsOfGroups are the node's own, and nothing but text in a cluster without groups.
func TestWordsOfGroups(t *testing.T) {
	inFolder(t, map[string]string{"a.yml": inline("Group_Name Node_Number of Group_Count and Node_Count")})
	w := workspace.Workspace{Root: "/w"}
	worker, control := workspace.NodeIn(w, "core", "worker", 2), workspace.NodeIn(w, "core", "control", 1)
	o := options("a.yml")
	o.Nodes, o.Cluster = []workspace.Node{worker}, []workspace.Node{control, workspace.NodeIn(w, "core", "worker", 1), worker}
	source, err := Read(o)
	if err != nil || len(source.Warnings) > 0 {
		t.Fatal(err, source.Warnings)
	}
	documents, err := source.Render(Made{Words: render.Words{}})
	if err != nil || contents(t, documents[0])["/etc/x"] != "worker%202%20of%202%20and%203" {
		t.Errorf("got %s, %v", documents[0].JSON, err)
	}

	source, err = Read(options("a.yml"))
	if err != nil || len(source.Warnings) != 2 || !strings.Contains(source.Warnings[0], "the word Group_Name has no value (hint: nodes of a group have one: docs/groups.md)") {
		t.Errorf("without groups: got %v, %v", err, source.Warnings)
	}
	if documents, err = source.Render(Made{Words: render.Words{}}); err != nil || contents(t, documents[1])["/etc/x"] != "Group_Name%202%20of%20Group_Count%20and%202" {
		t.Errorf("got %s, %v", documents[1].JSON, err)
	}
}

// TestSet is of nodes of two configs, in the cluster's order, and knows which nodes' documents have a word.
func TestSet(t *testing.T) {
	inFolder(t, map[string]string{"a.yml": inline("Node_Name Etcd_Discovery_Flags"), "b.yml": inline("Node_Name"), "nodes/core03.yml": inline("Etcd_Discovery_Flags")})
	all := workspace.Nodes("/vm", "core", 4)
	read := func(path string, nodes ...workspace.Node) Source {
		o := options(path)
		o.Nodes, o.Cluster, o.Later = nodes, all, render.Words{"Etcd_Discovery_Flags": "Etcd_Discovery_Flags"}
		source, err := Read(o)
		if err != nil {
			t.Fatal(err)
		}
		return source
	}
	set := SetOf(all, read("b.yml", all[0], all[2], all[3]), read("a.yml", all[1]))
	made := Made{Words: render.Words{"Etcd_Discovery_Flags": "--x"}}
	documents, err := set.Render(made)
	if err != nil || len(documents) != 4 {
		t.Fatal(documents, err)
	}
	for i, node := range all {
		if documents[i].Name != node.Name {
			t.Errorf("document %d is of %s", i, documents[i].Name)
		}
	}
	using, err := set.Using("Etcd_Discovery_Flags")
	if names := strings.Join(workspace.Names(using), " "); err != nil || names != "core02 core03" {
		t.Errorf("using are %s, %v", names, err)
	}
	if using, err = One(read("b.yml", all...)).Using("Etcd_Discovery_Flags"); err != nil || len(using) != 4 {
		t.Errorf("one config: %v, %v", using, err)
	}
	if set.Path() != "b.yml and a.yml" {
		t.Errorf("got %s", set.Path())
	}
	if one, err := set.RenderOne(all[1], made); err != nil || !strings.Contains(string(one.JSON), "core02%20--x") {
		t.Errorf("got %s, %v", one.JSON, err)
	}
	if _, err := set.RenderOne(workspace.NodeAt("/vm", "core", 9), made); err == nil {
		t.Error("a node that is of no config")
	}
}
