package etcd

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"coreos-libvirt/internal/etcd/wire"
)

// OpenSnapshot checks the digest of a snapshot, opens it, and gives what is in it.
func OpenSnapshot(ctx context.Context, h Helper, path string) (content Snapshot, err error) {
	if path, err = filepath.Abs(path); err != nil {
		return content, err
	}
	err = h.change(ctx, nil, wire.Open, wire.File{Path: path}, &content)
	return content, err
}

// Count is how many keys etcd has, and its revision.
func Count(ctx context.Context, h Helper, endpoints []string) (counted wire.Counted, err error) {
	err = h.change(ctx, endpoints, wire.Count, nil, &counted)
	return counted, err
}

// MakeDataDirs makes data folders of a snapshot, of which etcd starts as a cluster of these members: with all keys and their revisions,
// leases, users and roles. The ids of cluster and members are made of the token, so that nobody who knew the former ones takes these
// for them. None of the folders may be there; after an error none is.
func MakeDataDirs(ctx context.Context, h Helper, snapshot, token string, members []DataDir) (err error) {
	args := wire.DataDirs{Token: token, Members: slices.Clone(members)}
	if args.Snapshot, err = filepath.Abs(snapshot); err != nil {
		return err
	}
	for i := range args.Members {
		m := &args.Members[i]
		if m.Folder, err = filepath.Abs(m.Folder); err != nil {
			return err
		}
		if err := (wire.Peer{Name: m.Name, URLs: m.URLs}).Check(); err != nil {
			return fmt.Errorf("etcd: %s: %w", wire.MakeDirs, err)
		}
	}
	return h.change(ctx, nil, wire.MakeDirs, args, nil)
}
