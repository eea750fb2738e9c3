// Package progress is what the terminal shows while targets run.
package progress

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// Log prints whole lines, also when several nodes move at once.
type Log struct {
	mu    sync.Mutex
	w     io.Writer
	below *progressbar.ProgressBar // stands below the lines, where one does
}

// New is a Log on w.
func New(w io.Writer) *Log { return &Log{w: w} }

// Say prints one line.
func (l *Log) Say(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.below != nil {
		_ = l.below.Clear()
	}
	fmt.Fprintf(l.w, format+"\n", args...)
	if l.below != nil {
		_ = l.below.RenderBlank()
	}
}

// Writer is where tables go.
func (l *Log) Writer() io.Writer { return l.w }

// Seconds is a duration as lines show it: "41 s".
func Seconds(d time.Duration) string { return fmt.Sprintf("%.0f s", d.Seconds()) }
