package engine

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

// LongestLine is how many bytes of a console log are a line without its end: a guest may write none.
const LongestLine = 64 << 10

// Follower makes lines of a console log that is followed. Where the log goes on is for who reads it to know.
type Follower struct {
	Each func(line string) // gets each line, without its end
	rest []byte            // of a line that has not ended
}

// Follow has the log read every so often, until ctx ends. read gives what has come to Take.
func (f *Follower) Follow(ctx context.Context, every time.Duration, read func() error) error {
	for {
		if err := read(); err != nil {
			return fmt.Errorf("cannot follow the console log: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(every):
		}
	}
}

// Take gives the lines that have ended with what was read. One that is too long ends there.
func (f *Follower) Take(text []byte) {
	f.rest = append(f.rest, text...)
	for {
		line, rest, ended := bytes.Cut(f.rest, []byte("\n"))
		if !ended && len(line) < LongestLine {
			return
		}
		if !ended {
			line, rest = line[:LongestLine], line[LongestLine:]
		}
		f.Each(string(line))
		f.rest = rest
	}
}

// Again says that the log begins again: what there is of a line never ends.
func (f *Follower) Again() { f.rest = nil }
