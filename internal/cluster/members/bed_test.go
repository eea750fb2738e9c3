package members

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/cluster/reach"
	"coreos-libvirt/internal/cluster/timeline"
	"coreos-libvirt/internal/config"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/etcd/generation"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/terminal/progress"
	"coreos-libvirt/internal/testkit/etcdserver"
	"coreos-libvirt/internal/testkit/loopback"
	"coreos-libvirt/internal/testkit/pace"
	"coreos-libvirt/internal/workspace"
)

var moduleRoot, _ = filepath.Abs("../../..")

func TestMain(m *testing.M) {
	bin, err := fakeSSH()
	if err != nil {
		panic(err)
	}
	status := m.Run()
	_ = os.RemoveAll(bin)
	etcdserver.Clean()
	os.Exit(status)
}

// beds is how many there have been, perBed how many addresses each has, of allBeds that are there at once.
var beds atomic.Int32

const (
	perBed  = 10
	allBeds = 24
)

// addressOf is where the node would be: each bed has its own addresses.
func (b *bed) addressOf(node int) string { return loopback.Address(b.first + node) }

func (b *bed) peerURL(node int) string   { return "http://" + b.addressOf(node) + ":2380" }
func (b *bed) clientURL(node int) string { return "http://" + b.addressOf(node) + ":2379" }

// bed is a cluster of nodes that are not there, but their etcd is: it runs on this machine, at an address a node.
type bed struct {
	Cluster
	t       *testing.T
	said    *bytes.Buffer
	members map[string]*exec.Cmd // by node
	left    []string             // nodes whose domain was removed, in this order
	first   int                  // of its addresses

	rendered map[string]int // how often a node's document was made, for trial and as one that joins
}

// newBed has n nodes without etcd. Its config has the word by which members join.
func newBed(t *testing.T, n int) *bed {
	t.Helper()
	system, err := settings.Load(nil, settings.System()) // whose helper is built only once
	if err != nil {
		t.Fatal(err)
	}
	b := &bed{t: t, said: &bytes.Buffer{}, members: map[string]*exec.Cmd{}, rendered: map[string]int{}}
	b.first = int(beds.Add(1)) % allBeds * perBed
	ws := workspace.Workspace{Root: t.TempDir()}
	b.Log = progress.New(b.said)
	b.Options = generation.Options{
		Dir: ws.VM(), Prefix: "core", Nodes: workspace.Nodes(ws.VM(), "core", n),
		Helper: etcd.NewHelper(moduleRoot, filepath.Join(system.Cache, "bin")), Say: b.Log.Say,
		Bridge: func() (string, error) { return "", errors.New("there is no bridge") },
	}
	b.Options.Helper.Patience = pace.Answer
	t.Cleanup(b.Options.Helper.Close)
	b.Reach, b.SSH.Access, b.Timeout, b.Times = reach.Nodes{Workspace: ws, Ready: true}, guest.Access{Dir: ws.SSH("core")}, pace.Hang, &timeline.Record{}
	b.Nodes = Nodes{
		Boot: b.boot, Recreate: b.recreate,
		Remove: func(node workspace.Node) error {
			b.left = append(b.left, node.Name)
			return node.RemoveFiles()
		},
		Watch: func(ctx context.Context, _ []boot.Node, do func(context.Context) error) error { return do(ctx) },
	}
	b.Documents = Documents{
		Source: source(t, b.Options, "Etcd_Discovery_Flags", b.rendered),
		Made:   func() (config.Made, error) { return b.Generation.ForDocuments(b.Options.Nodes), nil },
		Write:  func(d config.Document) error { return os.WriteFile(d.Ignition(), d.JSON, 0o600) },
	}
	return b
}

// source is a config with a text. It counts how often each node's document is made of it.
func source(t *testing.T, o generation.Options, text string, rendered map[string]int) config.Set {
	t.Helper()
	var mu sync.Mutex
	path := filepath.Join(t.TempDir(), "plain.yml")
	save(t, path, "variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: /etc/x, contents: {inline: "+text+"}}]}\n")
	read, err := config.Read(config.Options{
		Path: path, Prefix: o.Prefix, Nodes: o.Nodes, Updates: true, Later: generation.Later(o),
		Vars: func(string) (map[string]string, error) { return nil, nil },
		Rendered: func(node string) {
			mu.Lock()
			defer mu.Unlock()
			rendered[node]++
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return config.One(read)
}

func save(t *testing.T, path, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

// live is a bed whose nodes have an etcd that has formed, with these flags.
func live(t *testing.T, nodes int, flags ...string) *bed {
	t.Helper()
	b := newBed(t, nodes)
	names, addresses, initial := []string{}, []string{}, []string{}
	for i, node := range b.Options.Nodes {
		names, addresses = append(names, node.Name), append(addresses, b.addressOf(i+1))
		initial = append(initial, node.Name+"="+b.peerURL(i+1))
	}
	token := discovery.Static(names, addresses, false)
	token.Formed = true
	if err := errors.Join(os.MkdirAll(b.Options.Dir, 0o755), token.Write(b.Options.Dir, "core")); err != nil {
		t.Fatal(err)
	}
	b.Generation.Token, b.Domains = &token, map[string]engine.Domain{}
	endpoints := []string{}
	for i, node := range b.Options.Nodes {
		b.members[node.Name] = etcdserver.Start(t, node.Name, b.addressOf(i+1), append(flags, "--initial-cluster="+strings.Join(initial, ","))...)
		b.reports(node)
		endpoints = append(endpoints, b.clientURL(i+1))
		b.Domains[node.Name] = engine.Domain{
			Name: node.Name, UUID: node.UUID, State: engine.Running, Metadata: &engine.Metadata{Workspace: b.Reach.Root, Cluster: "core", Number: node.Number},
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), pace.Hang)
	defer cancel()
	if _, err := b.Client().WaitHealthy(ctx, endpoints, nodes, func(etcd.Status) {}); err != nil {
		t.Fatal(err)
	}
	return b
}

// longerThanAnswers is a limit that is not over before the members have answered a few times.
func (b *bed) longerThanAnswers(endpoints ...string) time.Duration {
	b.t.Helper()
	begin := time.Now()
	if _, err := b.Client().Status(b.t.Context(), endpoints, pace.Hang); err != nil {
		b.t.Fatal(err)
	}
	return 8*time.Second + 8*time.Since(begin)
}

// reports keeps the node's word that it is where it is.
func (b *bed) reports(node workspace.Node) {
	b.t.Helper()
	text, err := json.Marshal(reportOf(node.Name, b.addressOf(node.Number)))
	if err != nil {
		b.t.Fatal(err)
	}
	save(b.t, node.Report(), string(text))
}

func reportOf(node, address string) guest.Report {
	return guest.Report{HostName: node, Interfaces: []guest.Interface{
		{MAC: workspace.MAC(node), Addresses: []guest.Address{{Family: "inet", Local: address, Scope: "global"}}},
	}}
}

// nodes are the first n, ready.
func (b *bed) nodes(n int) (nodes []boot.Node) {
	for i := range n {
		node := b.Reach.Node("core", i+1)
		nodes = append(nodes, boot.Node{Step: plan.Step{Node: node, Action: plan.Keep, Running: true}, Report: reportOf(node.Name, b.addressOf(i+1))})
	}
	return nodes
}

// recreate ends the node's etcd, and its data with it.
func (b *bed) recreate(_ context.Context, step plan.Step) (plan.Step, error) {
	b.stop(step.Node.Number)
	step.Action, step.Running = plan.Create, false
	return step, os.MkdirAll(step.Node.Dir, 0o755)
}

// boot starts the node's etcd, as its document says.
func (b *bed) boot(_ context.Context, step plan.Step) boot.Node {
	flags, _ := os.ReadFile(step.Node.EtcdFlags())
	b.members[step.Node.Name] = etcdserver.Start(b.t, step.Node.Name, b.addressOf(step.Node.Number), strings.Fields(string(flags))...)
	b.reports(step.Node)
	return boot.Node{Step: step, Report: reportOf(step.Node.Name, b.addressOf(step.Node.Number))}
}

// stop kills the etcd of the node of that number, and its unit, and waits until its address is free.
func (b *bed) stop(node int) {
	member := b.members[workspace.NodeName("core", node)]
	if member == nil {
		return
	}
	_ = syscall.Kill(-member.Process.Pid, syscall.SIGKILL)
	_ = member.Wait()
	for {
		conn, err := net.Dial("tcp", net.JoinHostPort(b.addressOf(node), "2380"))
		if err != nil {
			return
		}
		_ = conn.Close()
		time.Sleep(20 * time.Millisecond)
	}
}
