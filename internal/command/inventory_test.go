//go:build cgo && libvirt_dlopen

package command

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/image/base"
	"coreos-libvirt/internal/workspace"
)

// answering has a fake of ssh, which answers as a node would: that of a lab is asked in tests of the lab.
func answering(t *testing.T, script string) (asked func() int) {
	t.Helper()
	programs := t.TempDir()
	log := filepath.Join(programs, "asked")
	text := "#!/bin/sh\necho asked >>" + log + "\n" + script + "\n"
	if err := os.WriteFile(filepath.Join(programs, "ssh"), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", programs+":"+os.Getenv("PATH")) //nolint:forbidigo // the test's own
	return func() int {
		said, _ := os.ReadFile(log)
		return strings.Count(string(said), "\n")
	}
}

const whatItHas = `printf 'folder /usr/bin\nprogram /usr/bin/podman\nunit a.service\nuser core\nuser ann\nuser root\ngroup core\ngroup ann\nend\n'`

// An image is asked once what it has, the first node that is ready says it, without what the config brought, and documents are judged by
// it until the image's file is another.
func TestInventory(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, c := range []struct{ script, said, wants string }{
		{"exit 255", "core02: what its image has is not known, and documents are not judged by it: exit status 255", ""},
		{"echo x", "documents are not judged by it: the list of what the image has is not whole", ""},
		{"yes 'program /usr/bin/x' | head -c 9000000; echo end", "the list of what the image has is not whole", ""},
		{whatItHas, "", "[core root]"},
	} {
		r := run(t, "image=base.qcow2", "verify=on", "nodes=2", "store="+t.TempDir())
		if err := os.WriteFile("base.qcow2", []byte(c.script), 0o600); err != nil {
			t.Fatal(err)
		}
		asked, bases, nodes := answering(t, c.script), baseImages{}, []boot.Node{}
		for i, node := range r.ws().Nodes("core", 3) {
			n := boot.Node{Step: plan.Step{Node: node}, Report: readyReport(node)}
			if i == 0 {
				n.Err = fmt.Errorf("not ready")
			}
			nodes = append(nodes, n)
			bases[node.Name] = base.Image{Path: filepath.Join(r.Workspace, "base.qcow2")}
			madeOfUser(t, node)
		}
		takeInventories(t.Context(), r, bases, nodes)
		if said := r.said(); c.said == "" && said != "" || !strings.Contains(said, c.said) {
			t.Errorf("%s: it says %q", c.script, said)
		}
		if got := imageOf(t.Context(), r, r.Settings); c.wants == "" && got.Known() || c.wants != "" && fmt.Sprint(got.Users) != c.wants {
			t.Errorf("%s: the image has %v", c.script, got)
		}
		if takeInventories(t.Context(), r, bases, nodes); c.wants != "" && asked() != 1 {
			t.Errorf("it was asked %d times", asked())
		}
		if err := os.WriteFile("base.qcow2", []byte("another image"), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := imageOf(t.Context(), r, r.Settings); got.Known() {
			t.Error("another file of the name has the same")
		}
	}
}

// readyReport is that of a node that is ready.
func readyReport(node workspace.Node) guest.Report {
	return guest.Report{HostKeys: []string{"ssh-ed25519 x"}, Interfaces: []guest.Interface{{
		MAC: node.MAC, Addresses: []guest.Address{{Family: "inet", Local: "192.0.2.7", Scope: "global"}},
	}}}
}

// madeOfUser writes the node's document, which makes a user.
func madeOfUser(t *testing.T, node workspace.Node) {
	t.Helper()
	text := []byte(`{"ignition":{"version":"3.4.0"},"passwd":{"users":[{"name":"core"},{"name":"ann"}]}}`)
	if err := os.MkdirAll(node.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(node.MadeOf(), text, 0o600); err != nil {
		t.Fatal(err)
	}
}
