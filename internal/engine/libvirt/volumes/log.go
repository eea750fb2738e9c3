package volumes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/libvirt/storagexml"
)

const (
	// mostParts is how many files a log may have been moved to that are looked for: virtlogd keeps 3 (virtlogd.conf(5), max_backups).
	mostParts = 10
	// followPoll is how often a log that is followed is looked at.
	followPoll = 500 * time.Millisecond
	// readAtOnce is how many bytes of a log are asked for at once.
	readAtOnce = 256 << 10
)

// isLog reports whether the volume is the node's console log, or a part of it that was moved away.
func isLog(node engine.Files, name string) bool {
	rest, is := strings.CutPrefix(name, named(node).Console)
	if n, err := strconv.Atoi(strings.TrimPrefix(rest, ".")); rest != "" && (err != nil || n >= mostParts || rest[0] != '.') {
		return false
	}
	return is
}

// BeginLog makes the volume, to which libvirt's log daemon appends. What was moved away of the boot before goes.
func (d *Disks) BeginLog(node engine.Files) error {
	if err := d.pool.Make(); err != nil {
		return err
	}
	d.changed() // the log daemon makes files that libvirt does not know of
	names, err := d.names()
	if err != nil {
		return fmt.Errorf("cannot begin the console log: %w", err)
	}
	old := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !isLog(node, name) })
	if err := d.remove(old...); err != nil {
		return fmt.Errorf("cannot remove an earlier console log: %w", err)
	}
	if err := d.create(storagexml.Volume{Name: named(node).Console, Format: storagexml.Raw, Mode: ours}); err != nil {
		return fmt.Errorf("cannot begin the console log: %w", err)
	}
	d.turnsOf(node).begin()
	return nil
}

// Log is the volume.
func (d *Disks) Log(node engine.Files) engine.Log {
	return log{disks: d, node: node, name: named(node).Console, turns: d.turnsOf(node)}
}

// turns count how often a log was moved away, as far as this run has seen: a volume has no other sign that it is another file.
type turns struct {
	mu    sync.Mutex
	count int
	moved *storagexml.Info // what was moved away last, as it was seen last; nil if nothing was looked at
}

func (d *Disks) turnsOf(node engine.Files) *turns {
	t, _ := d.logs.LoadOrStore(named(node).Console, &turns{})
	return t.(*turns)
}

// begin notes that the log is a new one.
func (t *turns) begin() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count, t.moved = t.count+mostParts+1, &storagexml.Info{}
}

// see counts a move if what was moved away last is another file than before, and gives the count.
func (t *turns) see(moved storagexml.Info) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.moved != nil && (t.moved.Length != moved.Length || !t.moved.Written.Equal(moved.Written)) {
		t.count++
	}
	t.moved = &moved
	return t.count
}

// now is the count.
func (t *turns) now() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.count
}

// log is a console log that libvirt's log daemon writes on the pool's host (virtlogd(8)).
type log struct {
	disks *Disks
	node  engine.Files
	name  string
	turns *turns
}

// Open opens the volume.
func (l log) Open(offset int64) (fs.File, error) {
	file, err := l.open(l.name, l.turns.now())
	if err != nil {
		return nil, err
	}
	if offset < 0 {
		offset = max(0, file.info.Length+offset)
	}
	file.at = offset
	return file, nil
}

func (l log) open(name string, turn int) (*part, error) {
	info, err := l.disks.pool.Info(name)
	if err != nil {
		return nil, err
	}
	return &part{disks: l.disks, name: name, turn: turn, info: info}, nil
}

// moved is where the n-th part of a log is, counted back from the log.
func (l log) moved(n int) string { return l.name + "." + strconv.Itoa(n) }

// Parts are the volumes.
func (l log) Parts() (parts []fs.File, err error) {
	names, err := l.disks.names()
	if err != nil {
		return nil, err
	}
	last := storagexml.Info{}
	if slices.Contains(names, l.moved(0)) {
		if last, err = l.disks.pool.Info(l.moved(0)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	turn := l.turns.see(last)
	for n := mostParts - 1; n >= 0; n-- {
		if !slices.Contains(names, l.moved(n)) {
			continue
		}
		if part, err := l.open(l.moved(n), turn-1-n); err == nil { // else it was moved on, or is gone
			parts = append(parts, part)
		}
	}
	now, err := l.open(l.name, turn)
	if err != nil {
		return nil, err
	}
	return append(parts, now), nil
}

// Cut reports whether there is a volume that an earlier part of the log was moved to (virtlogd.conf(5), max_size).
func (l log) Cut() bool {
	names, _ := l.disks.names()
	return slices.Contains(names, l.moved(0))
}

// Writes never says anything: who waits looks from time to time.
func (log) Writes() (written <-chan struct{}, end func()) { return nil, func() {} }

// Follow looks again and again. Of a log that was moved away meanwhile, the rest is read where it is then.
func (l log) Follow(ctx context.Context, each func(line string)) error {
	f := follower{log: l, Follower: engine.Follower{Each: each}}
	return f.Follow(ctx, followPoll, f.read)
}

// follower reads on in a log where it was before.
type follower struct {
	engine.Follower
	log log
	at  int64
}

// read gives what has come since it was called last.
func (f *follower) read() error {
	file, err := f.log.open(f.log.name, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && file.info.Length < f.at {
		err = f.turn()
	}
	if err == nil {
		err = f.drain(file)
	}
	return err
}

// turn reads the rest of a log that was moved away. One that is shorter than what was read has begun again.
func (f *follower) turn() error {
	f.log.disks.changed()
	if _, err := f.log.disks.names(); err != nil { // libvirt knows it only then
		return err
	}
	moved, err := f.log.open(f.log.moved(0), 0)
	if err == nil && moved.info.Length >= f.at {
		err = f.drain(moved)
	} else {
		f.Again()
	}
	f.at = 0
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// drain reads as far as there is something.
func (f *follower) drain(file *part) error {
	file.at = f.at
	text, err := io.ReadAll(file)
	f.at = file.at
	f.Take(text)
	return err
}

// part is a volume of a log, opened to be read.
type part struct {
	disks *Disks
	name  string
	turn  int // which of the files that had the name it is
	info  storagexml.Info
	at    int64
	ahead []byte // what was read beyond at
}

// Read reads on, as far as the volume was when it was opened.
func (p *part) Read(to []byte) (int, error) {
	if len(p.ahead) == 0 {
		chunk := make([]byte, min(max(p.info.Length-p.at, 0), readAtOnce))
		n, err := p.disks.pool.Read(p.name, p.at, chunk)
		if err != nil {
			return 0, err
		}
		p.ahead = chunk[:n]
	}
	n := copy(to, p.ahead)
	p.at, p.ahead = p.at+int64(n), p.ahead[n:]
	if n == 0 && len(to) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// Seek is that of a file.
func (p *part) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += p.at
	case io.SeekEnd:
		offset += p.info.Length
	}
	if offset < 0 {
		return p.at, fs.ErrInvalid
	}
	p.at, p.ahead = offset, nil
	return offset, nil
}

// Close has nothing to do.
func (*part) Close() error { return nil }

// Stat is what the volume was when it was opened.
func (p *part) Stat() (fs.FileInfo, error) { return partInfo{p}, nil }

type partInfo struct{ of *part }

func (i partInfo) Name() string       { return i.of.name }
func (i partInfo) Size() int64        { return i.of.info.Length }
func (i partInfo) Mode() fs.FileMode  { return ours }
func (i partInfo) ModTime() time.Time { return i.of.info.Written }
func (i partInfo) IsDir() bool        { return false }

// Sys is the same of what is the same part of the log, whatever it is called by now.
func (i partInfo) Sys() any { return turn(i.of.turn) }

// turn is which of the files that a log was it is.
type turn int
