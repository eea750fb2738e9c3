package etcd_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/etcd/helper"
	"coreos-libvirt/internal/etcd/wire"
	"coreos-libvirt/internal/testkit/loopback"
	"coreos-libvirt/internal/testkit/pace"
)

const module = "../.."

// programs are the helper and a real etcd, built once for all tests of this package.
var programs struct {
	dir    string // removed after all tests
	helper etcd.Helper
	server string
}

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == wire.Helper { // as the program of `mage build` is the helper, too
		os.Exit(helper.Main())
	}
	os.Exit(build(m.Run))
}

func build(run func() int) int {
	dir, err := os.MkdirTemp("", "coreos-libvirt-etcd-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	programs.dir = dir
	programs.server = filepath.Join(dir, "etcd")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", programs.server, "go.etcd.io/etcd/server/v3")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v\n%s", err, out)
		return 1
	}
	programs.helper = etcd.NewHelper(module, filepath.Join(dir, "bin"))
	defer programs.helper.Close()
	if _, err := programs.helper.Build(context.Background(), func(string, ...any) {}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return run()
}

// free is an URL on loopback that nobody listens at.
func free() string { return "http://" + loopback.Free() }

// serviceOf is a service that knows "token", for size members.
func serviceOf(listen, data string, size int) etcd.Service {
	service := etcd.Service{Listen: listen, Data: data}
	service.Token.ID, service.Token.Size = "token", size
	return service
}

// member starts a real etcd that looks for its peers by the token.
func member(t *testing.T, name, discovery, token string) (client string, cmd *exec.Cmd) {
	t.Helper()
	client, peer := free(), free()
	cmd = exec.Command(programs.server, "--name="+name, "--data-dir="+t.TempDir(), "--listen-client-urls="+client, "--advertise-client-urls="+client,
		"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--discovery-token="+token, "--discovery-endpoints="+discovery, "--log-level=error")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return client, cmd
}

// untilItHangs is for what has to end some time, on a slow machine, too.
func untilItHangs(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), pace.Hang)
	t.Cleanup(cancel)
	return ctx
}

func TestMembersFindEachOther(t *testing.T) {
	t.Parallel()
	ctx := untilItHangs(t)
	listen, data := free(), filepath.Join(t.TempDir(), "discovery.core")
	server, err := programs.helper.Serve(ctx, serviceOf(listen, data, 3), t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	var endpoints []string
	for _, name := range []string{"core01", "core02"} {
		client, _ := member(t, name, listen, "token")
		endpoints = append(endpoints, client)
	}
	// the service goes and comes back with the same data: who has registered is still known
	time.Sleep(2 * time.Second)
	server.Close()
	if server, err = programs.helper.Serve(ctx, serviceOf(listen, data, 3), t.Logf); err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	client, last := member(t, "core03", listen, "token")
	endpoints = append(endpoints, client)

	changes := 0
	status, err := programs.helper.WaitHealthy(ctx, endpoints, 3, func(etcd.Status) { changes++ })
	if err != nil {
		t.Fatal(err)
	}
	leaders := 0
	for i, m := range status.Members {
		if m.Name != fmt.Sprintf("core%02d", i+1) || !m.Healthy || !strings.HasPrefix(m.Version, "3.6.") || m.DBSize == 0 {
			t.Errorf("got %+v", m)
		}
		if m.IsLeader() {
			leaders++
		}
	}
	if leaders != 1 || changes == 0 {
		t.Errorf("%d leaders, %d changes", leaders, changes)
	}

	agrees(t, programs.helper, endpoints, status)

	if err := last.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = last.Wait()
	status, err = programs.helper.Status(ctx, endpoints, pace.Hang)
	if err != nil || len(status.Healthy()) != 2 {
		t.Errorf("one is gone: got %+v, %v", status, err)
	}
	agrees(t, programs.helper, endpoints, status)
	if err := status.Check(3); err == nil || !strings.Contains(err.Error(), "2 of 3 members are healthy\n    "+endpoints[2]+": ") {
		t.Errorf("got %v", err)
	}
}

// agrees compares a glance with what the helper found out.
func agrees(t *testing.T, helper etcd.Helper, endpoints []string, want etcd.Status) {
	t.Helper()
	for i, m := range helper.Glance(untilItHangs(t), endpoints).Members {
		w := want.Members[i]
		if !w.Healthy { // the others tell the helper who it is
			w.ID = ""
		}
		if m.Endpoint != w.Endpoint || m.Healthy != w.Healthy || m.ID != w.ID || m.Leader != w.Leader || m.Version != w.Version || (m.Error == "") != w.Healthy {
			t.Errorf("at a glance: %+v, want %+v", m, w)
		}
	}
}

func TestStatusOfNobodyReturnsInTime(t *testing.T) {
	t.Parallel()
	status, err := programs.helper.Status(untilItHangs(t), []string{"http://127.0.0.1:1"}, time.Second)
	if err != nil || len(status.Members) != 1 || status.Members[0].Error == "" || status.Members[0].Healthy {
		t.Errorf("got %+v, %v", status, err)
	}
}

func TestWaitHealthyTellsWhatLacks(t *testing.T) {
	t.Parallel()
	err, asked := error(nil), false
	for limit := time.Second; !asked && limit < pace.Hang; limit *= 2 { // until it is enough for one question
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		_, err = programs.helper.WaitHealthy(ctx, []string{"http://127.0.0.1:1"}, 1, func(etcd.Status) { asked = true })
		cancel()
	}
	if err == nil || !strings.Contains(err.Error(), "etcd: 0 of 1 members are healthy\n    http://127.0.0.1:1: ") || !strings.Contains(err.Error(), "\nhint: ") {
		t.Errorf("got %v", err)
	}
}

func TestServeOnATakenAddress(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	_, err = programs.helper.Serve(untilItHangs(t), serviceOf("http://"+listener.Addr().String(), filepath.Join(t.TempDir(), "d"), 1), t.Logf)
	if err == nil || !strings.Contains(err.Error(), "address already in use") || !strings.Contains(err.Error(), "\nhint: ") {
		t.Errorf("got %v", err)
	}
}
