package machines

import (
	"bytes"
	"context"
	"io/fs"
	"path/filepath"
	"time"

	"coreos-libvirt/internal/engine"
)

// Disks are the nodes' files, as far as Kubernetes shows them: their console logs.
func (e *Engine) Disks() engine.Disks { return disks{e} }

type disks struct{ of *Engine }

func (disks) Seen(node engine.Files) engine.Files { return node }
func (disks) Look(context.Context, engine.Files, engine.Domain) (engine.Disk, error) {
	return engine.Disk{}, errWhole
}
func (disks) Size(engine.Files) (bytes int64, disks int) { return 0, 0 }
func (disks) Under(engine.Domain, string) string         { return "" }
func (disks) Prepare(context.Context, engine.Files, string, int, []engine.FurtherDisk) (engine.Prepared, error) {
	return nil, errWhole
}
func (disks) Sweep(engine.Files) error                                     { return errWhole }
func (disks) Add(context.Context, engine.Files, engine.FurtherDisk) error  { return errWhole }
func (disks) Drop(engine.Files, string) error                              { return errWhole }
func (disks) Grow(context.Context, engine.Files, engine.FurtherDisk) error { return errWhole }
func (disks) Remove(engine.Files) error                                    { return errWhole }
func (disks) Clear(engine.Files) error                                     { return errWhole }
func (disks) WriteDocument(engine.Files, []byte) error                     { return errWhole }
func (disks) Document(engine.Files) ([]byte, error)                        { return nil, errWhole }
func (disks) BeginLog(engine.Files) error                                  { return errWhole }

// Log is what the node has written on its console since its machine was started.
func (d disks) Log(node engine.Files) engine.Log {
	return log{d.of, filepath.Base(filepath.Dir(node.Ignition))}
}

// log is that of the container of the machine's pod which prints the console.
type log struct {
	of   *Engine
	node string
}

// text is all of it.
func (l log) text() ([]byte, error) {
	m, err := l.of.machine(l.of.until, l.node)
	if err != nil || m.Pod == "" {
		return nil, fs.ErrNotExist
	}
	text := bytes.Buffer{}
	err = l.of.cluster.Console(l.of.until, m, false, func(line string) { text.WriteString(line + "\n") })
	return text.Bytes(), err
}

func (l log) Open(offset int64) (fs.File, error) {
	text, err := l.text()
	if err != nil {
		return nil, err
	}
	from := offset
	if offset < 0 {
		from = max(0, int64(len(text))+offset)
	}
	return &memory{Reader: bytes.NewReader(text[min(from, int64(len(text))):]), name: l.node, size: int64(len(text))}, nil
}

func (l log) Parts() ([]fs.File, error) {
	file, err := l.Open(0)
	if err != nil {
		return nil, err
	}
	return []fs.File{file}, nil
}

// Cut is false: whether the container's runtime has moved lines away is not known.
func (log) Cut() bool { return false }

func (l log) Follow(ctx context.Context, each func(line string)) error {
	m, err := l.of.machine(ctx, l.node)
	if err != nil {
		return err
	}
	return l.of.cluster.Console(ctx, m, true, each)
}

func (log) Writes() (written <-chan struct{}, end func()) { return nil, func() {} }

// memory is a file in the memory, and what is known of it.
type memory struct {
	*bytes.Reader
	name string
	size int64
}

func (m *memory) Stat() (fs.FileInfo, error) { return info{m}, nil }
func (*memory) Close() error                 { return nil }

type info struct{ of *memory }

func (i info) Name() string     { return i.of.name }
func (i info) Size() int64      { return i.of.size }
func (info) Mode() fs.FileMode  { return 0o400 }
func (info) ModTime() time.Time { return time.Now() }
func (info) IsDir() bool        { return false }
func (i info) Sys() any         { return i.of.name }
