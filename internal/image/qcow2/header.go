package qcow2

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"slices"
	"strings"
)

// header is how a qcow2 file begins, in the file's order of bytes: big endian
// (https://gitlab.com/qemu-project/qemu/-/blob/master/docs/interop/qcow2.txt).
type header struct {
	Magic         [4]byte
	Version       uint32
	BackingOffset uint64
	BackingSize   uint32
	ClusterBits   uint32
	Size          uint64
	Encrypted     uint32
	L1Size        uint32 // entries
	L1Offset      uint64
	RefcountTable uint64
	RefcountSize  uint32
	Snapshots     uint32
	SnapshotTable uint64
	Incompatible  uint64 // features; of version 3, as all that follows
}

// errUnusual is a file that is left to qemu-img: no qcow2 at all, or one with features that overlays and base images rarely have.
var errUnusual = errors.New("not a plain qcow2 file")

// The limits are QEMU's own (block/qcow2.h).
const (
	longestName     = 1023
	leastCluster    = 9
	mostCluster     = 21
	mostL1          = 32 << 20 / 8
	compressionType = 1 << 3 // the one feature that does not matter here
	offsetMask      = 1<<56 - 1<<9
	compressed      = 1 << 62
)

// readHeader reads the header of a plain qcow2 file of version 3.
func readHeader(file io.ReaderAt) (h header, err error) {
	if err := binary.Read(io.NewSectionReader(file, 0, 80), binary.BigEndian, &h); err != nil {
		return h, errUnusual
	}
	plain := string(h.Magic[:]) == "QFI\xfb" && h.Version == 3 && h.Encrypted == 0 && h.Incompatible&^compressionType == 0 &&
		h.ClusterBits >= leastCluster && h.ClusterBits <= mostCluster && h.L1Size <= mostL1 && h.BackingSize <= longestName &&
		h.BackingOffset <= 1<<h.ClusterBits-uint64(h.BackingSize)
	if !plain {
		return h, errUnusual
	}
	return h, nil
}

// inspect is Inspect without a program to run.
func inspect(path string) (Info, error) {
	file, err := os.Open(path)
	if err != nil {
		return Info{}, err
	}
	defer func() { _ = file.Close() }()
	_, info, err := infoOf(file)
	return info, err
}

// infoOf is what the header says.
func infoOf(file io.ReaderAt) (header, Info, error) {
	h, err := readHeader(file)
	if err != nil || h.Size > math.MaxInt64 {
		return h, Info{}, errUnusual
	}
	info := Info{Format: "qcow2", VirtualSize: int64(h.Size)}
	if h.BackingOffset == 0 {
		return h, info, nil
	}
	name := make([]byte, h.BackingSize)
	if _, err := file.ReadAt(name, int64(h.BackingOffset)); err != nil || !strings.HasPrefix(string(name), "/") { //nolint:gosec // it is in the first cluster
		return h, Info{}, errUnusual // a name that QEMU works out
	}
	info.Backing = string(name)
	return h, info, nil
}

// pristine is Pristine without a program to run.
func pristine(path string) (bool, error) {
	file, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer func() { _ = file.Close() }()
	_, info, err := infoOf(file)
	if err != nil || !opens(info.Backing) {
		return false, errUnusual
	}
	return untouched(file)
}

// Read is what the beginning of a plain image says, and whether none of its clusters is allocated, like in one that was only made. What is
// not in the beginning, or not plain, is taken for allocated; what has no header of a plain image is an error.
func Read(begin io.ReaderAt) (info Info, empty bool, err error) {
	_, info, err = infoOf(begin)
	if err != nil {
		return Info{}, false, err
	}
	empty, _ = untouched(begin)
	return info, empty, nil
}

// untouched reports whether none of the image's clusters is allocated.
func untouched(file io.ReaderAt) (bool, error) {
	h, err := readHeader(file)
	if err != nil || h.Snapshots > 0 {
		return false, errUnusual
	}
	tables, err := entries(file, h.L1Offset, int(h.L1Size))
	for i := 0; err == nil && i < len(tables); i++ {
		var clusters []uint64
		if at := tables[i] & offsetMask; at != 0 {
			clusters, err = entries(file, at, 1<<(h.ClusterBits-3))
		}
		if slices.ContainsFunc(clusters, func(c uint64) bool { return c&(offsetMask|compressed) != 0 }) {
			return false, nil
		}
	}
	return err == nil, err
}

// opens reports whether there is a backing file that can be read, if one is named: without it, qemu-img has the words for it.
func opens(backing string) bool {
	file, err := os.Open(backing)
	if err == nil {
		_ = file.Close()
	}
	return err == nil || backing == ""
}

// entries are n entries of a table of clusters, from offset on.
func entries(file io.ReaderAt, offset uint64, n int) ([]uint64, error) {
	table := make([]uint64, n)
	if err := binary.Read(io.NewSectionReader(file, int64(offset&offsetMask), int64(8*n)), binary.BigEndian, table); err != nil {
		return nil, errUnusual
	}
	return table, nil
}
