package unpack

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os/exec"
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
	for compression, file := range map[string][]byte{
		"xz":  run(t, data(), "xz", "--lzma2=dict=512MiB"),
		"zst": zstandard(t, data(), zstd.WithWindowSize(512<<20), zstd.WithSingleSegment(false)),
	} {
		if got, err := all(Library, compression, bytes.NewReader(file)); err == nil {
			t.Errorf("%s: %d bytes", compression, len(got))
		}
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
		unpacked, err := open("xz", bytes.NewReader(packed(t, "xz", bytes.Repeat(data(), 3))))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(unpacked, make([]byte, 100)); err != nil {
			t.Errorf("%s: %v", way, err)
		}
		_ = unpacked.Close() // and does not wait for ever
	}
}
