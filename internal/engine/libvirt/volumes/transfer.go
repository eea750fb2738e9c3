package volumes

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// An image goes in pieces, each of which is there before the next one goes: so a connection that breaks costs one piece, and no
// more is on the way than what keeps libvirt's keep-alive messages waiting for about a second.
const (
	firstPiece = 256 << 10
	mostPiece  = 32 << 20
	pieceTakes = time.Second
)

// Of lseek(2), which package syscall does not name.
const (
	seekData = 3
	seekHole = 4
)

// send copies the file into the volume, without its holes: the volume has them already.
func (b *bases) send(ctx context.Context, file *os.File, length int64, name string) error {
	meter := b.o.Log().Meter("upload to "+b.pool.URI(), 0, length)
	defer func() { _ = meter.Close() }()
	size := int64(firstPiece)
	for at := int64(0); at < length; {
		if err := ctx.Err(); err != nil {
			return err
		}
		from, to := nextData(file, at, length)
		piece, began := make([]byte, min(to-from, size)), time.Now()
		if _, err := file.ReadAt(piece, from); err != nil {
			return err
		}
		if len(piece) > 0 {
			if err := b.pool.Write(name, from, piece); err != nil {
				return fmt.Errorf("the upload ended at %d of %d bytes: %w", from, length, b.explain(err))
			}
			size = nextSize(size, int64(len(piece)), time.Since(began))
		}
		if err := count(meter, from+int64(len(piece))-at); err != nil {
			return err
		}
		at = from + int64(len(piece))
	}
	return nil
}

// nextData is where the file has data next, from at on, and where that ends. Where the file system does not say, all is data.
func nextData(file *os.File, at, length int64) (from, to int64) {
	from, err := syscall.Seek(int(file.Fd()), at, seekData)
	if err != nil {
		if err == syscall.ENXIO { // a hole up to the end
			return length, length
		}
		return at, length
	}
	to, err = syscall.Seek(int(file.Fd()), from, seekHole)
	if err != nil {
		to = length
	}
	return min(from, length), min(to, length)
}

// nextSize is how large the next piece is, if one of so many bytes took so long.
func nextSize(size, bytes int64, took time.Duration) int64 {
	switch {
	case took > 2*pieceTakes:
		return max(size/2, firstPiece/4)
	case took < pieceTakes && bytes == size:
		return min(2*size, mostPiece)
	}
	return size
}

// sum reads the volume, and gives its sha256 in hex.
func (b *bases) sum(ctx context.Context, name string, length int64) (string, error) {
	meter := b.o.Log().Meter("check "+b.pool.URI(), 0, length)
	defer func() { _ = meter.Close() }()
	sum, size := sha256.New(), int64(firstPiece)
	for at := int64(0); at < length; {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		piece, began := make([]byte, min(length-at, size)), time.Now()
		n, err := b.pool.Read(name, at, piece)
		if err != nil {
			return "", err
		}
		if n == 0 {
			break
		}
		_, _ = sum.Write(piece[:n]) // of no error
		size, at = nextSize(size, int64(n), time.Since(began)), at+int64(n)
		if err := count(meter, int64(n)); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// count has the meter show that many bytes more.
func count(meter io.Writer, bytes int64) error {
	nothing := make([]byte, 64<<10)
	for bytes > 0 {
		n, err := meter.Write(nothing[:min(bytes, int64(len(nothing)))])
		if err != nil {
			return err
		}
		bytes -= int64(n)
	}
	return nil
}
