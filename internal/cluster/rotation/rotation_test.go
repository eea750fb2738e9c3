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
	"strings"
	"syscall"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"coreos-libvirt/internal/testkit/etcdnodes"
	"coreos-libvirt/internal/testkit/etcdserver"
	"coreos-libvirt/internal/testkit/pace"
	"coreos-libvirt/internal/workspace"
)

func TestMain(m *testing.M) {
	status := m.Run()
	etcdserver.Clean()
	os.Exit(status)
}

// superuser is a stand-in of sudo(8) that has a folder of the node for /etc/etcd.
const superuser = `#!/bin/sh
[ "$1" = -n ] && shift
text=$(printf %s "$3" | sed "s|/etc/etcd|${0%/*}/../etc|g")
shift 3
exec sh -c "$text" "$@"
`

// bed are nodes that are not there, but their etcd is, and speaks TLS.
type bed struct{ *etcdnodes.Bed }

// newBed has three members.
func newBed(t *testing.T) *bed {
	t.Helper()
	b := &bed{etcdnodes.New(t, "../../..", 3, true)}
	b.LetIn(superuser, nil)
	for _, node := range b.Options.Nodes {
		b.start(node)
	}
	b.Must(b.Healthy())
	return b
}

// start starts the node's etcd, with what a node has after an up.
func (b *bed) start(node workspace.Node) {
	b.T.Helper()
	address := b.Address(node.Number)
	own, err := b.Generation.Authority.Issue(node.Name, address)
	trusted, failed := b.Generation.Authority.Certificate()
	b.Must(err, failed)
	ca, pem := b.In(node.Number, "etc/ca.pem"), b.In(node.Number, "etc/member.pem")
	b.Save(ca, string(trusted), 0o600)
	b.Save(pem, string(own), 0o600)
	b.Save(node.Certificate(), string(own), 0o600)
	b.Save(node.MadeOf(), `{"ignition":{"version":"3.4.0"},"storage":{"files":[{"path":"`+ca+`","contents":{"source":"data:,`+url.PathEscape(string(trusted))+`"}}]}}`, 0o600)
	client, peer := "https://"+address+":2379", "https://"+address+":2380"
	b.Start(node.Number, "--listen-client-urls="+client, "--advertise-client-urls="+client, "--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer,
		"--trusted-ca-file="+ca, "--cert-file="+pem, "--key-file="+pem, "--client-cert-auth",
		"--peer-trusted-ca-file="+ca, "--peer-cert-file="+pem, "--peer-key-file="+pem, "--peer-client-cert-auth")
}

// write writes one key after the other until ctx ends, and gives how many were acknowledged.
func (b *bed) write(ctx context.Context) (acknowledged int) {
	patience := 5 * time.Second
	for ctx.Err() == nil {
		client, err := b.TryClient("", "", 1, 2, 3)
		if err != nil {
			continue // it is just being renewed
		}
		one, cancel := context.WithTimeout(ctx, patience)
		if _, err = client.Put(one, fmt.Sprint("k", acknowledged), "value"); err == nil {
			acknowledged++
		} else if one.Err() != nil {
			patience *= 2 // this machine is busy
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
	ctx := b.Within()
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

	broken := b.In(3, "broken")
	b.Save(broken, "", 0o600)
	err = Rotate(ctx, b.View, b.Nodes())
	if err == nil || !strings.Contains(err.Error(), "core03: its etcd cannot be given the authority: etcd.service: fails (exit status 1)\nhint: ") || !strings.Contains(err.Error(), "the rotation has begun, and two authorities are trusted until `mage tls:rotate prefix=core` has ended it: ") {
		t.Fatalf("got %v", err)
	}
	if both, err := own.Certificate(); err != nil || !bytes.HasPrefix(both, before) || bytes.Count(both, []byte("BEGIN CERTIFICATE")) != 2 {
		t.Errorf("two are to be trusted: got %s, %v", both, err)
	}
	if err := os.Remove(broken); err != nil {
		t.Fatal(err)
	}
	if err := Rotate(ctx, b.View, b.Nodes()); err != nil {
		t.Fatalf("%v\n%s", err, b.Said)
	}
	stop()
	acknowledged := <-wrote

	after, err := own.Certificate()
	if err != nil || bytes.Contains(after, bytes.TrimSpace(before)) || bytes.Count(after, []byte("BEGIN CERTIFICATE")) != 1 {
		t.Errorf("got %s, %v", after, err)
	}
	for _, n := range b.Nodes() {
		if has, _ := os.ReadFile(b.In(n.Step.Node.Number, "etc/ca.pem")); !bytes.Equal(has, after) {
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
	if all, err := b.Client("", "", 1, 2, 3).Get(ctx, "k", clientv3.WithPrefix(), clientv3.WithCountOnly()); err != nil || int(all.Count) < acknowledged || acknowledged < 3 {
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
	_ = conn.SetDeadline(time.Now().Add(pace.Hang))
	if _, err := conn.Write([]byte("GET /version HTTP/1.1\r\nHost: etcd\r\n\r\n")); err != nil {
		return err
	}
	_, err = conn.Read(make([]byte, 1))
	return err
}

// TestNoAuthorityIsRotatedWhileAMemberIsNotWell, and none of a cluster without TLS: nothing is made.
func TestNoAuthorityIsRotatedWhileAMemberIsNotWell(t *testing.T) {
	b := newBed(t)
	ctx := b.Within()
	own := b.Generation.Authority
	before, _ := own.Certificate()
	if err := Rotate(ctx, b.View, b.Nodes(1, 2)); err == nil || !strings.Contains(err.Error(), "etcd has 3 members with a vote, and 2 nodes can be reached\nhint: ") {
		t.Errorf("got %v", err)
	}
	b.Signal(2, syscall.SIGKILL)
	if err := Rotate(ctx, b.View, b.Nodes()); err == nil || !strings.Contains(err.Error(), "while a member is not well no authority is rotated: etcd: 2 of 3 members are healthy") {
		t.Errorf("got %v", err)
	}
	plain := *b.Generation.Token
	plain.TLS = false
	b.Generation.Token = &plain
	if err := Rotate(ctx, b.View, b.Nodes()); err == nil || !strings.HasPrefix(err.Error(), "the etcd of the cluster core has no TLS\nhint: ") {
		t.Errorf("got %v", err)
	}
	if after, _ := own.Certificate(); !bytes.Equal(before, after) || strings.Contains(b.Said.String(), "trusts") {
		t.Errorf("said %s", b.Said)
	}
}
