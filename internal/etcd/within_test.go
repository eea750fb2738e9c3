package etcd_test

import (
	"path/filepath"
	"testing"

	"coreos-libvirt/internal/etcd"
)

// TestAHelperWithinTheProgram: nothing is built, and it answers as the program of its own does.
func TestAHelperWithinTheProgram(t *testing.T) {
	t.Parallel()
	within := etcd.Within()
	t.Cleanup(within.Close)
	if path, err := within.Build(t.Context(), func(string, ...any) { t.Error("it is built") }); err != nil || path != "/proc/self/exe" || !within.Built() {
		t.Fatalf("got %s, %v", path, err)
	}
	ctx := untilItHangs(t)
	listen := free()
	server, err := within.Serve(ctx, serviceOf(listen, filepath.Join(t.TempDir(), "discovery.core"), 1), t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	client, _ := member(t, "core01", listen, "token")
	status, err := within.WaitHealthy(ctx, []string{client}, 1, func(etcd.Status) {})
	if err != nil || len(status.Members) != 1 || !status.Members[0].Healthy {
		t.Errorf("got %+v, %v", status, err)
	}
}
