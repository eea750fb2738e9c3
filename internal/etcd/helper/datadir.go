package helper

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"go.etcd.io/etcd/etcdutl/v3/snapshot"
	"go.uber.org/zap"

	"coreos-libvirt/internal/etcd/wire"
)

// open checks a snapshot, and gives what is in it.
func open(_ context.Context, r wire.Request, _ func(any) error) (any, error) {
	var file wire.File
	if err := argsOf(r, &file); err != nil {
		return nil, err
	}
	if err := checkSnapshot(file.Path); err != nil {
		return nil, err
	}
	return opened(file.Path)
}

// dataDirs makes a data folder for each member, of a snapshot that was checked before: all, or none.
func dataDirs(ctx context.Context, r wire.Request, _ func(any) error) (any, error) {
	var args wire.DataDirs
	if err := argsOf(r, &args); err != nil {
		return nil, err
	}
	if err := checkSnapshot(args.Snapshot); err != nil {
		return nil, err
	}
	for _, m := range args.Members {
		if _, err := os.Lstat(m.Folder); err == nil {
			return nil, fmt.Errorf("%s is there already", m.Folder)
		}
	}
	for i, m := range args.Members {
		err := ctx.Err()
		if err == nil {
			err = dataDir(args, m)
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", m.Name, err), removeAll(args.Members[:i+1]))
		}
	}
	return nil, nil
}

// dataDir makes a member's data folder, as `etcdutl snapshot restore` does: membership and raft's log begin again, everything else is as
// it was (https://etcd.io/docs/v3.6/op-guide/recovery/).
func dataDir(args wire.DataDirs, m wire.DataDir) error {
	return snapshot.NewV3(zap.NewNop()).Restore(snapshot.RestoreConfig{
		SnapshotPath: args.Snapshot, Name: m.Name, OutputDataDir: m.Folder, PeerURLs: m.URLs,
		InitialCluster: initialCluster(args.Members), InitialClusterToken: args.Token,
	})
}

// initialCluster is etcd's --initial-cluster.
func initialCluster(members []wire.DataDir) string {
	parts := []string{}
	for _, m := range members {
		for _, url := range m.URLs {
			parts = append(parts, m.Name+"="+url)
		}
	}
	return strings.Join(parts, ",")
}

func removeAll(members []wire.DataDir) (err error) {
	for _, m := range members {
		err = errors.Join(err, os.RemoveAll(m.Folder))
	}
	return err
}
