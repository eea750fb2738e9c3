// Package progress is what the terminal shows while targets run.
package progress

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// Log prints whole lines, also when several nodes move at once.
type Log struct {
	mu sync.Mutex
	w  io.Writer
}

// New is a Log on w.
func New(w io.Writer) *Log { return &Log{w: w} }

// Say prints one line.
func (l *Log) Say(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.w, format+"\n", args...)
}

// Writer is where tables go.
func (l *Log) Writer() io.Writer { return l.w }

// Seconds is a duration as lines show it: "41 s".
func Seconds(d time.Duration) string { return fmt.Sprintf("%.0f s", d.Seconds()) }
