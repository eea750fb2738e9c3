package etcd_test

import (
	"testing"
	"time"

	"coreos-libvirt/internal/etcd"
)

// TestAChangeRightAfterAnother is refused by etcd, which wants all members to have been connected for 5 s
// (HealthInterval in its server): it is tried again until they have.
func TestAChangeRightAfterAnother(t *testing.T) {
	ctx := deadline(t, time.Minute)
	listen, _ := alone(t)
	if err := programs.helper.Register(ctx, []string{listen}, "token", 2); err != nil {
		t.Fatal(err)
	}
	one, _ := member(t, "core01", listen, "token")
	two, _ := member(t, "core02", listen, "token")
	endpoints := []string{one, two}
	if _, err := programs.helper.WaitHealthy(ctx, endpoints, 2, func(etcd.Status) {}); err != nil {
		t.Fatal(err)
	}
	if err := programs.helper.Add(ctx, endpoints, free(t)); err != nil {
		t.Error(err)
	}
}
