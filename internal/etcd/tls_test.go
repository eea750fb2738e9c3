package etcd_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/authority"
	"coreos-libvirt/internal/testkit/loopback"
)

// secured starts a real etcd that speaks TLS with its clients and peers, all of the authority, and asks both
// for a certificate.
func secured(t *testing.T, a authority.Authority, name string, discovery ...string) (client string) {
	t.Helper()
	text, err := a.Issue(name, loopback.Address(1))
	if err != nil {
		t.Fatal(err)
	}
	own := filepath.Join(t.TempDir(), "member.pem")
	if err := os.WriteFile(own, text, 0o600); err != nil {
		t.Fatal(err)
	}
	client = strings.Replace(free(), "http:", "https:", 1)
	peer := strings.Replace(free(), "http:", "https:", 1)
	if len(discovery) == 0 {
		discovery = []string{"--initial-cluster=" + name + "=" + peer}
	}
	cmd := exec.Command(programs.server, append([]string{
		"--name=" + name, "--data-dir=" + t.TempDir(), "--log-level=error",
		"--listen-client-urls=" + client, "--advertise-client-urls=" + client, "--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer,
		"--cert-file=" + own, "--key-file=" + own, "--trusted-ca-file=" + a.CertificateFile(), "--client-cert-auth",
		"--peer-cert-file=" + own, "--peer-key-file=" + own, "--peer-trusted-ca-file=" + a.CertificateFile(), "--peer-client-cert-auth",
	}, discovery...)...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return client
}

// TestDiscoveryOverTLS has an etcd started apart as the discovery service, over TLS, for members that speak
// nothing else.
func TestDiscoveryOverTLS(t *testing.T) {
	t.Parallel()
	ctx := untilItHangs(t)
	theirs, ours := authority.Authority{Dir: t.TempDir()}, authority.Authority{Dir: t.TempDir()}
	for _, a := range []authority.Authority{theirs, ours} {
		if err := a.Make(); err != nil {
			t.Fatal(err)
		}
	}
	service := secured(t, theirs, "discovery")
	credentials := func(a authority.Authority) etcd.Credentials {
		return etcd.Credentials{CA: a.CertificateFile(), Cert: a.ClientFile(), Key: a.ClientFile()}
	}
	brief, cancel := context.WithTimeout(ctx, 5*time.Second) // it is tried again all that time
	defer cancel()
	if err := programs.helper.Register(brief, []string{service}, "token", 3); err == nil {
		t.Error("the service takes a token from somebody without a certificate")
	}
	if err := programs.helper.With(credentials(theirs)).Register(ctx, []string{service}, "token", 3); err != nil {
		t.Fatal(err)
	}
	var endpoints []string
	for i := range 3 {
		endpoints = append(endpoints, secured(t, ours, fmt.Sprintf("core%02d", i+1), "--discovery-token=token", "--discovery-endpoints="+service,
			"--discovery-insecure-transport=false", "--discovery-cacert="+theirs.CertificateFile(), "--discovery-cert="+theirs.ClientFile(), "--discovery-key="+theirs.ClientFile()))
	}
	status, err := programs.helper.With(credentials(ours)).WaitHealthy(ctx, endpoints, 3, func(etcd.Status) {})
	if err != nil {
		t.Error(err)
	}
	agrees(t, programs.helper.With(credentials(ours)), endpoints, status)
	for _, wrong := range []etcd.Credentials{{}, credentials(theirs)} {
		status, err := programs.helper.With(wrong).Status(ctx, endpoints, 3*time.Second)
		if err == nil && len(status.Healthy()) > 0 {
			t.Errorf("with %+v the members answer: %+v", wrong, status)
		}
		if seen := programs.helper.With(wrong).Glance(ctx, endpoints); len(seen.Healthy()) > 0 {
			t.Errorf("with %+v the members answer at a glance: %+v", wrong, seen)
		}
	}
}
