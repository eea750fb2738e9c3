package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"

	bolt "go.etcd.io/bbolt"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// backup writes a snapshot of the cluster to a file that is not there yet: whole and checked, or not at all.
func backup(ctx context.Context, client *clientv3.Client, path string) error {
	snapshot, err := client.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = snapshot.Close() }()
	unfinished := path + ".new"
	defer func() { _ = os.Remove(unfinished) }()
	file, err := os.OpenFile(unfinished, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, snapshot)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := checkSnapshot(unfinished); err != nil {
		return err
	}
	return os.Rename(unfinished, path)
}

// checkSnapshot compares a snapshot with the SHA-256 sum at its end, which etcd puts behind the pages of
// 512 bytes or a multiple (etcd's etcdutl/snapshot/v3_snapshot.go).
func checkSnapshot(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	size := info.Size() - sha256.Size
	if size <= 0 || size%512 != 0 {
		return fmt.Errorf("%s is no snapshot of etcd's", path)
	}
	sum, want := sha256.New(), make([]byte, sha256.Size)
	if _, err := io.CopyN(sum, file, size); err != nil {
		return err
	}
	if _, err := io.ReadFull(file, want); err != nil {
		return err
	}
	if !bytes.Equal(sum.Sum(nil), want) {
		return fmt.Errorf("%s is damaged: its digest does not fit", path)
	}
	return nil
}

// batch is how many keys are put at once; etcd's own limit (--max-txn-ops) is 128.
const batch = 100

// restore puts every key of a snapshot, with its last value, into a cluster that has none. Revisions begin
// anew; leases, users and roles are not in it.
func restore(ctx context.Context, client *clientv3.Client, path string) error {
	if err := checkSnapshot(path); err != nil {
		return err
	}
	there, err := client.Get(ctx, "", clientv3.WithPrefix(), clientv3.WithCountOnly())
	if err != nil {
		return err
	}
	if there.Count > 0 {
		return fmt.Errorf("the cluster has %d keys already: a snapshot goes into an empty one", there.Count)
	}
	keys, err := lastValues(path)
	if err != nil {
		return err
	}
	puts := []clientv3.Op{}
	for key, value := range keys {
		puts = append(puts, clientv3.OpPut(key, string(value)))
		if len(puts) == batch {
			if _, err := client.Txn(ctx).Then(puts...).Commit(); err != nil {
				return err
			}
			puts = puts[:0]
		}
	}
	if len(puts) > 0 {
		_, err = client.Txn(ctx).Then(puts...).Commit()
	}
	fmt.Println(len(keys))
	return err
}

// lastValues are the keys of a snapshot. Its bucket has a revision for each change, in order: 17 bytes, and
// a t behind them where the key was deleted (etcd's server/storage/mvcc/revision.go).
func lastValues(path string) (map[string][]byte, error) {
	db, err := bolt.Open(path, 0o400, &bolt.Options{ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	defer func() { _ = db.Close() }()
	keys := map[string][]byte{}
	err = db.View(func(tx *bolt.Tx) error {
		bucket := tx.Bucket([]byte("key"))
		if bucket == nil {
			return fmt.Errorf("%s is no snapshot of etcd's", path)
		}
		return bucket.ForEach(func(revision, data []byte) error {
			var kv mvccpb.KeyValue
			if err := kv.Unmarshal(data); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			if len(revision) == 18 && revision[17] == 't' {
				delete(keys, string(kv.Key))
			} else {
				keys[string(kv.Key)] = kv.Value
			}
			return nil
		})
	})
	return keys, err
}
