// Package etcdnodes is, for tests, a cluster of nodes that are not there, but their etcd is: each node has a folder on this machine, an
// address of its own, a way in by ssh, and a stand-in of systemctl whose unit is a real member.
package etcdnodes

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/members"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/cluster/reach"
	"coreos-libvirt/internal/cluster/timeline"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/authority"
	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/etcd/generation"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/testkit/etcdserver"
	"coreos-libvirt/internal/testkit/loopback"
	"coreos-libvirt/internal/testkit/pace"
	"coreos-libvirt/internal/testkit/sshserver"
	"coreos-libvirt/internal/workspace"
)

// Superuser is a stand-in of sudo(8) for who may do everything anyway.
const Superuser = "#!/bin/sh\n[ \"$1\" = -n ] && shift\nexec \"$@\"\n"

//go:embed systemctl.sh
var systemctl string

// Bed is the view of such a cluster, named core, whose etcd is said to have formed.
type Bed struct {
	members.View
	T     testing.TB
	Said  *strings.Builder // what was said to the user
	Token discovery.Token
	first int
}

// beds is how many there were, perBed how many addresses each has, of allBeds that are there at once.
var beds atomic.Int32

const (
	perBed  = 10
	allBeds = 24
)

// New has n nodes, which say that they are ready. Nothing runs yet. module is the folder of go.mod. With TLS there is an authority.
func New(t testing.TB, module string, n int, tls bool) *Bed {
	t.Helper()
	b := &Bed{T: t, Said: &strings.Builder{}, first: int(beds.Add(1)) % allBeds * perBed}
	system, err := settings.Load(nil, settings.System()) // whose helper is built only once
	module, failed := filepath.Abs(module)
	b.Must(err, failed)
	ws := workspace.Workspace{Root: t.TempDir()}
	b.Log, b.Timeout, b.Times = progress.New(b.Said), pace.Hang, &timeline.Record{}
	b.Reach, b.SSH = reach.Nodes{Workspace: ws, Ready: true}, members.SSH{Access: guest.Access{Dir: ws.SSH("core"), New: true}, User: "core"}
	b.Options = generation.Options{
		Dir: ws.VM(), Prefix: "core", Nodes: workspace.Nodes(ws.VM(), "core", n), Say: b.Log.Say,
		Helper: etcd.NewHelper(module, filepath.Join(system.Cache, "bin")), Bridge: func() (string, error) { return "", errors.New("there is no bridge") },
	}
	b.Options.Helper.Patience = pace.Answer
	t.Cleanup(b.Options.Helper.Close)
	b.Save(filepath.Join(b.SSH.Access.Dir, "known_hosts"), "", 0o600)
	if tls {
		b.Generation.Authority = authority.Authority{Dir: filepath.Join(ws.VM(), workspace.TLSName("core"))}
		b.Must(b.Generation.Authority.Make())
	}
	b.forms(tls)
	return b
}

// forms gives the cluster its token, and a domain for each node.
func (b *Bed) forms(tls bool) {
	names, addresses := []string{}, []string{}
	b.Domains = map[string]engine.Domain{}
	for _, node := range b.Options.Nodes {
		names, addresses = append(names, node.Name), append(addresses, b.Address(node.Number))
		b.Domains[node.Name] = engine.Domain{
			Name: node.Name, UUID: node.UUID, State: engine.Running, Metadata: &engine.Metadata{Workspace: b.Reach.Root, Cluster: "core", Number: node.Number},
		}
		b.Save(node.Report(), "", 0o600)
	}
	b.Token = discovery.Static(names, addresses, tls)
	b.Token.Formed = true
	b.Generation.Token = &b.Token
}

// Must ends the test if one of the errors is one.
func (b *Bed) Must(errs ...error) {
	b.T.Helper()
	if err := errors.Join(errs...); err != nil {
		b.T.Fatal(err)
	}
}

// Address is where the node of that number is.
func (b *Bed) Address(node int) string { return loopback.Address(b.first + node) }

// In is a path in the folder of what is on the node.
func (b *Bed) In(node int, path string) string {
	return filepath.Join(b.Reach.Root, "on."+workspace.NodeName("core", node), path)
}

// Read is a file on the node; empty if it is not there.
func (b *Bed) Read(node int, path string) string {
	text, _ := os.ReadFile(b.In(node, path))
	return string(text)
}

// Save writes a file of this machine.
func (b *Bed) Save(path, text string, mode os.FileMode) {
	b.T.Helper()
	b.Must(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), mode))
}

// Within is a context that ends with the test, or if that hangs.
func (b *Bed) Within() context.Context {
	ctx, cancel := context.WithTimeout(b.T.Context(), pace.Hang)
	b.T.Cleanup(cancel)
	return ctx
}

// Nodes are those of these numbers, or all if there are none, as they report themselves.
func (b *Bed) Nodes(numbers ...int) (nodes []boot.Node) {
	for _, node := range b.Options.Nodes {
		if len(numbers) == 0 {
			nodes = append(nodes, b.node(node.Number))
		}
	}
	for _, n := range numbers {
		nodes = append(nodes, b.node(n))
	}
	return nodes
}

func (b *Bed) node(number int) boot.Node {
	node := b.Reach.Node("core", number)
	return boot.Node{Step: plan.Step{Node: node, Action: plan.Keep, Running: true}, Report: guest.Report{HostName: node.Name, BootID: "a", Interfaces: []guest.Interface{
		{MAC: node.MAC, Addresses: []guest.Address{{Family: "inet", Local: b.Address(number), Scope: "global"}}},
	}}}
}

// LetIn makes a way into each node, where sudo is this script. Commands get env, and what the node's own env gives.
func (b *Bed) LetIn(sudo string, env func(node int) []string) map[string]*sshserver.Server {
	b.T.Helper()
	path, _ := settings.System().Lookup("PATH")
	servers := map[string]*sshserver.Server{}
	for _, node := range b.Options.Nodes {
		b.Save(b.In(node.Number, "bin/systemctl"), systemctl, 0o755)
		b.Save(b.In(node.Number, "bin/sudo"), sudo, 0o755)
		words := []string{"PATH=" + b.In(node.Number, "bin") + ":" + path}
		if env != nil {
			words = append(words, env(node.Number)...)
		}
		servers[node.Name] = sshserver.Start(b.T, b.In(node.Number, ""), words...)
	}
	sshserver.Nodes(b.T, servers)
	return servers
}

// Start starts the node's member, as its unit does from then on.
func (b *Bed) Start(node int, flags ...string) {
	b.T.Helper()
	cmd := etcdserver.Start(b.T, workspace.NodeName("core", node), b.Address(node), append([]string{"--initial-cluster=" + b.Token.ID}, flags...)...)
	b.Save(b.In(node, "start"), Exec(cmd.Args...), 0o600)
	b.Save(b.In(node, "pid"), fmt.Sprint(cmd.Process.Pid), 0o600)
	b.T.Cleanup(func() { b.Signal(node, syscall.SIGKILL) })
}

// Exec is the line of a shell that becomes the program.
func Exec(words ...string) string { return "exec '" + strings.Join(words, "' '") + "'\n" }

// Signal is sent to the node's member, if it runs.
func (b *Bed) Signal(node int, signal syscall.Signal) {
	if pid, err := strconv.Atoi(strings.TrimSpace(b.Read(node, "pid"))); err == nil && pid > 1 {
		_ = syscall.Kill(pid, signal)
	}
}

// Healthy waits until the members of all nodes are, and says nothing.
func (b *Bed) Healthy() error {
	urls := []string{}
	for _, node := range b.Options.Nodes {
		urls = append(urls, b.ClientURL(b.Address(node.Number)))
	}
	_, err := b.View.Client().WaitHealthy(b.Within(), urls, len(urls), func(etcd.Status) {})
	return err
}

// Client is one of the members at these nodes, as a user or nobody. With TLS it shows what this host shows now.
func (b *Bed) Client(user, password string, nodes ...int) *clientv3.Client {
	b.T.Helper()
	client, err := b.TryClient(user, password, nodes...)
	b.Must(err)
	b.T.Cleanup(func() { _ = client.Close() })
	return client
}

// TryClient is Client, whose certificate may just be renewed. The caller closes it.
func (b *Bed) TryClient(user, password string, nodes ...int) (*clientv3.Client, error) {
	config := clientv3.Config{DialTimeout: pace.Hang, Logger: zap.NewNop(), Username: user, Password: password}
	for _, n := range nodes {
		config.Endpoints = append(config.Endpoints, b.ClientURL(b.Address(n)))
	}
	if b.Generation.TLS() {
		var err error
		if config.TLS, err = b.Generation.Authority.ClientTLS(); err != nil {
			return nil, err
		}
	}
	return clientv3.New(config)
}
