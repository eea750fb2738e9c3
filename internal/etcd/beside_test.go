package etcd_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"

	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/authority"
	"coreos-libvirt/internal/workspace"
)

// The network of TestAStrangerBesideTheMembers: a bridge, with this host at its first address.
const (
	besideLink   = "br0"
	besideHost   = "10.79.0.1"
	strangerMAC  = "02:00:00:00:00:50"
	strangerIs   = "10.79.0.50"
	besideMarker = "COREOS_LIBVIRT_TEST_BESIDE"
)

// inside reports whether the test runs in namespaces of its own. Where not, it runs the test there.
func inside(t *testing.T) bool {
	t.Helper()
	if os.Getenv(besideMarker) != "" { //nolint:forbidigo // a test's own word
		return true
	}
	if os.Getuid() != 0 {
		t.Skip("makes namespaces")
	}
	cmd := exec.CommandContext(t.Context(), "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
		os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=1h")
	cmd.Env = append(os.Environ(), besideMarker+"=1")
	out, err := cmd.CombinedOutput()
	if t.Logf("%s", out); err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("inside: %v", err)
	}
	return false
}

func run(t *testing.T, command string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "sh", "-ec", command).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
}

// plugged is a host of its own on the bridge: a process whose network namespace it is.
type plugged struct {
	pid           int
	name, address string
}

func plug(t *testing.T, name, mac, address string) plugged {
	t.Helper()
	keeper := exec.Command("unshare", "--net", "sleep", "infinity")
	if err := keeper.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = keeper.Process.Kill(); _ = keeper.Wait() })
	p := plugged{keeper.Process.Pid, name, address}
	for own := p.space(t, os.Getpid()); p.space(t, p.pid) == own; time.Sleep(10 * time.Millisecond) { // until it has one
	}
	run(t, fmt.Sprintf(`ip link add v-%[1]s master %[2]s type veth peer name eth0 address %[3]s netns %[4]d
		ip link set v-%[1]s up
		nsenter -n -t %[4]d sh -ec 'ip link set lo up; ip link set eth0 up; ip addr add %[5]s/24 dev eth0'`, name, besideLink, mac, p.pid, address))
	return p
}

func (p plugged) space(t *testing.T, pid int) string {
	t.Helper()
	link, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", pid))
	if err != nil {
		t.Fatal(err)
	}
	return link
}

// etcd starts a real one there.
func (p plugged) etcd(t *testing.T, scheme string, flags ...string) (client string) {
	t.Helper()
	client, peer := scheme+"://"+p.address+":2379", scheme+"://"+p.address+":2380"
	cmd := exec.Command("nsenter", append([]string{
		"-n", "-t", fmt.Sprint(p.pid), programs.server, "--name=" + p.name, "--data-dir=" + t.TempDir(), "--log-level=error",
		"--listen-client-urls=" + client, "--advertise-client-urls=" + client, "--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer,
	}, flags...)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return client
}

// dial calls somebody from there.
func (p plugged) dial(ctx context.Context, address string) (net.Conn, error) {
	runtime.LockOSThread() // and never unlocked: the thread ends with its goroutine
	space, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", p.pid))
	if err != nil {
		return nil, err
	}
	defer func() { _ = space.Close() }()
	if err := unix.Setns(int(space.Fd()), unix.CLONE_NEWNET); err != nil {
		return nil, err
	}
	return (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp", strings.TrimPrefix(address, "http://"))
}

// call is dial in a goroutine of its own.
func (p plugged) call(ctx context.Context, address string) (conn net.Conn, err error) {
	done := make(chan struct{})
	go func() { defer close(done); conn, err = p.dial(ctx, address) }()
	<-done
	return conn, err
}

// getsNothing asks in all ways, with the token itself.
func (p plugged) getsNothing(t *testing.T, listen string) {
	t.Helper()
	client, err := clientv3.New(clientv3.Config{
		Endpoints: []string{listen}, Logger: zap.NewNop(), DialOptions: []grpc.DialOption{grpc.WithContextDialer(p.call)},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	brief, cancel := context.WithTimeout(t.Context(), 4*time.Second) // it is tried again all that time
	defer cancel()
	if got, err := client.Get(brief, v3Keys, clientv3.WithPrefix()); err == nil {
		t.Errorf("a stranger read %+v", got.Kvs)
	}
	brief, cancel = context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	if _, err := client.Put(brief, v3Keys+"members/e", p.name+"=http://"+p.address+":2380"); err == nil {
		t.Error("a stranger registered")
	}
	old := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, address string) (net.Conn, error) { return p.call(ctx, address) }}}
	if got, err := old.Get(listen + "/v2/keys/discovery/token/_config/size"); err == nil {
		_ = got.Body.Close()
		t.Errorf("a stranger was answered: %s", got.Status)
	}
}

// TestAStrangerBesideTheMembers has three real etcds on a network with somebody who knows their token, and has an etcd of the
// same name as one of theirs. It gets nothing, and the cluster forms of the three; so with TLS.
func TestAStrangerBesideTheMembers(t *testing.T) {
	t.Parallel()
	if !inside(t) {
		return
	}
	run(t, `ip link set lo up
		ip link add `+besideLink+` type bridge forward_delay 0
		ip addr add `+besideHost+`/24 dev `+besideLink+`
		ip link set `+besideLink+` up`)
	nodes, macs := []plugged{}, []string{}
	for i := range 3 {
		name := workspace.NodeName("core", i+1)
		macs = append(macs, workspace.MAC(name))
		nodes = append(nodes, plug(t, name, workspace.MAC(name), fmt.Sprintf("10.79.0.%d", 11+i)))
	}
	stranger := plug(t, "stranger", strangerMAC, strangerIs)
	stranger.name = "core03"
	for i, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			service := serviceOf(fmt.Sprintf("http://%s:%d", besideHost, 23790+i), filepath.Join(t.TempDir(), "d"), 3)
			service.Link, service.MACs = besideLink, macs
			formBeside(t, service, scheme, nodes, stranger)
		})
	}
}

func formBeside(t *testing.T, service etcd.Service, scheme string, nodes []plugged, stranger plugged) {
	t.Helper()
	said, mu := []string{}, sync.Mutex{}
	ctx := untilItHangs(t)
	server, err := programs.helper.Serve(ctx, service, func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		said = append(said, fmt.Sprintf(format, args...))
	})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	helper, flags := programs.helper, func(plugged) []string { return nil }
	if scheme == "https" {
		helper, flags = withTLS(t)
	}
	find := []string{"--discovery-token=token", "--discovery-endpoints=" + service.Listen}
	stranger.etcd(t, "http", find...) // it is the first to come
	stranger.getsNothing(t, service.Listen)
	if t.Failed() { // the cluster would wait for somebody who is none of it
		return
	}
	endpoints := []string{}
	for _, node := range nodes {
		endpoints = append(endpoints, node.etcd(t, scheme, append(flags(node), find...)...))
	}
	status, err := helper.WaitHealthy(ctx, endpoints, 3, func(etcd.Status) {})
	if err != nil || len(status.Peers) != 3 {
		t.Fatalf("got %+v, %v", status, err)
	}
	for _, node := range nodes {
		if _, ok := status.Peers.At(node.address); !ok {
			t.Errorf("%s is no member of %+v", node.name, status.Peers)
		}
	}
	stranger.getsNothing(t, service.Listen)
	mu.Lock()
	defer mu.Unlock()
	if want := strangerIs + " (" + strangerMAC + ") is not served"; len(said) != 1 || !slices.ContainsFunc(said, func(line string) bool { return strings.Contains(line, want) }) {
		t.Errorf("said %q", said)
	}
}

// withTLS gives the helper with credentials, and the flags of each member.
func withTLS(t *testing.T) (etcd.Helper, func(plugged) []string) {
	t.Helper()
	own := authority.Authority{Dir: t.TempDir()}
	if err := own.Make(); err != nil {
		t.Fatal(err)
	}
	credentials := etcd.Credentials{CA: own.CertificateFile(), Cert: own.ClientFile(), Key: own.ClientFile()}
	return programs.helper.With(credentials), func(p plugged) []string {
		text, err := own.Issue(p.name, p.address)
		file := filepath.Join(t.TempDir(), "member.pem")
		if err == nil {
			err = os.WriteFile(file, text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		return []string{
			"--cert-file=" + file, "--key-file=" + file, "--trusted-ca-file=" + own.CertificateFile(), "--client-cert-auth",
			"--peer-cert-file=" + file, "--peer-key-file=" + file, "--peer-trusted-ca-file=" + own.CertificateFile(), "--peer-client-cert-auth",
		}
	}
}
