package members

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/cluster/boot"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/authority"
	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/testkit/certificates"
	"coreos-libvirt/internal/testkit/etcdserver"
	"coreos-libvirt/internal/testkit/pace"
)

const day = 24 * time.Hour

// secured is a bed of n nodes whose real etcd speaks TLS and has formed, and then got old: certificates are from so long ago, and
// hold so long from now. What this host shows is as old.
func secured(t *testing.T, n int, from, until time.Duration) (b *bed, nodes []boot.Node) {
	t.Helper()
	b = newBed(t, n)
	b.Generation.Authority = authority.Authority{Dir: filepath.Join(b.Options.Dir, "tls.core")}
	if err := b.Generation.Authority.Make(); err != nil {
		t.Fatal(err)
	}
	ca := b.Generation.Authority.CertificateFile()
	names, addresses, initial := []string{}, []string{}, []string{}
	for i, node := range b.Options.Nodes {
		names, addresses = append(names, node.Name), append(addresses, b.addressOf(i+1))
		initial = append(initial, node.Name+"=https://"+b.addressOf(i+1)+":2380")
	}
	token := discovery.Static(names, addresses, true)
	token.TLS, token.Formed = true, true
	b.Generation.Token = &token
	nodes = b.nodes(n)
	for i, node := range b.Options.Nodes {
		nodes[i].Report.BootID = "a"
		own := onNode(b, node.Name)
		certificates.Write(t, filepath.Dir(ca), -day, day, []string{b.addressOf(i + 1), "127.0.0.1"}, own)
		client, peer := "https://"+b.addressOf(i+1)+":2379", "https://"+b.addressOf(i+1)+":2380"
		b.members[node.Name] = etcdserver.Start(t, node.Name, b.addressOf(i+1), "--initial-cluster="+strings.Join(initial, ","),
			"--listen-client-urls="+client, "--advertise-client-urls="+client, "--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer,
			"--trusted-ca-file="+ca, "--cert-file="+own, "--key-file="+own, "--client-cert-auth",
			"--peer-trusted-ca-file="+ca, "--peer-cert-file="+own, "--peer-key-file="+own, "--peer-client-cert-auth")
	}
	ctx, cancel := context.WithTimeout(t.Context(), pace.Hang)
	defer cancel()
	if _, err := b.Client().WaitHealthy(ctx, b.endpoints(nodes), n, func(etcd.Status) {}); err != nil {
		t.Fatal(err)
	}
	certificates.Write(t, filepath.Dir(ca), from, until, nil, b.Generation.Authority.ClientFile())
	for i, node := range b.Options.Nodes {
		certificates.Write(t, filepath.Dir(ca), from, until, []string{b.addressOf(i + 1), "127.0.0.1"}, onNode(b, node.Name), node.Certificate())
	}
	save(t, sshNote(b), "")
	return b, nodes
}

// onNode is where the fake ssh puts the certificate of the node.
func onNode(b *bed, node string) string {
	return filepath.Join(b.Reach.Root, "etc.of."+node, "member.pem")
}

// fakeSSH puts an ssh into PATH that runs the command on this machine, with a folder a node for /etc/etcd, for the nodes of a bed
// that has a note. How often it ran is in that. For all others it is the real one.
func fakeSSH() (bin string, err error) {
	if bin, err = os.MkdirTemp("", "coreos-libvirt-members-"); err != nil {
		return "", err
	}
	path := os.Getenv("PATH") //nolint:forbidigo // the test's programs come first
	for name, script := range map[string]string{
		"sudo": `exec "$@"`,
		"ssh": `for word; do case $word in HostKeyAlias=*) node=${word#*=} ;; UserKnownHostsFile=*) hosts=${word#*=} ;; esac; cmd=$word; done
hosts=${hosts#\"} root=${hosts%/vm/ssh.core/*}
if [ ! -e "$root/ssh.note" ]; then PATH='` + path + `' exec ssh "$@"; fi
echo $node >>"$root/ssh.note"
exec sh -c "$(printf %s "$cmd" | sed "s|/etc/etcd|$root/etc.of.$node|g")"`,
	} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			return bin, err
		}
	}
	return bin, os.Setenv("PATH", bin+":"+path)
}

func sshNote(b *bed) string { return filepath.Join(b.Reach.Root, "ssh.note") }

// TestUpRenewsCertificates of members that run, from two thirds of their life, or when they are over: etcd reads them again at
// the next connection, no member is restarted. What is younger stays.
func TestUpRenewsCertificates(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		from, until time.Duration
		renewed     bool
	}{
		"young":                    {-100 * day, 265 * day, false},
		"two thirds of it is over": {-250 * day, 115 * day, true},
		"expired":                  {-400 * day, -35 * day, true},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			b, nodes := secured(t, 3, c.from, c.until)
			before, _ := os.ReadFile(b.Options.Nodes[0].Certificate())
			if shown := b.Certificates(t.Context(), nodes); len(shown) != 3 || shown[b.ClientURL(b.addressOf(1))].Until.Sub(time.Now().Add(c.until)).Abs() > time.Hour {
				t.Errorf("shown before: %v, said %s", shown, b.said)
			}
			for range 2 {
				ctx, cancel := context.WithTimeout(t.Context(), pace.Hang)
				defer cancel()
				if err := b.certify(ctx, nodes...); err != nil {
					t.Fatal(err)
				}
				status, err := b.Client().WaitHealthy(ctx, b.endpoints(nodes), 3, func(etcd.Status) {})
				if err != nil || len(status.Healthy()) != 3 {
					t.Fatalf("got %v, %v", status, err)
				}
			}
			for i, node := range b.Options.Nodes {
				life := b.Certificates(t.Context(), nodes)[b.ClientURL(b.addressOf(i+1))]
				has, _ := os.ReadFile(onNode(b, node.Name))
				copied, _ := os.ReadFile(node.Certificate())
				if life.Due(time.Now()) || string(has) != string(copied) || (string(has) == string(before)) != (!c.renewed && i == 0) {
					t.Errorf("%s: shows %v; the same as here %t", node.Name, life, string(has) == string(copied))
				}
			}
			calls, _ := os.ReadFile(sshNote(b))
			if got, want := strings.Count(string(calls), "\n"), map[bool]int{true: 3}[c.renewed]; got != want {
				t.Errorf("%d nodes were given one: %s", got, calls)
			}
			if said := fmt.Sprint(b.said); strings.Contains(said, "core02: has a certificate for etcd at ") != c.renewed || strings.Contains(said, "this host has a new certificate") != c.renewed {
				t.Errorf("said %s", said)
			}
		})
	}
}

// TestAsksWithAFreshCertificate: members answer nobody whose certificate is over, so this host's own is renewed before they are asked.
func TestAsksWithAFreshCertificate(t *testing.T) {
	t.Parallel()
	b, nodes := secured(t, 1, -100*day, 265*day)
	old := func() {
		certificates.Write(t, b.Generation.Authority.Dir, -400*day, -35*day, nil, b.Generation.Authority.ClientFile())
	}
	old()
	ctx, cancel := context.WithTimeout(t.Context(), pace.Hang)
	defer cancel()
	status, err := b.StatusOf(ctx, nodes)
	for ; err == nil && len(status.Healthy()) != 1 && ctx.Err() == nil; time.Sleep(100 * time.Millisecond) {
		status, err = b.StatusOf(ctx, nodes) // it may still be about to lead
	}
	if err != nil || len(status.Healthy()) != 1 {
		t.Fatalf("got %+v, %v", status, err)
	}
	if life, err := authority.LifeOf(b.Generation.Authority.ClientFile()); err != nil || life.Due(time.Now()) {
		t.Errorf("got %v, %v", life, err)
	}
	old()
	b.Options.ReadOnly, b.Options.Helper.Patience = true, 0 // a look changes nothing, and there is no answer to wait for
	if status, err := b.StatusOf(ctx, nodes); err != nil || len(status.Healthy()) != 0 {
		t.Errorf("got %+v, %v", status, err)
	}
	if life, err := authority.LifeOf(b.Generation.Authority.ClientFile()); err != nil || time.Now().Before(life.Until) {
		t.Errorf("got %v, %v", life, err)
	}
}

// A certificate that another authority has signed is none of this cluster's, whatever it says of its life.
func TestAStrangersCertificateIsNotShown(t *testing.T) {
	t.Parallel()
	b, nodes := secured(t, 1, -100*day, 265*day)
	other := authority.Authority{Dir: filepath.Join(t.TempDir(), "tls.other")}
	if err := other.Make(); err != nil {
		t.Fatal(err)
	}
	certificates.Write(t, other.Dir, -day, 3000*day, []string{b.addressOf(1)}, onNode(b, "core01"))
	if shown := b.Certificates(t.Context(), nodes); len(shown) != 0 || !strings.Contains(b.said.String(), "core01: no certificate of its etcd: its certificate is not of this cluster: ") {
		t.Errorf("got %v, said %s", shown, b.said)
	}
	b.stop(1)
	if shown := b.Certificates(t.Context(), nodes); len(shown) != 0 || !strings.Contains(b.said.String(), "connection refused") {
		t.Errorf("got %v, said %s", shown, b.said)
	}
}
