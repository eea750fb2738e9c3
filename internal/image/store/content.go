package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"

	"coreos-libvirt/internal/image/stream"
	"coreos-libvirt/internal/terminal/hint"
)

// content looks at the unpacked image as it is written: that it is qcow2, no larger than it says, and
// has the digest that it should have.
type content struct {
	image  stream.Image
	header []byte // the first bytes, up to headerSize
	size   int64  // bytes so far
	most   int64  // bytes that there may be; 0 while that is not known
	sum    hash.Hash
}

func newContent(i stream.Image) *content {
	return &content{image: i, most: i.UnpackedSize, sum: sha256.New()}
}

// A qcow2 header begins with a magic number, and has the version at byte 4, the virtual disk's size at byte 24,
// and since version 3 the features that a reader must know at byte 72, big-endian (QEMU's
// docs/interop/qcow2.rst).
const (
	headerSize     = 80
	versionOffset  = 4
	sizeOffset     = 24
	featuresOffset = 72
	dataElsewhere  = 1 << 2 // feature: the data are in another file
	magic          = "QFI\xfb"
	largest        = 1 << 40 // of a virtual disk, in bytes: what no base image of an operating system has
)

func (c *content) Write(p []byte) (int, error) {
	if room := headerSize - len(c.header); room > 0 {
		c.header = append(c.header, p[:min(room, len(p))]...)
		if err := c.look(); err != nil {
			return 0, err
		}
	}
	c.size += int64(len(p))
	if c.most > 0 && c.size > c.most {
		return 0, hint.Errorf("this is not the image that was asked for; nothing was kept",
			"unpacked it is larger than it may be, %d MiB", c.most>>20)
	}
	if c.image.UnpackedSHA256 != "" {
		_, _ = c.sum.Write(p)
	}
	return len(p), nil
}

// look reads the header once it is there.
func (c *content) look() error {
	if n := min(len(c.header), len(magic)); !bytes.Equal(c.header[:n], []byte(magic[:n])) {
		return hint.Errorf("image= takes what is or unpacks to qcow2", "this is not a qcow2 image")
	}
	if len(c.header) < headerSize {
		return nil
	}
	size := binary.BigEndian.Uint64(c.header[sizeOffset:])
	if size > largest {
		return fmt.Errorf("its virtual disk would have %d GiB", size>>30)
	}
	if binary.BigEndian.Uint32(c.header[versionOffset:]) >= 3 && binary.BigEndian.Uint64(c.header[featuresOffset:])&dataElsewhere != 0 {
		return errors.New("it keeps its data in another file")
	}
	if c.most == 0 {
		c.most = int64(size) + int64(size)/1024 + 64<<20 // and qcow2's own tables
	}
	return nil
}

func (c *content) check() error {
	if len(c.header) < headerSize {
		return hint.Errorf("image= takes what is or unpacks to qcow2", "this is not a qcow2 image: %d bytes", c.size)
	}
	if c.image.UnpackedSize > 0 && c.size != c.image.UnpackedSize {
		return fmt.Errorf("unpacked it has %d bytes, it should have %d", c.size, c.image.UnpackedSize)
	}
	if got := hex.EncodeToString(c.sum.Sum(nil)); c.image.UnpackedSHA256 != "" && got != c.image.UnpackedSHA256 {
		return fmt.Errorf("unpacked it has the sha256 %s, it should have %s", got, c.image.UnpackedSHA256)
	}
	return nil
}
