package release

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// file is one of an archive.
type file struct {
	name string // in the archive, below its one folder
	path string
}

// pack is an archive of the files in the folder, with the same bytes for the same files: sorted, of one time, of root, and with the
// rights that they have in git, whatever this machine's are.
func pack(folder string, files []file, at time.Time) ([]byte, error) {
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	var packed bytes.Buffer
	compressed, err := gzip.NewWriterLevel(&packed, gzip.BestCompression) // its head has no name and no time
	if err != nil {
		return nil, err
	}
	archive := tar.NewWriter(compressed)
	for _, f := range files {
		if err := f.pack(archive, folder, at); err != nil {
			return nil, err
		}
	}
	err = errors.Join(archive.Close(), compressed.Close())
	return packed.Bytes(), err
}

func (f file) pack(archive *tar.Writer, folder string, at time.Time) error {
	info, err := os.Lstat(f.path)
	if err != nil {
		return err
	}
	header := &tar.Header{Name: path.Join(folder, f.name), ModTime: at, Format: tar.FormatUSTAR, Typeflag: tar.TypeReg, Mode: 0o644}
	if info.Mode()&os.ModeSymlink != 0 {
		header.Typeflag, header.Mode = tar.TypeSymlink, 0o777
		if header.Linkname, err = os.Readlink(f.path); err != nil {
			return err
		}
		return archive.WriteHeader(header)
	}
	if info.Mode()&0o100 != 0 {
		header.Mode = 0o755
	}
	data, err := os.ReadFile(f.path)
	if err != nil {
		return err
	}
	header.Size = int64(len(data))
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	_, err = archive.Write(data)
	return err
}
