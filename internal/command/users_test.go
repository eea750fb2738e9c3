//go:build cgo && libvirt_dlopen

package command

import (
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"coreos-libvirt/internal/etcd/wire"
)

// clientOf is a client of the etcd where the first node would be.
func clientOf(t *testing.T) *clientv3.Client {
	t.Helper()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{"http://" + addressOf(1) + ":2379"}, DialTimeout: time.Minute, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// TestNothingIsDoneWithoutTheUserThatEtcdWants, and the error says who that is. With the user all is as it was.
func TestNothingIsDoneWithoutTheUserThatEtcdWants(t *testing.T) {
	livingCluster(t, "core01")
	client := clientOf(t)
	for _, do := range []func() error{
		func() error { _, err := client.UserAdd(t.Context(), "root", "secret"); return err },
		func() error { _, err := client.UserGrantRole(t.Context(), "root", "root"); return err },
		func() error { _, err := client.AuthEnable(t.Context()); return err },
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}
	refused(t, wire.WantsUser+": it does nothing for others", wire.UserAdvice, "nodes=2")
	refused(t, `etcd refused Authenticate to the user "root"`, wire.UserAdvice, "nodes=2", "etcd_user=root:guessed")
	r := run(t)
	if err := Status(t.Context(), r); err != nil || !strings.Contains(r.said(), "core01") {
		t.Errorf("status: got %v\n%s", err, r.said())
	}
	t.Setenv("COREOS_ETCD_USER", "root:secret")
	if _, err := definedRun(t, "nodes=2"); err != nil {
		t.Error(err)
	}
}
