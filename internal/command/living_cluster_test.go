//go:build cgo && libvirt_dlopen

package command

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/testkit/etcdserver"
	"coreos-libvirt/internal/testkit/loopback"
	"coreos-libvirt/internal/testkit/pace"
	"coreos-libvirt/internal/workspace"
)

var moduleRoot, _ = filepath.Abs("../..")

// addressOf is where the node would be.
func addressOf(node int) string { return loopback.Address(node) }

// livingCluster has nodes of libvirt's in-process driver, and where their etcd would be real ones, of these names.
// What it gives stops one.
func livingCluster(t *testing.T, names ...string) (stop func(node int)) {
	t.Helper()
	inClone(t)
	for _, name := range []string{"internal", "go.mod", "go.sum"} { // the helper's source
		if err := os.Symlink(filepath.Join(moduleRoot, name), name); err != nil {
			t.Fatal(err)
		}
	}
	save(t, "plain.yml", withEtcd)
	t.Setenv("COREOS_DISCOVERY", "static")
	addresses := []string{}
	for i := range names {
		addresses = append(addresses, addressOf(i+1))
	}
	t.Setenv("COREOS_ADDRESSES", strings.Join(addresses, ","))
	t.Setenv("COREOS_NODES", fmt.Sprint(len(names)))
	mustUp(t)
	t.Setenv("COREOS_READY", "on")
	if _, err := etcd.NewHelper(moduleRoot, filepath.Join(run(t).Cache, "bin")).Build(t.Context(), t.Logf); err != nil {
		t.Fatal(err)
	}
	initial, endpoints, members := []string{}, []string{}, []*exec.Cmd{}
	for i, name := range names {
		initial = append(initial, name+"=http://"+addressOf(i+1)+":2380")
	}
	for i, name := range names {
		endpoints = append(endpoints, "http://"+addressOf(i+1)+":2379")
		members = append(members, etcdserver.Start(t, name, addressOf(i+1), "--initial-cluster="+strings.Join(initial, ",")))
		reports(t, workspace.NodeName("core", i+1), addressOf(i+1))
	}
	r := run(t)
	ctx, cancel := context.WithTimeout(t.Context(), pace.Hang)
	defer cancel()
	if _, err := r.etcd.WaitHealthy(ctx, endpoints, len(names), func(etcd.Status) {}); err != nil {
		t.Fatal(err)
	}
	formed(t)
	return func(node int) {
		_ = members[node-1].Process.Kill()
		_ = members[node-1].Wait()
	}
}

// reports is a node's word that it is at the address.
func reports(t *testing.T, node, address string) {
	t.Helper()
	text, err := json.Marshal(reportOf(node, address))
	if err != nil {
		t.Fatal(err)
	}
	save(t, "vm/"+node+"/report.json", string(text))
}

func reportOf(node, address string) guest.Report {
	return guest.Report{HostName: node, Interfaces: []guest.Interface{
		{MAC: workspace.MAC(node), Addresses: []guest.Address{{Family: "inet", Local: address, Scope: "global"}}},
	}}
}

func formed(t *testing.T) {
	t.Helper()
	token, _, err := discovery.Read("vm", "core")
	token.Formed = true
	if err := errorOf(err, token.Mark("vm", "core")); err != nil {
		t.Fatal(err)
	}
}

// livesAgain has the test's etcd be those of the nodes that were recreated, too.
func livesAgain(t *testing.T) {
	t.Helper()
	for i := range 3 {
		reports(t, workspace.NodeName("core", i+1), addressOf(i+1))
	}
	formed(t)
}
