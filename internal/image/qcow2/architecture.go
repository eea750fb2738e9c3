package qcow2

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"slices"
)

// Architecture is what the image at path is for, x86_64 or aarch64, as its partitions say: the type of the root partition
// (Discoverable Partitions Specification), or the boot loader in the EFI system partition (UEFI Specification, section 3.5.1.1). It
// is empty if they say none or both. The file scratch is made, and removed again.
func Architecture(ctx context.Context, path, scratch string) (string, error) {
	defer func() { _ = os.Remove(scratch) }()
	info, err := Inspect(ctx, path)
	if err != nil || info.VirtualSize < tableSize {
		return "", err
	}
	var found []string
	err = reading(ctx, path, scratch, partition{size: tableSize}, func(disk io.Reader) (err error) {
		found, err = kinds(ctx, path, scratch, partitions(disk, info.VirtualSize))
		return err
	})
	if err != nil || len(found) != 1 {
		return "", err
	}
	return found[0], nil
}

// kinds are the architectures that the partitions tell, each once.
func kinds(ctx context.Context, path, scratch string, all []partition) ([]string, error) {
	found := map[string]bool{}
	for _, p := range all {
		if arch := roots[p.kind]; arch != "" {
			found[arch] = true
		}
		if p.kind != espType {
			continue
		}
		if err := reading(ctx, path, scratch, p, func(esp io.Reader) error { return loadersIn(esp, found) }); err != nil {
			return nil, err
		}
	}
	return slices.Collect(maps.Keys(found)), nil
}

// guid is a partition's type as it is on the disk: the first three fields are little-endian.
type guid [16]byte

var (
	espType = guid{0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b, 0, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b} // c12a7328-f81f-11d2-ba4b-00a0c93ec93b

	// roots are 4f68bce3-e8cd-4db1-96e7-fbcaf984b709 and b921b045-1df0-41c3-af44-4c6f280d3fae.
	roots = map[guid]string{
		{0xe3, 0xbc, 0x68, 0x4f, 0xcd, 0xe8, 0xb1, 0x4d, 0x96, 0xe7, 0xfb, 0xca, 0xf9, 0x84, 0xb7, 0x09}: "x86_64",
		{0x45, 0xb0, 0x21, 0xb9, 0xf0, 0x1d, 0xc3, 0x41, 0xaf, 0x44, 0x4c, 0x6f, 0x28, 0x0d, 0x3f, 0xae}: "aarch64",
	}

	// loaders are the names of boot loaders as a FAT directory has them: eight characters, and three.
	loaders = map[[11]byte]string{[11]byte([]byte("BOOTX64 EFI")): "x86_64", [11]byte([]byte("BOOTAA64EFI")): "aarch64"}
)

// What of a disk's begin is read: its first block, the GPT's header and its 128 entries (UEFI Specification, section 5.3). The disk's
// blocks have 512 bytes: those of QEMU's images do.
const (
	block      = 512
	tableSize  = 34 * block
	entrySize  = 128
	mostESP    = 4 << 30 // bytes: Flatcar's has 1 GiB, Fedora CoreOS's 127 MiB
	fatEntry   = 32      // bytes of a directory's entry
	fatNoFile  = 0x18    // attributes: a folder, or the volume's label
	fatAttribs = 11      // where they stand
)

// partition is a part of a disk.
type partition struct {
	kind       guid
	from, size int64 // bytes
}

// partitions are those of the disk's GPT that are on the disk of that size; none if there is no GPT.
func partitions(disk io.Reader, size int64) (all []partition) {
	table := make([]byte, tableSize)
	if _, err := io.ReadFull(disk, table); err != nil || !bytes.Equal(table[block:block+8], []byte("EFI PART")) {
		return nil
	}
	for entry := range slices.Chunk(table[2*block:], entrySize) {
		first, last := binary.LittleEndian.Uint64(entry[32:]), binary.LittleEndian.Uint64(entry[40:])
		if blocks := uint64(size) / block; first <= last && last < blocks { //nolint:gosec // a size is not negative
			all = append(all, partition{guid(entry), int64(first) * block, int64(last-first+1) * block}) //nolint:gosec // below size
		}
	}
	return all
}

// reading has a part of the guest's disk read, which is copied to scratch without its zeros.
func reading(ctx context.Context, path, scratch string, p partition, read func(io.Reader) error) error {
	source, err := json.Marshal(map[string]any{
		"driver": "raw", "offset": p.from, "size": min(p.size, mostESP),
		"file": map[string]any{"driver": "qcow2", "file": map[string]string{"driver": "file", "filename": path}},
	})
	if err != nil {
		return err
	}
	if _, err := qemuImg(ctx, "convert", "-O", "raw", "json:"+string(source), scratch); err != nil {
		return err
	}
	file, err := os.Open(scratch)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	return read(file)
}

// loadersIn finds the boot loaders' entries in the directories of a FAT, wherever they are: an entry begins at a multiple of its size.
func loadersIn(fat io.Reader, found map[string]bool) error {
	buffered, entry := bufio.NewReaderSize(fat, 1<<20), make([]byte, fatEntry)
	for {
		if _, err := io.ReadFull(buffered, entry); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return nil
			}
			return err
		}
		if entry[0] != 'B' || entry[fatAttribs]&fatNoFile != 0 {
			continue
		}
		if arch := loaders[[11]byte(entry)]; arch != "" {
			found[arch] = true
		}
	}
}
