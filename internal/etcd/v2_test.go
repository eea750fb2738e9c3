package etcd_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/testkit/pace"
)

// debians is Debian's etcd 3.4, out of its package, which is downloaded once: installed it would run as a service.
var debians = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(programs.dir, "debian")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	cmd := exec.Command("sh", "-ec", `cd "$0" && apt-get -qq -o APT::Sandbox::User=root download etcd-server && dpkg-deb -x etcd-server_*.deb .`, dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("no etcd of Debian's: %w\n%s", err, out)
	}
	return filepath.Join(dir, "usr", "bin", "etcd"), nil
})

func oldEtcd(t *testing.T) string {
	t.Helper()
	program, err := debians()
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// oldMember starts an etcd that knows v2 discovery.
func oldMember(t *testing.T, program, name, url string) (client string) {
	t.Helper()
	return old(t, program, name, free(), "--discovery="+url)
}

func old(t *testing.T, program, name, peer string, flags ...string) (client string) {
	t.Helper()
	client = free()
	cmd := exec.Command(program, append([]string{
		"--name=" + name, "--data-dir=" + t.TempDir(), "--listen-client-urls=" + client, "--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--log-level=error",
	}, flags...)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return client
}

func TestOldMembersFindEachOther(t *testing.T) {
	t.Parallel()
	program := oldEtcd(t)
	ctx := untilItHangs(t)
	listen := free()
	server, err := programs.helper.Serve(ctx, serviceOf(listen, filepath.Join(t.TempDir(), "d"), 3), t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	url := listen + "/v2/keys/discovery/token"
	var endpoints []string
	for _, name := range []string{"core01", "core02", "core03"} {
		endpoints = append(endpoints, oldMember(t, program, name, url))
		time.Sleep(300 * time.Millisecond) // one comes after the other
	}
	status, err := programs.helper.WaitHealthy(ctx, endpoints, 3, func(etcd.Status) {})
	if err != nil || !strings.HasPrefix(status.Members[0].Version, "3.4.") {
		t.Errorf("got %+v, %v", status, err)
	}
	if _, err := discovery.URL(ctx, url, 3); err == nil || !strings.Contains(err.Error(), "this token is used up: all 3 members have registered\nhint: ") {
		t.Errorf("it is used up, got %v", err)
	}
	if _, err := discovery.URL(ctx, listen+"/v2/keys/discovery/none", 3); err == nil || !strings.Contains(err.Error(), "404 Not Found\nhint: ") {
		t.Errorf("got %v", err)
	}
}

// TestOldEtcdServesDiscovery has Debian's etcd 3.4 as the v2 service for members of its kind.
func TestOldEtcdServesDiscovery(t *testing.T) {
	t.Parallel()
	program := oldEtcd(t)
	ctx := untilItHangs(t)
	listen, peer := free(), free()
	cmd := exec.Command(program, "--enable-v2", "--data-dir="+t.TempDir(), "--listen-client-urls="+listen, "--advertise-client-urls="+listen,
		"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--initial-cluster=default="+peer, "--log-level=error")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for !discovery.IsEtcd(ctx, listen) {
		time.Sleep(100 * time.Millisecond)
	}
	put := func(path, value string) {
		request, _ := http.NewRequestWithContext(ctx, http.MethodPut, listen+"/v2/keys/discovery/"+path, strings.NewReader("value="+value))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer, err := http.DefaultClient.Do(request)
		if err != nil || answer.StatusCode != http.StatusCreated {
			t.Fatalf("%s: got %+v, %v", path, answer, err)
		}
		_ = answer.Body.Close()
	}
	put("token/_config/size", "3")
	token, err := discovery.URL(ctx, listen+"/v2/keys/discovery/token", 3)
	if err != nil {
		t.Fatal(err)
	}
	var endpoints []string
	for _, name := range []string{"core01", "core02", "core03"} {
		endpoints = append(endpoints, oldMember(t, program, name, strings.TrimPrefix(token.Values()[discovery.WordFlags], "--discovery=")))
	}
	status, err := programs.helper.WaitHealthy(ctx, endpoints, 3, func(etcd.Status) {})
	if err != nil || !strings.HasPrefix(status.Members[0].Version, "3.4.") || len(status.Peers) != 3 {
		t.Errorf("got %+v, %v", status, err)
	}

	// and one more joins them, as etcd 3.6 does
	peer = free()
	if err := programs.helper.Add(ctx, endpoints, peer); err != nil {
		t.Fatal(err)
	}
	initial, err := status.Peers.InitialCluster("core04", peer)
	if err != nil {
		t.Fatal(err)
	}
	joining := discovery.Joining(initial)
	endpoints = append(endpoints, old(t, program, "core04", peer, strings.Fields(joining)...))
	for deadline := time.Now().Add(pace.Hang); len(status.Healthy()) < 4 && time.Now().Before(deadline); time.Sleep(300 * time.Millisecond) {
		if joined, ok := status.Peers.Of("core04", ""); ok && joined.Learner {
			_ = programs.helper.Promote(ctx, endpoints[:3], joined.ID) // refused until it has caught up
		}
		if status, err = programs.helper.Status(ctx, endpoints, 3*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	if err := status.Whole(4); err != nil || len(status.Healthy()) != 4 {
		t.Errorf("4 of Debian's etcd: got %+v, %v", status, err)
	}

	// the way of who uses a service: a new token, which nobody has used
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		put("new/_config/size", r.URL.Query().Get("size"))
		_, _ = io.WriteString(w, listen+"/v2/keys/discovery/new")
	}))
	defer service.Close()
	fresh, err := discovery.Service(ctx, service.URL, 3)
	if err != nil || fresh.Kind != discovery.KindV2 {
		t.Fatalf("got %+v, %v", fresh, err)
	}
	if again, err := discovery.URL(ctx, fresh.URL(), 3); err != nil || again != fresh {
		t.Errorf("got %+v, %v", again, err)
	}
	if _, err := discovery.URL(ctx, fresh.URL(), 5); err == nil || !strings.Contains(err.Error(), "this token is for 3 members, not for 5\nhint: ") {
		t.Errorf("got %v", err)
	}

	put("half/_config/size", "3")
	put("half/1", "core01=http://127.0.0.1:1")
	if _, err := discovery.URL(ctx, listen+"/v2/keys/discovery/half", 3); err == nil || !strings.Contains(err.Error(), "this token is in use: 1 of 3 members have registered") {
		t.Errorf("half used: got %v", err)
	}
}

// TestAnEtcdElsewhereServesDiscovery registers a fresh token there, and members form by it.
func TestAnEtcdElsewhereServesDiscovery(t *testing.T) {
	t.Parallel()
	ctx := untilItHangs(t)
	listen, _ := alone(t)
	token := discovery.Fresh(listen, 2)
	if err := programs.helper.Register(ctx, []string{listen}, token.ID, 2); err != nil {
		t.Fatal(err)
	}
	one, _ := member(t, "core01", token.Endpoint, token.ID)
	two, _ := member(t, "core02", token.Endpoint, token.ID)
	if status, err := programs.helper.WaitHealthy(ctx, []string{one, two}, 2, func(etcd.Status) {}); err != nil {
		t.Errorf("got %+v, %v", status, err)
	}
	if err := programs.helper.Register(ctx, []string{listen}, token.ID, 2); err == nil || !strings.Contains(err.Error(), "the token is in use: 2 members have registered") {
		t.Errorf("it is used up, got %v", err)
	}
}
