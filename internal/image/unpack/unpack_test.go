package unpack

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"
)

// data are 3 MiB, of which some repeat.
func data() []byte {
	block := make([]byte, 1<<20)
	for i := range block {
		block[i] = byte(rand.Uint32() & 15)
	}
	return bytes.Repeat(block, 3)
}

// packed is the data as others pack it.
func packed(t *testing.T, compression string, data []byte) []byte {
	t.Helper()
	if compression == "zst" {
		return zstandard(t, data)
	}
	program := map[string]string{"xz": "xz -T0 -1", "bz2": "bzip2 -1", "gz": "gzip -1", "": "cat"}[compression]
	return run(t, data, strings.Fields(program)...)
}

func run(t *testing.T, data []byte, argv ...string) []byte {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdin = bytes.NewReader(data)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func zstandard(t *testing.T, data []byte, options ...zstd.EOption) []byte {
	t.Helper()
	var out bytes.Buffer
	encoder, err := zstd.NewWriter(&out, options...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := encoder.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := encoder.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

type opener = func(compression string, packed io.Reader) (io.ReadCloser, error)

var openers = map[string]opener{
	"programs": func(compression string, packed io.Reader) (io.ReadCloser, error) {
		return Reader(context.Background(), compression, packed)
	},
	"library": Library,
}

// all reads to the end and closes: the first error counts.
func all(open opener, compression string, packed io.Reader) ([]byte, error) {
	unpacked, err := open(compression, packed)
	if err != nil {
		return nil, err
	}
	got, err := io.ReadAll(unpacked)
	if closing := unpacked.Close(); err == nil {
		err = closing
	}
	return got, err
}

func TestEveryFormatBothWays(t *testing.T) {
	want := data()
	for way, open := range openers {
		for _, compression := range append(Formats, "") {
			file := packed(t, compression, want)
			if way == "library" && compression == "xz" {
				continue // it wants the program
			}
			got, err := all(open, compression, bytes.NewReader(file))
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s, %q: %d bytes, %v", way, compression, len(got), err)
			}
			if compression == "" {
				continue
			}
			if _, err := all(open, compression, bytes.NewReader(file[:len(file)/2])); err == nil {
				t.Errorf("%s, %q: half of it is no error", way, compression)
			}
			if _, err := all(open, compression, bytes.NewReader(want)); err == nil {
				t.Errorf("%s, %q: what is not packed is no error", way, compression)
			}
		}
	}
}

func TestLibraryTakesNotAllMemory(t *testing.T) {
	file := zstandard(t, data(), zstd.WithWindowSize(512<<20), zstd.WithSingleSegment(false))
	if got, err := all(Library, "zst", bytes.NewReader(file)); err == nil {
		t.Errorf("%d bytes", len(got))
	}
}

// TestWithoutXZ says what is missing, and takes no byte of the file.
func TestWithoutXZ(t *testing.T) {
	file := packed(t, "xz", data())
	t.Setenv("PATH", t.TempDir())
	from := bytes.NewReader(file)
	_, err := Reader(t.Context(), "xz", from)
	if !errors.Is(err, ErrNoXZ) || err.Error() != "this image is packed by xz, and the program xz is missing\nhint: install it: apt-get install xz-utils; dnf install xz" || from.Len() != len(file) {
		t.Errorf("got %v, %d bytes are left", err, from.Len())
	}
}

// hugeXZ is an xz file whose block header, with a right checksum, says that it wants a dictionary of 4 GiB (The .xz File Format,
// sections 2.1.1, 3.1 and 5.3.1).
func hugeXZ(t *testing.T) []byte {
	t.Helper()
	file := packed(t, "xz", data())
	header := file[12:] // after the stream's; its first byte is its size in units of 4 bytes, without itself
	size := (int(header[0]) + 1) * 4
	at := bytes.Index(header[:size], []byte{0x21, 1}) // LZMA2, one byte of properties
	if at < 0 {
		t.Fatal("no LZMA2 filter in the block's header")
	}
	header[at+2] = 40 // 4 GiB - 1
	binary.LittleEndian.PutUint32(header[size-4:size], crc32.ChecksumIEEE(header[:size-4]))
	return file
}

// TestXZOfAHugeDictionary is refused before there is memory for it: here xz gets 600 MB of addresses, and says not that it has no
// more.
func TestXZOfAHugeDictionary(t *testing.T) {
	file, bin := hugeXZ(t), t.TempDir()
	path, err := exec.LookPath("xz")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bin, "xz"), []byte("#!/bin/sh\nulimit -v 600000\nexec "+path+" \"$@\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	got, err := all(openers["programs"], "xz", bytes.NewReader(file))
	if err == nil || len(got) > 0 || !strings.Contains(err.Error(), "cannot unpack: ") || !strings.Contains(err.Error(), "emory usage limit") {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// A file that wants more memory than images do is refused by the system's program, too, which others are not.
func TestXZTakesNotAllMemory(t *testing.T) {
	if got, err := all(openers["programs"], "xz", bytes.NewReader(run(t, data(), "xz", "--lzma2=dict=512MiB"))); err == nil || !strings.Contains(err.Error(), "cannot unpack: ") {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if got, err := all(openers["programs"], "xz", bytes.NewReader(run(t, data(), "xz", "-9"))); err != nil || len(got) != len(data()) {
		t.Errorf("xz -9: %d bytes, %v", len(got), err)
	}
}

// TestWhyTheInputEnded has a disk that is full where the bytes are kept that come: xz is not to blame.
func TestWhyTheInputEnded(t *testing.T) {
	file := packed(t, "xz", data())
	for way, open := range openers {
		for compression := range map[string]bool{"xz": true, "bz2": true} {
			if way == "library" && compression == "xz" {
				continue
			}
			file := file
			if compression == "bz2" {
				file = packed(t, "bz2", data())
			}
			full := io.MultiReader(bytes.NewReader(file[:len(file)/2]), iotest.ErrReader(syscall.ENOSPC))
			if _, err := all(open, compression, full); !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("%s, %s: got %v", way, compression, err)
			}
		}
	}
}

func TestClosedBeforeTheEnd(t *testing.T) {
	for way, open := range openers {
		unpacked, err := open("bz2", bytes.NewReader(packed(t, "bz2", bytes.Repeat(data(), 3))))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(unpacked, make([]byte, 100)); err != nil {
			t.Errorf("%s: %v", way, err)
		}
		_ = unpacked.Close() // and does not wait for ever
	}
}
