//go:build lab

package tests

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/etcd/authority"
	"coreos-libvirt/internal/lab/guestimage"
	"coreos-libvirt/internal/testkit/distributor"
	"coreos-libvirt/internal/testkit/pace"
)

// secured has the example with TLS: members and clients need certificates of the cluster's own authority, a
// node that is recreated gets another one, and the authority's key stays here.
func secured(t *testing.T, c clone) {
	config := "config=ignition/examples/etcd-tls.yml"
	elsewhere := discoveryElsewhere(t, c)
	user := elsewhere[len(elsewhere)-1] // a secret, which is not noted
	out := c.mage(t, append([]string{"lab", "up", "nodes=3", config}, elsewhere...)...)
	if len(readyNode.FindAllString(out, -1)) != 3 || strings.Count(out, "has a certificate for etcd at 10.77.0.") != 3 {
		t.Fatalf("got\n%s", out)
	}
	if out := c.mage(t, "lab", "up", "nodes=3", config, user); strings.Contains(out, "has a certificate") {
		t.Errorf("the certificates are good, and are recreated:\n%s", out)
	}
	if out := c.mage(t, "lab", "etcd"); strings.Count(out, " yes ") != 3 || strings.Count(out, "https://10.77.0.") != 3 {
		t.Errorf("etcd: got\n%s", out)
	}
	onlyWithCertificate(t, c, addresses.FindStringSubmatch(out)[1])

	before, kept := c.read(t, "vm/core02/etcd.pem"), c.read(t, "vm/core01/etcd.pem")
	if out := c.mage(t, "lab", "up", "nodes=3", config, user, "recreate=core02"); len(readyNode.FindAllString(out, -1)) != 3 {
		t.Errorf("recreate: got\n%s", out)
	}
	if c.read(t, "vm/core02/etcd.pem") == before || c.read(t, "vm/core01/etcd.pem") != kept {
		t.Error("core02 gets another certificate, core01 keeps its own")
	}
	if got := c.mage(t, "lab", "ssh", "node=core02", "cmd=sudo cat /etc/etcd/member.pem; sudo stat -c %a /etc/etcd/member.pem"); strings.TrimSpace(got) != c.read(t, "vm/core02/etcd.pem")+"600" {
		t.Errorf("core02 has\n%s", got)
	}
	secretsStay(t, c)

	if out, err := c.try("lab", "up", "nodes=3", "config=ignition/ignition.yml", user); err == nil || !strings.Contains(out, "which turns on TLS for etcd, but this cluster was made with TLS") || !strings.Contains(out, " recreate=all` makes a new cluster") {
		t.Errorf("without TLS: got\n%s", out)
	}
	c.mage(t, "lab", "down", "all=true", "yes=true")
	c.nothingIsLeft(t)
}

// TestRotation gives the members of an etcd with TLS another authority, while somebody writes.
func TestRotation(t *testing.T) {
	onlyInFull(t)
	story(t, []part{
		{"a new authority", rotated},
		{"the lab goes", labGoes},
	})
}

func rotated(t *testing.T, c clone) {
	out := c.mage(t, "lab", "up", "nodes=3", "config=ignition/examples/etcd-tls.yml")
	folder := filepath.Join(c.dir, "vm", "tls.core")
	client := filepath.Join(folder, "client.pem")
	l := startLoad(t, c, out, rest, "--cacert", filepath.Join(folder, "ca.pem"), "--cert", client, "--key", client)
	time.Sleep(10 * rest)
	was := filepath.Join(t.TempDir(), "client.pem")
	distributor.Must(t, os.WriteFile(was, []byte(c.read(t, "vm/tls.core/client.pem")), 0o600))
	before := c.startsOf(t, "core01", "core02", "core03")
	begin := time.Now()
	out = c.mage(t, "lab", "tls:rotate")
	t.Logf("a new authority after %s", time.Since(begin).Round(time.Second))
	if strings.Count(out, ": its etcd trusts the next authority, too\n") != 3 || strings.Count(out, ": its etcd trusts only the new authority\n") != 3 {
		t.Errorf("got\n%s", out)
	}
	l.end(t)
	if after := c.startsOf(t, "core01", "core02", "core03"); after != before {
		t.Errorf("nodes were booted anew: %q, then %q", before, after)
	}
	for cert, want := range map[string]string{was: "000", client: "200"} {
		line := "curl --cacert " + filepath.Join(folder, "ca.pem") + " --cert " + cert + " --key " + cert + " -s -o /dev/null -w '%{http_code}' " + l.urls[0] + "/health || true"
		if got := c.inLab(t, "sh", "-c", line); got != want {
			t.Errorf("with %s: got %s", cert, got)
		}
	}
	if out := c.mage(t, "lab", "up", "nodes=3"); len(readyNode.FindAllString(out, -1)) != 3 || strings.Contains(out, "has a certificate") {
		t.Errorf("up once more: got\n%s", out)
	}
}

// discoveryElsewhere starts an etcd as the discovery service, for those that have a certificate of its own
// authority and its user's password. It gives the settings that name it.
func discoveryElsewhere(t *testing.T, c clone) []string {
	t.Helper()
	const address, url, user, password = "10.77.0.2", "https://10.77.0.2:12379", "root", "of~all+evil"
	c.mage(t, "lab", "settings") // there is a lab now
	theirs, own := authority.Authority{Dir: t.TempDir()}, filepath.Join(t.TempDir(), "own.pem")
	distributor.Must(t, theirs.Make())
	text, err := theirs.Issue("discovery", address)
	distributor.Must(t, err)
	distributor.Must(t, os.WriteFile(own, text, 0o600))
	ca, client := theirs.CertificateFile(), theirs.ClientFile()
	cmd := c.world().Command(context.Background(), guestimage.Etcd(cache), "--data-dir="+t.TempDir(), "--log-level=error",
		"--listen-client-urls="+url, "--advertise-client-urls="+url, "--listen-peer-urls=http://127.0.0.1:12380",
		"--client-cert-auth", "--trusted-ca-file="+ca, "--cert-file="+own, "--key-file="+own)
	distributor.Must(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for _, call := range []string{`user/add {"name":"root","password":"` + password + `"}`, `role/add {"name":"root"}`, `user/grant {"user":"root","role":"root"}`, `enable {}`} {
		path, body, _ := strings.Cut(call, " ")
		c.inLab(t, "curl", "-sf", "--retry", fmt.Sprint(pace.Limit(10).Seconds()), "--retry-connrefused", "--retry-delay", "1", "--cacert", ca, "--cert", client, "--key", client, "-d", body, url+"/v3/auth/"+path)
	}
	return []string{"discovery=" + url, "discovery_ca=" + ca, "discovery_cert=" + client, "discovery_key=" + client, "discovery_user=" + user + ":" + password}
}

// onlyWithCertificate asks a member as somebody else on the network would.
func onlyWithCertificate(t *testing.T, c clone, address string) {
	t.Helper()
	folder := filepath.Join(c.dir, "vm", "tls.core")
	health := func(how string) string {
		return c.inLab(t, "sh", "-c", fmt.Sprintf("curl -s -m %.0f --cacert ", pace.Limit(2.5).Seconds())+folder+"/ca.pem "+how+address+":2379/health || echo refused")
	}
	for how, want := range map[string]string{
		"http://":  "refused",
		"https://": "refused",
		"--cert " + folder + "/client.pem --key " + folder + "/client.pem https://": `"health":"true"`,
	} {
		if got := health(how); !strings.Contains(got, want) {
			t.Errorf("%s: want %s, got %s", how, want, got)
		}
	}
}

// secretsStay looks at who may read what is secret, and whether the authority's key has gone into a guest.
func secretsStay(t *testing.T, c clone) {
	t.Helper()
	for _, file := range []string{"vm/tls.core/ca-key.pem", "vm/tls.core/client.pem", "vm/core01/etcd.pem", "vm/core01/ignition.json"} {
		info, err := os.Stat(filepath.Join(c.dir, file))
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v, %v", file, info, err)
		}
	}
	inDocument := func(file string) string { return url.QueryEscape(strings.Split(c.read(t, file), "\n")[1]) }
	doc := c.read(t, "vm/core01/ignition.json")
	if key := inDocument("vm/tls.core/ca-key.pem"); len(key) < 40 || strings.Contains(doc, key) || !strings.Contains(doc, inDocument("vm/tls.core/ca.pem")) {
		t.Errorf("the key begins with %s: got %s", key, doc)
	}
}
