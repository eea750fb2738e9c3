package recovery

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/cluster/members"
	"coreos-libvirt/internal/cluster/plan"
	"coreos-libvirt/internal/cluster/reach"
	"coreos-libvirt/internal/cluster/timeline"
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
	"coreos-libvirt/internal/testkit/sshserver"
	"coreos-libvirt/internal/workspace"
)

var moduleRoot, _ = filepath.Abs("../../..")

func TestMain(m *testing.M) {
	status := m.Run()
	etcdserver.Clean()
	os.Exit(status)
}

// fakeSystemctl is systemctl(1) of a node in the folder $0, as far as recovery needs it: etcd.service is the process in the file pid, which
// the script start starts.
const fakeSystemctl = `#!/bin/sh
cd "${0%/*}/.." || exit 1
echo "$*" >>calls
case "$1 $2" in
"is-active --quiet") [ "$3" = etcd ] && [ ! -e dead ] ;;
"set-environment "*) echo "$2" >environment ;;
"unset-environment "*) rm environment ;;
"restart etcd")
  pid=$(cat pid)
  kill -9 "$pid" 2>/dev/null
  while grep -q '^State:.[^Z]' /proc/"$pid"/task/*/status 2>/dev/null; do sleep 0.05; done # each thread: the last one frees its ports
  [ -e broken ] && exit 0
  if [ -e deaf ] || [ ! -e environment ]; then set=; else set=$(cat environment); fi
  env $set sh start >/dev/null 2>&1 </dev/null &
  echo $! >pid ;;
*) exit 1 ;;
esac
`

// bed is a cluster of nodes that are not there, but their etcd and a way into each are.
type bed struct {
	members.View
	t    *testing.T
	said *strings.Builder
}

// beds is how many there were: each has 10 addresses of its own.
var beds int

// newBed has n members whose etcd has formed.
func newBed(t *testing.T, n int) *bed {
	t.Helper()
	system, err := settings.Load(nil, settings.System()) // whose helper is built only once
	if err != nil {
		t.Fatal(err)
	}
	beds++
	b := &bed{t: t, said: &strings.Builder{}}
	ws := workspace.Workspace{Root: t.TempDir()}
	b.Log, b.Timeout, b.Times = progress.New(b.said), pace.Hang, &timeline.Record{}
	b.Reach, b.SSH = reach.Nodes{Workspace: ws, Ready: true}, members.SSH{Access: guest.Access{Dir: ws.SSH("core"), New: true}, User: "core"}
	b.Options = generation.Options{
		Dir: ws.VM(), Prefix: "core", Nodes: workspace.Nodes(ws.VM(), "core", n),
		Helper: etcd.NewHelper(moduleRoot, filepath.Join(system.Cache, "bin")), Say: b.Log.Say,
	}
	t.Cleanup(b.Options.Helper.Close)
	b.save(filepath.Join(b.SSH.Access.Dir, "known_hosts"), "", 0o600)
	names, addresses := []string{}, []string{}
	b.Domains = map[string]engine.Domain{}
	for _, node := range b.Options.Nodes {
		names, addresses = append(names, node.Name), append(addresses, b.addressOf(node.Number))
		b.Domains[node.Name] = engine.Domain{
			Name: node.Name, UUID: node.UUID, State: engine.Running, Metadata: &engine.Metadata{Workspace: ws.Root, Cluster: "core", Number: node.Number},
		}
	}
	token := discovery.Static(names, addresses, false)
	token.Formed = true
	b.Generation.Token = &token
	b.startAll(token.ID)
	return b
}

func (b *bed) addressOf(node int) string { return loopback.Address(beds*10 + node) }

// in is the folder of what is on the node: core01 is 1.
func (b *bed) in(node int, name string) string {
	return filepath.Join(b.Reach.Root, "on."+workspace.NodeName("core", node), name)
}

func (b *bed) save(path, text string, mode os.FileMode) {
	b.t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), mode)); err != nil {
		b.t.Fatal(err)
	}
}

// startAll starts a server and a member for each node, and waits until etcd is healthy.
func (b *bed) startAll(initial string) {
	b.t.Helper()
	path, _ := settings.System().Lookup("PATH")
	servers := map[string]*sshserver.Server{}
	for _, node := range b.Options.Nodes {
		b.save(b.in(node.Number, "bin/systemctl"), fakeSystemctl, 0o755)
		b.save(b.in(node.Number, "bin/sudo"), "#!/bin/sh\nshift\nexec \"$@\"\n", 0o755)
		servers[node.Name] = sshserver.Start(b.t, b.t.TempDir(), "PATH="+b.in(node.Number, "bin")+":"+path)
		b.save(node.Report(), "", 0o600)
		cmd := etcdserver.Start(b.t, node.Name, b.addressOf(node.Number), "--initial-cluster="+initial)
		b.save(b.in(node.Number, "start"), "exec '"+strings.Join(cmd.Args, "' '")+"'\n", 0o600)
		b.save(b.in(node.Number, "pid"), fmt.Sprint(cmd.Process.Pid), 0o600)
		b.t.Cleanup(func() { b.signal(node.Number, syscall.SIGKILL) })
	}
	sshserver.Nodes(b.t, servers)
	if _, err := b.Client().WaitHealthy(b.within(), b.endpoints(), len(servers), func(etcd.Status) {}); err != nil {
		b.t.Fatal(err)
	}
}

// within ends when the test hangs.
func (b *bed) within() context.Context {
	ctx, cancel := context.WithTimeout(b.t.Context(), pace.Hang)
	b.t.Cleanup(cancel)
	return ctx
}

func (b *bed) endpoints() (urls []string) {
	for _, node := range b.Options.Nodes {
		urls = append(urls, b.ClientURL(b.addressOf(node.Number)))
	}
	return urls
}

// nodes are those of these numbers, as they report themselves.
func (b *bed) nodes(numbers ...int) (nodes []boot.Node) {
	for _, n := range numbers {
		node := b.Reach.Node("core", n)
		report := guest.Report{HostName: node.Name, BootID: "a", Interfaces: []guest.Interface{
			{MAC: node.MAC, Addresses: []guest.Address{{Family: "inet", Local: b.addressOf(n), Scope: "global"}}},
		}}
		nodes = append(nodes, boot.Node{Step: plan.Step{Node: node, Action: plan.Keep, Running: true}, Report: report})
	}
	return nodes
}

// signal is sent to the node's etcd, if it runs.
func (b *bed) signal(node int, signal syscall.Signal) {
	text, _ := os.ReadFile(b.in(node, "pid"))
	if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && pid > 1 {
		_ = syscall.Kill(pid, signal)
	}
}

// lose ends the etcd of the nodes, and their data with it.
func (b *bed) lose(nodes ...int) {
	b.t.Helper()
	for _, n := range nodes {
		b.signal(n, syscall.SIGKILL)
		start, err := os.ReadFile(b.in(n, "start"))
		if err != nil {
			b.t.Fatal(err)
		}
		_, after, _ := strings.Cut(string(start), "--data-dir=")
		folder, _, _ := strings.Cut(after, "'")
		if err := os.RemoveAll(folder); err != nil {
			b.t.Fatal(err)
		}
	}
}

// client is one of the members at these nodes, as a user or nobody.
func (b *bed) client(user, password string, nodes ...int) *clientv3.Client {
	b.t.Helper()
	urls := []string{}
	for _, n := range nodes {
		urls = append(urls, b.ClientURL(b.addressOf(n)))
	}
	client, err := clientv3.New(clientv3.Config{Endpoints: urls, DialTimeout: time.Minute, Logger: zap.NewNop(), Username: user, Password: password})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = client.Close() })
	return client
}

// read is a file on the node; empty if it is not there.
func (b *bed) read(node int, name string) string {
	text, _ := os.ReadFile(b.in(node, name))
	return string(text)
}
