package rotation

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
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
	"coreos-libvirt/internal/workspace"
)

func TestMain(m *testing.M) {
	status := m.Run()
	etcdserver.Clean()
	os.Exit(status)
}

// fakes are programs of a node in the folder of theirs, as far as a rotation needs them: etcd.service is the process in the file pid, which the
// script start starts. ssh runs a command on this machine, with a folder for /etc/etcd.
var fakes = map[string]string{
	"sudo": `[ "$1" = -n ] && shift; exec "$@"`,
	"systemctl": `cd "${0%/*}/.." || exit 1
case "$1 $2" in
"is-active --quiet") [ "$3" = etcd ] ;;
"restart etcd")
  if [ -e broken ]; then echo "it is broken"; exit 1; fi
  pid=$(cat pid)
  kill -9 "$pid"
  while grep -q '^State:.[^Z]' /proc/"$pid"/task/*/status 2>/dev/null; do sleep 0.05; done # each thread: the last one frees its ports
  sh start >/dev/null 2>&1 </dev/null &
  echo $! >pid ;;
esac`,
}

const fakeSSH = `for word; do case $word in HostKeyAlias=*) node=${word#*=} ;; esac; cmd=$word; done
PATH=%[1]s/on.$node/bin:$PATH exec sh -c "$(printf %%s "$cmd" | sed "s|/etc/etcd|%[1]s/on.$node/etc|g")"`

// bed are nodes that are not there, but their etcd is, and speaks TLS.
type bed struct {
	members.View
	t     *testing.T
	said  *strings.Builder
	nodes []boot.Node
}

func (b *bed) in(node workspace.Node, name string) string {
	return filepath.Join(b.Reach.Root, "on."+node.Name, name)
}

func save(t *testing.T, path, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o700)); err != nil {
		t.Fatal(err)
	}
}

// newBed has three members.
func newBed(t *testing.T) *bed {
	t.Helper()
	system, err := settings.Load(nil, settings.System()) // whose helper is built only once
	if err != nil {
		t.Fatal(err)
	}
	module, _ := filepath.Abs("../../..")
	b, ws := &bed{t: t, said: &strings.Builder{}}, workspace.Workspace{Root: t.TempDir()}
	b.Log, b.Timeout, b.Times = progress.New(b.said), pace.Hang, &timeline.Record{}
	b.Reach, b.SSH = reach.Nodes{Workspace: ws, Ready: true}, members.SSH{Access: guest.Access{Dir: ws.SSH("core")}, User: "core"}
	b.Options = generation.Options{
		Dir: ws.VM(), Prefix: "core", Nodes: workspace.Nodes(ws.VM(), "core", 3),
		Helper: etcd.NewHelper(module, filepath.Join(system.Cache, "bin")), Say: b.Log.Say,
	}
	t.Cleanup(b.Options.Helper.Close)
	b.Generation.Authority = authority.Authority{Dir: filepath.Join(ws.VM(), workspace.TLSName("core"))}
	if err := b.Generation.Authority.Make(); err != nil {
		t.Fatal(err)
	}
	names, addresses := []string{}, []string{}
	for _, node := range b.Options.Nodes {
		names, addresses = append(names, node.Name), append(addresses, loopback.Address(node.Number+1))
	}
	token := discovery.Static(names, addresses, true)
	token.Formed = true
	b.Generation.Token = &token
	for i, node := range b.Options.Nodes {
		b.start(node, addresses[i], token.ID)
	}
	save(t, filepath.Join(ws.Root, "bin/ssh"), "#!/bin/sh\n"+fmt.Sprintf(fakeSSH, ws.Root)+"\n")
	path, _ := settings.System().Lookup("PATH")
	t.Setenv("PATH", filepath.Join(ws.Root, "bin")+":"+path)
	if _, err := members.AwaitHealthy(b.within(), b.View, b.nodes); err != nil {
		t.Fatal(err)
	}
	return b
}

// start starts the node's etcd, with what a node has after an up.
func (b *bed) start(node workspace.Node, address, initial string) {
	b.t.Helper()
	own, err := b.Generation.Authority.Issue(node.Name, address)
	trusted, failed := b.Generation.Authority.Certificate()
	if err := errors.Join(err, failed); err != nil {
		b.t.Fatal(err)
	}
	ca, pem := b.in(node, "etc/ca.pem"), b.in(node, "etc/member.pem")
	save(b.t, ca, string(trusted))
	save(b.t, pem, string(own))
	save(b.t, node.Certificate(), string(own))
	save(b.t, node.MadeOf(), `{"ignition":{"version":"3.4.0"},"storage":{"files":[{"path":"/etc/etcd/ca.pem","contents":{"source":"data:,`+url.PathEscape(string(trusted))+`"}}]}}`)
	for name, text := range fakes {
		save(b.t, b.in(node, "bin/"+name), "#!/bin/sh\n"+text+"\n")
	}
	client, peer := "https://"+address+":2379", "https://"+address+":2380"
	cmd := etcdserver.Start(b.t, node.Name, address, "--initial-cluster="+initial, "--listen-client-urls="+client, "--advertise-client-urls="+client,
		"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--trusted-ca-file="+ca, "--cert-file="+pem, "--key-file="+pem, "--client-cert-auth",
		"--peer-trusted-ca-file="+ca, "--peer-cert-file="+pem, "--peer-key-file="+pem, "--peer-client-cert-auth")
	save(b.t, b.in(node, "start"), "exec '"+strings.Join(cmd.Args, "' '")+"'\n")
	save(b.t, b.in(node, "pid"), fmt.Sprint(cmd.Process.Pid))
	b.t.Cleanup(func() { b.kill(node) })
	report := guest.Report{HostName: node.Name, BootID: "a", Interfaces: []guest.Interface{
		{MAC: node.MAC, Addresses: []guest.Address{{Family: "inet", Local: address, Scope: "global"}}},
	}}
	b.nodes = append(b.nodes, boot.Node{Step: plan.Step{Node: node, Action: plan.Keep, Running: true}, Report: report})
}

func (b *bed) kill(node workspace.Node) {
	text, _ := os.ReadFile(b.in(node, "pid"))
	if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && pid > 1 {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

func (b *bed) within() context.Context {
	ctx, cancel := context.WithTimeout(b.t.Context(), pace.Hang)
	b.t.Cleanup(cancel)
	return ctx
}

// client shows what this host shows now.
func (b *bed) client() (*clientv3.Client, error) {
	config, err := b.Generation.Authority.ClientTLS()
	if err != nil {
		return nil, err
	}
	urls := []string{}
	for _, n := range b.nodes {
		urls = append(urls, b.ClientURL(n.Address()))
	}
	return clientv3.New(clientv3.Config{Endpoints: urls, DialTimeout: time.Minute, Logger: zap.NewNop(), TLS: config})
}

// write writes one key after the other until ctx ends, and gives how many were acknowledged.
func (b *bed) write(ctx context.Context) (acknowledged int) {
	for ctx.Err() == nil {
		client, err := b.client()
		if err != nil {
			continue // it is just being renewed
		}
		one, cancel := context.WithTimeout(ctx, 5*time.Second)
		if _, err = client.Put(one, fmt.Sprint("k", acknowledged), "value"); err == nil {
			acknowledged++
		}
		cancel()
		_ = client.Close()
	}
	return acknowledged
}

// TestTheAuthorityIsRotatedWhileEtcdIsUsed: no acknowledged write is lost, and in the end the old authority counts nothing. What could not end goes
// on with the next run.
func TestTheAuthorityIsRotatedWhileEtcdIsUsed(t *testing.T) {
	b := newBed(t)
	ctx := b.within()
	own := b.Generation.Authority
	old, err := tls.LoadX509KeyPair(own.ClientFile(), own.ClientFile())
	before, failed := own.Certificate()
	if err := errors.Join(err, failed); err != nil {
		t.Fatal(err)
	}
	writing, stop := context.WithCancel(ctx)
	defer stop()
	wrote := make(chan int, 1)
	go func() { wrote <- b.write(writing) }()

	broken := b.in(b.Options.Nodes[2], "broken")
	save(t, broken, "")
	err = Rotate(ctx, b.View, b.nodes)
	if err == nil || !strings.Contains(err.Error(), "core03: its etcd cannot be given the authority by ssh: exit status 1: it is broken\nhint: ") || !strings.Contains(err.Error(), "the rotation has begun, and two authorities are trusted until `mage tls:rotate prefix=core` has ended it: ") {
		t.Fatalf("got %v", err)
	}
	if both, err := own.Certificate(); err != nil || !bytes.HasPrefix(both, before) || bytes.Count(both, []byte("BEGIN CERTIFICATE")) != 2 {
		t.Errorf("two are to be trusted: got %s, %v", both, err)
	}
	if err := os.Remove(broken); err != nil {
		t.Fatal(err)
	}
	if err := Rotate(ctx, b.View, b.nodes); err != nil {
		t.Fatalf("%v\n%s", err, b.said)
	}
	time.Sleep(time.Second)
	stop()
	acknowledged := <-wrote

	after, err := own.Certificate()
	if err != nil || bytes.Contains(after, bytes.TrimSpace(before)) || bytes.Count(after, []byte("BEGIN CERTIFICATE")) != 1 {
		t.Errorf("got %s, %v", after, err)
	}
	for _, n := range b.nodes {
		if has, _ := os.ReadFile(b.in(n.Step.Node, "etc/ca.pem")); !bytes.Equal(has, after) {
			t.Errorf("%s trusts %s", n.Step.Node.Name, has)
		}
		at := net.JoinHostPort(n.Address(), "2379")
		if _, err := own.Served(ctx, at); err != nil {
			t.Errorf("%s: %v", n.Step.Node.Name, err)
		}
		if err := handshake(ctx, at, old); err == nil {
			t.Errorf("%s takes a certificate of the old authority", n.Step.Node.Name)
		}
	}
	if entries, _ := os.ReadDir(own.Dir); len(entries) != 3 {
		t.Errorf("left are %v", entries)
	}
	client, err := b.client()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	if all, err := client.Get(ctx, "k", clientv3.WithPrefix(), clientv3.WithCountOnly()); err != nil || int(all.Count) < acknowledged || acknowledged < 3 {
		t.Errorf("%d writes were acknowledged, there are %v, %v", acknowledged, all, err)
	}
	t.Logf("%d writes were acknowledged", acknowledged)
}

// handshake shows the certificate to a member: with TLS 1.3 the refusal comes when something is read.
func handshake(ctx context.Context, at string, shows tls.Certificate) error {
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{shows}, NextProtos: []string{"http/1.1"}}}
	conn, err := dialer.DialContext(ctx, "tcp", at)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := conn.Write([]byte("GET /version HTTP/1.1\r\nHost: etcd\r\n\r\n")); err != nil {
		return err
	}
	_, err = conn.Read(make([]byte, 1))
	return err
}

// TestNoAuthorityIsRotatedWhileAMemberIsNotWell, and none of a cluster without TLS: nothing is made.
func TestNoAuthorityIsRotatedWhileAMemberIsNotWell(t *testing.T) {
	b := newBed(t)
	ctx := b.within()
	own := b.Generation.Authority
	before, _ := own.Certificate()
	if err := Rotate(ctx, b.View, b.nodes[:2]); err == nil || !strings.Contains(err.Error(), "etcd has 3 members with a vote, and 2 nodes can be reached\nhint: ") {
		t.Errorf("got %v", err)
	}
	b.kill(b.Options.Nodes[1])
	if err := Rotate(ctx, b.View, b.nodes); err == nil || !strings.Contains(err.Error(), "while a member is not well no authority is rotated: etcd: 2 of 3 members are healthy") {
		t.Errorf("got %v", err)
	}
	plain := *b.Generation.Token
	plain.TLS = false
	b.Generation.Token = &plain
	if err := Rotate(ctx, b.View, b.nodes); err == nil || !strings.HasPrefix(err.Error(), "the etcd of the cluster core has no TLS\nhint: ") {
		t.Errorf("got %v", err)
	}
	if after, _ := own.Certificate(); !bytes.Equal(before, after) || strings.Contains(b.said.String(), "trusts") {
		t.Errorf("said %s", b.said)
	}
}
