package helper

import (
	"context"
	"fmt"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"coreos-libvirt/internal/etcd/wire"
)

// downgradePoll is how often members are asked whether their data have the form of the older version: they look every 5 seconds.
const downgradePoll = time.Second

// downgrade tells etcd that its members will be replaced by those of the older version, and waits until the data of all have its form: only then
// one of that version can read what it gets from another (https://etcd.io/docs/v3.6/downgrades/downgrade_3_6/).
func downgrade(ctx context.Context, client *clientv3.Client, to wire.Target) (any, error) {
	for {
		newer, told, err := aboveVersion(ctx, client, to.Version)
		if err != nil || newer == "" {
			return nil, err
		}
		if !told {
			if _, err := client.Downgrade(ctx, clientv3.DowngradeEnable, to.Version+".0"); err != nil {
				return nil, err
			}
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("the data of the member at %s still have the form of a newer version: %w", newer, context.Cause(ctx))
		case <-time.After(downgradePoll):
		}
	}
}

// aboveVersion is one of the members whose data are in the form of a newer version; empty if there is none. told says whether etcd knows where it
// goes. A member before 3.6 does not say the form of its data: it is its own.
func aboveVersion(ctx context.Context, client *clientv3.Client, version string) (newer string, told bool, err error) {
	for _, endpoint := range client.Endpoints() {
		state, err := client.Status(ctx, endpoint)
		if err != nil {
			return "", false, fmt.Errorf("%s: %w", endpoint, err)
		}
		told = told || state.DowngradeInfo.GetEnabled()
		form := state.StorageVersion
		if form == "" {
			form = state.Version
		}
		if !strings.HasPrefix(form, version+".") {
			newer = endpoint
		}
	}
	return newer, told, nil
}
