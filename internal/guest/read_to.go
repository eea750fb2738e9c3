package guest

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
)

// longestPrompt is how much without a line break is looked at, in bytes.
const longestPrompt = 4 << 10

// readTo is how far a log has been read. Parts of it are moved away when they have become too long.
type readTo struct {
	log    Log
	part   fs.FileInfo // the file that was read last; nil if none was
	offset int64       // in it
	half   string      // of a line, at the end of the part before that one
	rest   string      // what is there of the latest line
}

// readOn gives what each part has that was not read before, in their order.
func (r *readTo) readOn(take func(info fs.FileInfo, text *bufio.Reader)) error {
	parts, err := r.log.Parts()
	if err != nil {
		return err
	}
	defer func() {
		for _, part := range parts {
			_ = part.Close()
		}
	}()
	for _, part := range parts[r.first(parts):] {
		info, err := r.open(part)
		if err != nil {
			return err
		}
		take(info, bufio.NewReaderSize(part, longestPrompt))
	}
	return nil
}

// first is the place of the part that was read last, or 0 if that is there no more.
func (r *readTo) first(parts []fs.File) int {
	return max(0, slices.IndexFunc(parts, func(part fs.File) bool {
		info, err := part.Stat()
		return err == nil && r.part != nil && same(r.part, info)
	}))
}

// same reports whether both are of one file: of this host, or of another, whose engine says by Sys which it is.
func same(a, b fs.FileInfo) bool { return os.SameFile(a, b) || a.Sys() != nil && a.Sys() == b.Sys() }

// open goes to where the part was read up to. One that is shorter has begun again.
func (r *readTo) open(part fs.File) (info fs.FileInfo, err error) {
	info, err = part.Stat()
	if err != nil {
		return nil, err
	}
	switch {
	case r.part == nil || !same(r.part, info):
		r.offset, r.half = 0, r.rest
	case info.Size() < r.offset:
		r.offset, r.half = 0, ""
	}
	r.part, r.rest = info, ""
	to, ok := part.(io.Seeker)
	if !ok {
		return nil, errors.New("the log cannot be read from where it was read to")
	}
	_, err = to.Seek(r.offset, io.SeekStart)
	return info, err
}
