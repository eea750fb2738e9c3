package volumes

import (
	"bytes"
	"errors"
	"io/fs"
	"sync"
	"time"

	"coreos-libvirt/internal/engine/libvirt/storagexml"
	"coreos-libvirt/internal/image/qcow2"
	"coreos-libvirt/internal/terminal/hint"
)

// listCounts is how long the pool is believed to have the volumes that it had: nodes are looked at all at once.
const listCounts = time.Second

// store is a pool, and what it has as it was listed last.
type store struct {
	pool Pool

	mu     sync.Mutex
	listed []string
	at     time.Time
}

// names are those of the pool's volumes, as of a moment ago; this run's own changes are in it.
func (s *store) names() ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.at.IsZero() && time.Since(s.at) < listCounts {
		return s.listed, nil
	}
	names, err := s.pool.Names()
	if err == nil {
		s.listed, s.at = names, time.Now()
	}
	return names, err
}

// changed has the volumes listed again.
func (s *store) changed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = time.Time{}
}

func (s *store) create(v storagexml.Volume) error {
	defer s.changed()
	return s.explain(s.pool.Create(v))
}

func (s *store) remove(names ...string) (err error) {
	defer s.changed()
	for _, name := range names {
		err = errors.Join(err, s.pool.Remove(name))
	}
	return err
}

// explain adds to libvirt's error which pool it is about.
func (s *store) explain(err error) error {
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return hint.Errorf("virsh -c '"+s.pool.URI()+"' vol-list "+s.pool.Name()+" shows what is in it", "the storage pool %s: %w", s.pool.Name(), err)
}

// headLength is how much of a disk is read to see whether a guest has written to it: a new one is shorter, up to 1 TiB.
const headLength = 256 << 10

// head is what the image's first bytes say: what it stands on, and whether it is as it was made.
func (s *store) head(name string) (stands string, empty bool, err error) {
	head := make([]byte, headLength)
	n, err := s.pool.Read(name, 0, head)
	if err != nil {
		return "", false, err
	}
	info, empty, err := qcow2.Read(bytes.NewReader(head[:n]))
	return info.Backing, empty, err
}
