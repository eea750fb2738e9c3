package qcow2

import (
	"encoding/binary"
	"io"
	"math"
	"os"
)

// snapshot is the fixed part of an entry of an image's table of snapshots; further data, the id and the name follow it
// (https://gitlab.com/qemu-project/qemu/-/blob/master/docs/interop/qcow2.txt, "Snapshots").
type snapshot struct {
	L1Offset  uint64
	L1Size    uint32
	IDSize    uint16
	NameSize  uint16
	Seconds   uint32
	Nanos     uint32
	Clock     uint64
	StateSize uint32
	MoreSize  uint32
}

// QEMU's own limits of the table (block/qcow2.h), and the size of an entry's fixed part.
const (
	mostSnapshots = 65536
	mostMore      = 1024
	mostTable     = 64 << 20 // bytes
	snapshotSize  = 40
)

// Snapshots are the names of those inside the image, also of one in use, by a few reads of the file: QEMU is not asked, which takes
// long on a busy machine. None of an image that is not a plain qcow2 file.
func Snapshots(path string) ([]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return snapshotsOf(file)
}

func snapshotsOf(file io.ReaderAt) (names []string, err error) {
	h, err := readHeader(file)
	if err != nil {
		return nil, err
	}
	if h.Snapshots > mostSnapshots || h.SnapshotTable > math.MaxInt64/2 {
		return nil, errUnusual
	}
	at := int64(h.SnapshotTable)
	for range h.Snapshots {
		var s snapshot
		if err := binary.Read(io.NewSectionReader(file, at, snapshotSize), binary.BigEndian, &s); err != nil || s.MoreSize > mostMore || at-int64(h.SnapshotTable) > mostTable {
			return nil, errUnusual
		}
		name := make([]byte, s.NameSize)
		begin := at + snapshotSize + int64(s.MoreSize) + int64(s.IDSize)
		if _, err := file.ReadAt(name, begin); err != nil {
			return nil, errUnusual
		}
		names = append(names, string(name))
		at = (begin + int64(s.NameSize) + 7) &^ 7 // entries begin at multiples of 8 bytes
	}
	return names, nil
}
