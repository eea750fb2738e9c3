//go:build cgo && libvirt_dlopen

package pool

import (
	"errors"
	"io"
	"io/fs"

	"coreos-libvirt/internal/engine/libvirt/refusal"

	"libvirt.org/go/libvirt"

	"coreos-libvirt/internal/engine/libvirt/storagexml"
)

// volume looks a volume up for the time of a call. fs.ErrNotExist says that there is none.
func (p *Pool) volume(name string, do func(*libvirt.Connect, *libvirt.StorageVol) error) error {
	return p.with(func(conn *libvirt.Connect, pool *libvirt.StoragePool) error {
		volume, err := pool.LookupStorageVolByName(name)
		if err != nil {
			return err
		}
		defer func() { _ = volume.Free() }()
		return do(conn, volume)
	})
}

// Create makes a volume, of which there is none. A call whose answer was lost has made it.
func (p *Pool) Create(v storagexml.Volume) error {
	text, err := v.Marshal()
	if err != nil {
		return err
	}
	tries := 0
	return p.with(func(_ *libvirt.Connect, pool *libvirt.StoragePool) error {
		tries++
		volume, err := pool.StorageVolCreateXML(text, 0)
		if err == nil {
			return volume.Free()
		}
		if tries > 1 && refusal.Is(err, libvirt.ERR_STORAGE_VOL_EXIST) {
			return nil
		}
		return err
	})
}

// Remove removes a volume. That there is none is not an error.
func (p *Pool) Remove(name string) error {
	err := p.volume(name, func(_ *libvirt.Connect, volume *libvirt.StorageVol) error { return volume.Delete(0) })
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Info is what there is of a volume.
func (p *Pool) Info(name string) (info storagexml.Info, err error) {
	err = p.volume(name, func(_ *libvirt.Connect, volume *libvirt.StorageVol) error {
		text, err := volume.GetXMLDesc(0)
		if err == nil {
			info, err = storagexml.ParseVolume(text)
		}
		return err
	})
	return info, err
}

// At is what there is of the volume that is the file at the path, in any pool.
func (p *Pool) At(path string) (info storagexml.Info, err error) {
	err = p.use(func(conn *libvirt.Connect) error {
		volume, err := conn.LookupStorageVolByPath(path)
		if err != nil {
			return err
		}
		defer func() { _ = volume.Free() }()
		text, err := volume.GetXMLDesc(0)
		if err == nil {
			info, err = storagexml.ParseVolume(text)
		}
		return err
	})
	if refusal.Is(err, libvirt.ERR_NO_STORAGE_VOL) {
		return info, fs.ErrNotExist
	}
	return info, refusal.Plain(err)
}

// Grow gives a qcow2 volume that many bytes, if it has less. No domain uses it.
func (p *Pool) Grow(name string, bytes int64) error {
	return p.volume(name, func(_ *libvirt.Connect, volume *libvirt.StorageVol) error {
		text, err := volume.GetXMLDesc(0)
		if err != nil {
			return err
		}
		if info, err := storagexml.ParseVolume(text); err != nil || info.Capacity >= bytes {
			return err
		}
		return volume.Resize(uint64(bytes), 0) //nolint:gosec // no size is below 0
	})
}

// packet is how many bytes of a stream go at once: libvirt takes less than 256 KiB of old clients, and 32 MiB of none
// (src/rpc/virnetprotocol.x).
const packet = 128 << 10

// Write writes bytes into a volume, from the offset on. They are there when it returns without an error.
func (p *Pool) Write(name string, offset int64, data []byte) error {
	return p.streaming(name, func(volume *libvirt.StorageVol, stream *libvirt.Stream) error {
		if err := volume.Upload(stream, uint64(offset), uint64(len(data)), 0); err != nil { //nolint:gosec // no offset is below 0
			return err
		}
		for sent := 0; sent < len(data); {
			n, err := stream.Send(data[sent:min(sent+packet, len(data))])
			if err != nil {
				return err
			}
			sent += n
		}
		return nil
	})
}

// Read reads into data what a volume has from the offset on. Fewer bytes than data has are all up to its end.
func (p *Pool) Read(name string, offset int64, data []byte) (n int, err error) {
	if len(data) == 0 {
		return 0, nil
	}
	err = p.streaming(name, func(volume *libvirt.StorageVol, stream *libvirt.Stream) error {
		n = 0                                                                                 // of an earlier try
		if err := volume.Download(stream, uint64(offset), uint64(len(data)), 0); err != nil { //nolint:gosec // no offset is below 0
			return err
		}
		for n < len(data) {
			got, err := stream.Recv(data[n:])
			if n += max(got, 0); errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}

// streaming does something with a stream, and waits until the other end has done it, too.
func (p *Pool) streaming(name string, do func(*libvirt.StorageVol, *libvirt.Stream) error) error {
	return p.volume(name, func(conn *libvirt.Connect, volume *libvirt.StorageVol) error {
		stream, err := conn.NewStream(0)
		if err != nil {
			return err
		}
		defer func() { _ = stream.Free() }()
		if err := do(volume, stream); err != nil {
			_ = stream.Abort()
			return err
		}
		return stream.Finish()
	})
}
