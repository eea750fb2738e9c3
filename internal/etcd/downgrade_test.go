package etcd_test

import (
	"strings"
	"testing"

	"coreos-libvirt/internal/etcd"
)

// TestDataGetTheFormOfAnOlderVersion: of the minor version before, and of no other. To ask for it twice changes nothing.
func TestDataGetTheFormOfAnOlderVersion(t *testing.T) {
	t.Parallel()
	ctx := untilItHangs(t)
	url, client := alone(t)
	if err := etcd.Downgrade(ctx, programs.helper, []string{url}, "3.4"); err == nil || !strings.Contains(err.Error(), "invalid downgrade target version") {
		t.Errorf("got %v", err)
	}
	for range 2 {
		if err := etcd.Downgrade(ctx, programs.helper, []string{url}, "3.5"); err != nil {
			t.Fatal(err)
		}
		if state, err := client.Status(ctx, url); err != nil || state.StorageVersion != "3.5.0" || !strings.HasPrefix(state.Version, "3.6.") {
			t.Errorf("got %+v, %v", state, err)
		}
	}
}
