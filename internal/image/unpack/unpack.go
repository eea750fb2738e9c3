// Package unpack undoes the compression that images come in, as the bytes stream by.
package unpack

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"

	"coreos-libvirt/internal/terminal/hint"
)

// Formats are the file names' endings that Reader knows; none is a file that is kept as it comes.
var Formats = []string{"xz", "bz2", "gz", "zst"}

// Compression is the ending of a format such as "qcow2.xz" or a file name, where it is one of Formats.
func Compression(name string) string {
	for _, format := range Formats {
		if strings.HasSuffix(name, "."+format) {
			return format
		}
	}
	return ""
}

// xzMemory is the memory that xz may take (xz(1)): a packed file says how much it wants. With several threads it then takes fewer.
const xzMemory = "--memlimit-decompress=256MiB"

// programs are the system's own, which use every core, in the order of preference. If there is none, Go unpacks, but xz: no
// library that is kept bounds the memory that a packed file wants.
var programs = map[string][][]string{
	"xz":  {{"xz", "-dc", "-T0", xzMemory}},
	"bz2": {{"lbzip2", "-dc"}, {"bzip2", "-dc"}},
}

// Reader gives what the packed bytes hold. It is to be closed; Close reports whether all went well.
func Reader(ctx context.Context, compression string, packed io.Reader) (io.ReadCloser, error) {
	for _, argv := range programs[compression] {
		if path, err := exec.LookPath(argv[0]); err == nil {
			return program(ctx, packed, path, argv[1:]...)
		}
	}
	return Library(compression, packed)
}

// ErrNoXZ is that the system has no program xz.
var ErrNoXZ = hint.Add(errors.New("this image is packed by xz, and the program xz is missing"),
	"install it: apt-get install xz-utils; dnf install xz")

// maxWindow is how far, in bytes, a packed file may refer back, so that it cannot make this process take all
// memory. Images have 8 to 32 MiB.
const maxWindow = 64 << 20

// Library is Reader without the system's programs: without xz.
func Library(compression string, packed io.Reader) (io.ReadCloser, error) {
	packed = bufio.NewReaderSize(packed, pipeSize)
	var unpacked io.Reader
	var err error
	switch compression {
	case "":
		unpacked = packed
	case "xz":
		return nil, ErrNoXZ
	case "bz2":
		unpacked = bzip2.NewReader(packed)
	case "gz":
		unpacked, err = gzip.NewReader(packed)
	case "zst":
		var decoder *zstd.Decoder
		if decoder, err = zstd.NewReader(packed, zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderMaxMemory(maxWindow), zstd.WithDecoderLowmem(true)); err == nil {
			return decoder.IOReadCloser(), nil
		}
	default:
		err = errors.New("no such compression is known")
	}
	if err != nil {
		return nil, fmt.Errorf("cannot unpack %s: %w", compression, err)
	}
	return io.NopCloser(unpacked), nil
}

// process is a program that unpacks, and what it wrote to standard error.
type process struct {
	*os.File
	cmd       *exec.Cmd
	complaint bytes.Buffer
	fed       chan error // what became of its input
}

func program(ctx context.Context, packed io.Reader, path string, args ...string) (io.ReadCloser, error) {
	p := &process{cmd: exec.CommandContext(ctx, path, args...), fed: make(chan error, 1)}
	stdin, feed, err := widePipe()
	if err != nil {
		return nil, err
	}
	out, stdout, err := widePipe()
	if err != nil {
		return nil, err
	}
	p.File, p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = out, stdin, stdout, &p.complaint
	err = p.cmd.Start()
	_, _ = stdin.Close(), stdout.Close() // the program has its own
	if err != nil {
		_, _ = feed.Close(), out.Close()
		return nil, hint.Errorf("reinstall it", "cannot unpack: %w", err)
	}
	go func() {
		_, err := io.CopyBuffer(struct{ io.Writer }{feed}, packed, make([]byte, pipeSize))
		_ = feed.Close()
		p.fed <- err
	}()
	return p, nil
}

// pipeSize is what Linux allows everybody, in bytes (pipe(7)): the program and this process then take
// turns less often than with the usual 64 KiB.
const pipeSize = 1 << 20

func widePipe() (from, to *os.File, err error) {
	if from, to, err = os.Pipe(); err != nil {
		return nil, nil, err
	}
	_, _ = unix.FcntlInt(to.Fd(), unix.F_SETPIPE_SZ, pipeSize) // else it is a narrow one
	return from, to, nil
}

// Close ends the program, also before it has given all. Why its input ended counts for more than what it says
// of that.
func (p *process) Close() error {
	_ = p.File.Close()
	err, feeding := p.cmd.Wait(), <-p.fed
	if feeding != nil && !errors.Is(feeding, syscall.EPIPE) {
		return feeding // what the program complains of follows from it
	}
	if err != nil {
		return fmt.Errorf("cannot unpack: %w: %s", err, strings.TrimSpace(p.complaint.String()))
	}
	return feeding
}
