package service

import (
	"context"
	"errors"
	"net/netip"
	"path"
	"regexp"
	"strings"
	"sync"

	clientv3 "go.etcd.io/etcd/client/v3"

	"coreos-libvirt/internal/etcd/wire"
)

// registry is what the service knows: one token, and who has registered with it.
type registry struct {
	client *clientv3.Client
	token  wire.Token
	mu     sync.Mutex // nobody else writes
}

// What is wrong with a registration.
var (
	errIsThere = errors.New("the key is there already")
	errFull    = errors.New("all members have registered")
	errForeign = errors.New("a member registers its own address, and once")
)

// memberKey is the last part of a member's key: its id, hexadecimal.
var memberKey = regexp.MustCompile(`^[0-9a-f]{1,16}$`)

// register puts a member's own key, which must not be there yet, and gives the revision. If it is there with this value, that
// comes with errIsThere.
func (r *registry) register(ctx context.Context, key, value string, caller netip.Addr) (revision int64, same bool, err error) {
	if err := checkRegistration(key, value, caller); err != nil {
		return 0, false, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	there, err := r.client.Get(ctx, path.Dir(key)+"/", clientv3.WithPrefix())
	if err != nil {
		return 0, false, err
	}
	members := 0
	for _, kv := range there.Kvs {
		switch name := strings.TrimPrefix(string(kv.Key), path.Dir(key)+"/"); {
		case string(kv.Key) == key:
			return kv.ModRevision, string(kv.Value) == value, errIsThere
		case !memberKey.MatchString(name): // _config/size
		case !caller.IsLoopback() && isAt(string(kv.Value), caller):
			return 0, false, errForeign
		default:
			members++
		}
	}
	if members >= r.token.Size {
		return 0, false, errFull
	}
	put, err := r.client.Put(ctx, key, value)
	if err != nil {
		return 0, false, err
	}
	return put.Header.Revision, false, nil
}

// checkRegistration refuses what no member registers: its peer URLs are at the address that it calls from. On loopback, where
// tests are, everybody is at one.
func checkRegistration(key, value string, caller netip.Addr) error {
	member, err := wire.ParseRegistration(value)
	if err != nil {
		return err
	}
	at := member.URLs[0].Addr()
	if !memberKey.MatchString(path.Base(key)) || at != caller && (!at.IsLoopback() || !caller.IsLoopback()) {
		return errForeign
	}
	return nil
}

// isAt reports whether the registration is of a member at the address.
func isAt(value string, address netip.Addr) bool {
	member, err := wire.ParseRegistration(value)
	return err == nil && member.URLs[0].Addr() == address
}
