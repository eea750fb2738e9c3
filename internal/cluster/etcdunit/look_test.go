package etcdunit

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/members"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/testkit/sshserver"
	"coreos-libvirt/internal/workspace"
)

// TestWhatFailsIsAdvised: who may not run as root is told that, and who may is told where the node says more.
func TestWhatFailsIsAdvised(t *testing.T) {
	home, programs := t.TempDir(), t.TempDir()
	node := boot.Node{Step: plan.Step{Node: workspace.NodeAt("vm", "core", 1)}}
	node.Report = guest.Report{Interfaces: []guest.Interface{{Name: "eth0", MAC: node.Step.Node.MAC, Addresses: []guest.Address{{Family: "inet", Local: "192.0.2.1", Scope: "global"}}}}}
	server := sshserver.Start(t, home, "PATH="+programs+":"+os.Getenv("PATH")) //nolint:forbidigo // the test's own
	sshserver.Nodes(t, map[string]*sshserver.Server{"core01": server})
	access := guest.Access{Dir: filepath.Join(t.TempDir(), "ssh.core"), New: true}
	if err := os.Mkdir(access.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	by := members.SSH{Access: access, User: "core"}
	for sudo, want := range map[string]string{
		"echo 'sudo: a password is required' >&2; exit 1": "sudo: a password is required (exit status 1)\nhint: the config must let user=core in by ssh, and into sudo",
		`shift; exec "$@"`: "no room (exit status 3)\nhint: `mage journal prefix=core node=core01` shows what the node's services say",
	} {
		if err := os.WriteFile(filepath.Join(programs, "sudo"), []byte("#!/bin/sh\n"+sudo+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		_, err := Run(t.Context(), by, node, nil, "test", `echo "no $1" >&2; exit 3`, "room")
		if err == nil || !strings.HasSuffix(err.Error(), want) || strings.Contains(err.Error(), "runs as root") {
			t.Errorf("%s: got %v", sudo, err)
		}
	}
}
