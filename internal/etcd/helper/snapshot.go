package helper

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	bolt "go.etcd.io/bbolt"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/etcdutl/v3/snapshot"
	"go.uber.org/zap"

	"coreos-libvirt/internal/etcd/wire"
)

// backup writes a snapshot of the cluster to a file that is not there yet: whole and checked, or not at all.
func backup(ctx context.Context, client *clientv3.Client, file wire.File) (any, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	coming, err := client.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = coming.Close() }()
	to, err := unfinished(file.Path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(to.Name()) }()
	_, err = io.Copy(to, notStalling(coming, cancel))
	if err := errors.Join(err, context.Cause(ctx), to.Sync(), to.Close()); err != nil {
		return nil, err
	}
	if err := checkSnapshot(to.Name()); err != nil {
		return nil, err
	}
	content, err := opened(to.Name())
	if err != nil {
		return nil, err
	}
	return content, putNew(to.Name(), file.Path)
}

// opened is what is in a snapshot: it is opened as etcd opens its database, and all of its pages and keys are read.
func opened(path string) (wire.Snapshot, error) {
	status, err := snapshot.NewV3(zap.NewNop()).Status(path)
	if err != nil {
		return wire.Snapshot{}, fmt.Errorf("the snapshot cannot be opened: %w", err)
	}
	content := wire.Snapshot{Hash: status.Hash, Revision: status.Revision, Keys: status.TotalKey, Size: status.TotalSize}
	err = inside(path, func(tx *bolt.Tx) error {
		content.Leases, content.Users, content.Auth = entries(tx, "lease"), entries(tx, "authUsers"), wantsUsers(tx)
		return nil
	})
	return content, err
}

// wantsUsers reports whether a snapshot's etcd answers to users only (etcd's server/storage/schema/auth.go).
func wantsUsers(tx *bolt.Tx) bool {
	bucket := tx.Bucket([]byte("auth"))
	return bucket != nil && bytes.Equal(bucket.Get([]byte("authEnabled")), []byte{1})
}

// inside reads a snapshot.
func inside(path string, read func(*bolt.Tx) error) error {
	db, err := bolt.Open(path, 0o400, &bolt.Options{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer func() { _ = db.Close() }()
	return db.View(read)
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
		return fmt.Errorf("%s is not a snapshot of etcd's", path)
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

// stall is how long etcd may send or take nothing.
const stall = 30 * time.Second

// stalling gives up what it reads from if nothing comes for the time of a stall.
type stalling struct {
	from    io.Reader
	giveUp  *time.Timer
	patient time.Duration
}

func notStalling(from io.Reader, cancel context.CancelCauseFunc) stalling {
	return stalling{from: from, patient: stall, giveUp: time.AfterFunc(stall, func() {
		cancel(fmt.Errorf("etcd has sent nothing for %s", stall))
	})}
}

func (s stalling) Read(p []byte) (int, error) {
	n, err := s.from.Read(p)
	if s.giveUp.Reset(s.patient); err != nil {
		s.giveUp.Stop()
	}
	return n, err
}

// What is put at once: etcd's own limits are 128 keys (--max-txn-ops) and 1.5 MiB (--max-request-bytes).
const (
	batchKeys  = 100
	batchBytes = 1 << 20
)

// restore puts every key of a snapshot, with its last value, into a cluster that has no others. Revisions begin
// anew; leases, users and roles are not in it, which is told. One that was interrupted can be run again.
func restore(ctx context.Context, client *clientv3.Client, file wire.File) (any, error) {
	if err := checkSnapshot(file.Path); err != nil {
		return nil, err
	}
	content, err := lastValues(file.Path)
	if err != nil {
		return nil, err
	}
	if err := onlyThese(ctx, client, content.keys); err != nil {
		return nil, err
	}
	if err := putAll(ctx, client, content.keys); err != nil {
		return nil, err
	}
	return wire.Restored{Keys: len(content.keys), Leases: content.leases, Users: content.users}, nil
}

// putAll puts the keys, many at once.
func putAll(ctx context.Context, client *clientv3.Client, keys map[string][]byte) error {
	puts, size := []clientv3.Op{}, 0
	put := func() error {
		ctx, cancel := context.WithTimeout(ctx, stall)
		defer cancel()
		_, err := client.Txn(ctx).Then(puts...).Commit()
		puts, size = puts[:0], 0
		return err
	}
	for key, value := range keys {
		if len(puts) == batchKeys || len(puts) > 0 && size+len(key)+len(value) > batchBytes {
			if err := put(); err != nil {
				return err
			}
		}
		puts, size = append(puts, clientv3.OpPut(key, string(value))), size+len(key)+len(value)
	}
	if len(puts) == 0 {
		return nil
	}
	return put()
}

// onlyThese is an error where the cluster has keys that are not of the snapshot.
func onlyThese(ctx context.Context, client *clientv3.Client, keys map[string][]byte) error {
	ctx, cancel := context.WithTimeout(ctx, stall)
	defer cancel()
	from := "\x00"
	for {
		page, err := client.Get(ctx, from, clientv3.WithFromKey(), clientv3.WithLimit(batchKeys))
		if err != nil {
			return err
		}
		for _, kv := range page.Kvs {
			if value, ok := keys[string(kv.Key)]; !ok || !bytes.Equal(value, kv.Value) {
				return fmt.Errorf("the cluster has %d keys already, %q for one, which is not the snapshot's: that goes into an empty one", page.Count, kv.Key)
			}
		}
		if !page.More {
			return nil
		}
		from = string(page.Kvs[len(page.Kvs)-1].Key) + "\x00"
	}
}

// content is what of a snapshot can be shown or restored.
type content struct {
	keys          map[string][]byte
	leases, users int
}

// lastValues are the keys of a snapshot. Its bucket has a revision for each change, in order: 17 bytes, and
// a t behind them where the key was deleted (etcd's server/storage/mvcc/revision.go).
func lastValues(path string) (content, error) {
	keys := map[string][]byte{}
	found := content{keys: keys}
	err := inside(path, func(tx *bolt.Tx) error {
		bucket := tx.Bucket([]byte("key"))
		if bucket == nil {
			return fmt.Errorf("%s is not a snapshot of etcd's", path)
		}
		found.leases, found.users = entries(tx, "lease"), entries(tx, "authUsers")
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
	return found, err
}

func entries(tx *bolt.Tx, name string) int {
	bucket := tx.Bucket([]byte(name))
	if bucket == nil {
		return 0
	}
	return bucket.Stats().KeyN
}
