//go:build cgo && libvirt_dlopen

// Package pool is a storage pool of a libvirt, whose volumes are files on the host that libvirt runs on.
package pool

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"coreos-libvirt/internal/engine/libvirt/refusal"

	"libvirt.org/go/libvirt"

	"coreos-libvirt/internal/engine/libvirt/storagexml"
	"coreos-libvirt/internal/terminal/hint"
)

// Own is the pool that is made if it is not there, and its folder: SELinux and AppArmor let QEMU have files below that.
const (
	Own    = "coreos-libvirt"
	folder = "/var/lib/libvirt/images/" + Own + "-pool" // the folder without that is the store of who runs this project there
)

// Pool is one of a libvirt. Its methods may be called by several at once.
type Pool struct {
	use  func(func(*libvirt.Connect) error) error // connects, and tries again
	uri  string
	name string

	mu   sync.Mutex
	path string // its folder; empty as long as it is not known
	none bool   // whether there was no such pool
}

// New is the pool of that name; if that is empty, Own. use does something with a connection, if need be twice.
func New(use func(func(*libvirt.Connect) error) error, uri, name string) *Pool {
	return &Pool{use: use, uri: uri, name: cmp.Or(name, Own)}
}

// with looks the pool up for the time of a call, and starts it if it is this project's own. fs.ErrNotExist says that there is none.
func (p *Pool) with(do func(*libvirt.Connect, *libvirt.StoragePool) error) error {
	err := p.use(func(conn *libvirt.Connect) error {
		pool, err := conn.LookupStoragePoolByName(p.name)
		if err != nil {
			return err
		}
		defer func() { _ = pool.Free() }()
		if err := p.know(pool); err != nil {
			return err
		}
		err = do(conn, pool)
		if !refusal.Is(err, libvirt.ERR_OPERATION_INVALID) {
			return err
		}
		if err := p.activate(pool); err != nil {
			return err
		}
		return do(conn, pool)
	})
	switch {
	case refusal.Is(err, libvirt.ERR_NO_STORAGE_POOL):
		return fmt.Errorf("the storage pool %s: %w", p.name, fs.ErrNotExist)
	case refusal.Is(err, libvirt.ERR_NO_STORAGE_VOL):
		return fs.ErrNotExist
	}
	return refusal.Plain(err)
}

// know takes down where the pool's files are, once.
func (p *Pool) know(pool *libvirt.StoragePool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.path != "" {
		return nil
	}
	text, err := pool.GetXMLDesc(0)
	if err != nil {
		return err
	}
	kind, path, err := storagexml.ParsePool(text)
	if err == nil && !slices.Contains([]string{"dir", "fs", "netfs"}, kind) {
		err = hint.Errorf("choose one that is a folder (dir, fs or netfs)", "pool=%s: nodes need files, and it is of the kind %s", p.name, kind)
	}
	if err == nil {
		p.path = path
	}
	return err
}

// activate starts a pool that is not active. Somebody else's is left as it is.
func (p *Pool) activate(pool *libvirt.StoragePool) error {
	active, err := pool.IsActive()
	if err != nil || active {
		return err
	}
	if p.name != Own {
		return hint.Errorf(fmt.Sprintf("virsh -c '%s' pool-start %s", p.uri, p.name), "pool=%s: it is not active", p.name)
	}
	for range startTries {
		err = pool.Create(libvirt.STORAGE_POOL_CREATE_WITH_BUILD) // its folder: a run that made the pool may not have come so far
		if active, _ := pool.IsActive(); err == nil || active {   // another one was faster
			return nil
		}
		if !refusal.Is(err, libvirt.ERR_OPERATION_INVALID) {
			return err
		}
		time.Sleep(startEvery) // another one is starting it
	}
	return err
}

// How often this run tries to start a pool that another one is starting.
const (
	startTries = 50
	startEvery = 100 * time.Millisecond
)

// Make makes the pool if it is this project's own and there is none. Another one must be there.
func (p *Pool) Make() error {
	err := p.with(func(_ *libvirt.Connect, pool *libvirt.StoragePool) error {
		if active, err := pool.IsActive(); err != nil || active {
			return err
		}
		return p.activate(pool)
	})
	switch {
	case !errors.Is(err, fs.ErrNotExist):
		return err
	case p.name != Own:
		return hint.Errorf(p.others(), "pool=%s: there is no such storage pool at uri=%s", p.name, p.uri)
	case strings.Contains(p.uri, "/session"):
		return hint.Errorf(fmt.Sprintf("make it: virsh -c '%s' pool-create-as %s dir --target FOLDER --build", p.uri, Own), "there is no storage pool %s, and no folder for it is known in this user's home", Own)
	}
	if err := p.use(p.define); err != nil {
		return fmt.Errorf("libvirt makes no storage pool %s at %s: %w", p.name, folder, refusal.Plain(err))
	}
	return nil
}

// define makes a folder, and a pool of it that is started with its host. Another run may do the same.
func (p *Pool) define(conn *libvirt.Connect) error {
	text, err := storagexml.Pool(p.name, folder)
	if err != nil {
		return err
	}
	pool, err := conn.StoragePoolDefineXML(text, 0)
	if err != nil {
		if pool, _ = conn.LookupStoragePoolByName(p.name); pool == nil {
			return err
		}
	}
	defer func() { _ = pool.Free() }()
	if err := errors.Join(pool.SetAutostart(true), p.activate(pool)); err != nil {
		return err
	}
	return p.know(pool)
}

// others are the names of the pools that there are.
func (p *Pool) others() string {
	names := []string{}
	_ = p.use(func(conn *libvirt.Connect) error {
		all, err := conn.ListAllStoragePools(0)
		for i := range all {
			if name, err := all[i].GetName(); err == nil {
				names = append(names, "pool="+name)
			}
			_ = all[i].Free()
		}
		return err
	})
	if len(names) == 0 {
		return "without pool= one is made"
	}
	return "it has " + strings.Join(names, ", ") + "; without pool= one is made"
}

// Name is the pool's.
func (p *Pool) Name() string { return p.name }

// URI is that of its libvirt.
func (p *Pool) URI() string { return p.uri }

// Path is the path that a volume of that name has on the host of the pool: where it would be if there is no pool yet, or no answer.
func (p *Pool) Path(name string) string {
	known, none := p.known()
	if known == "" && !none {
		err := p.with(func(*libvirt.Connect, *libvirt.StoragePool) error { return nil })
		p.mu.Lock()
		known, p.none = p.path, errors.Is(err, fs.ErrNotExist)
		p.mu.Unlock()
	}
	return cmp.Or(known, folder) + "/" + name
}

func (p *Pool) known() (path string, none bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.path, p.none
}

// Free is how many bytes are free in the pool.
func (p *Pool) Free() (bytes int64, err error) {
	err = p.with(func(_ *libvirt.Connect, pool *libvirt.StoragePool) error {
		info, err := pool.GetInfo()
		if err == nil {
			bytes = int64(info.Available) //nolint:gosec // no file system is larger
		}
		return err
	})
	return bytes, err
}

// Names are those of all volumes that there are. What others than libvirt have made or removed is looked at.
func (p *Pool) Names() (names []string, err error) {
	err = p.with(func(_ *libvirt.Connect, pool *libvirt.StoragePool) error {
		if err := pool.Refresh(0); err != nil && !strings.Contains(err.Error(), "asynchronous jobs running") { // then libvirt lists what it knows
			return err
		}
		all, err := pool.ListAllStorageVolumes(0)
		names = nil // of an earlier try
		for i := range all {
			name, failed := all[i].GetName()
			_ = all[i].Free()
			names, err = append(names, name), errors.Join(err, failed)
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return names, err
}
