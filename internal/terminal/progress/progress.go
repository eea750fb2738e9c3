// Package progress is what the terminal shows while targets run: lines, and on a terminal what moves
// below them.
package progress

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"golang.org/x/term"

	"coreos-libvirt/internal/terminal/printable"
)

// Log prints whole lines, also when several nodes move at once.
type Log struct {
	mu    sync.Mutex
	w     io.Writer
	below *mpb.Progress       // stands below the lines, while anything does
	bars  int                 // how many
	typed func(string) string // of our own words; nil: as they are
}

// New is a Log on w.
func New(w io.Writer) *Log { return &Log{w: w} }

// Typed has the command lines in our texts, which typed gets, be as the user types them.
func (l *Log) Typed(typed func(string) string) *Log {
	l.typed = typed
	return l
}

// Say prints one line, or several, without anything that would do something to a terminal: parts of it may be a guest's or a
// server's words.
func (l *Log) Say(format string, args ...any) {
	if l.typed != nil {
		format = l.typed(format)
	}
	l.SayOwn(printable.Value(fmt.Sprintf(format, args...)))
}

// SayOwn prints a line that has colours of our own. What did not originate here is printable in it.
func (l *Log) SayOwn(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	to := l.w
	if l.below != nil {
		to = l.below
	}
	fmt.Fprintln(to, line)
}

// Writer is where tables go.
func (l *Log) Writer() io.Writer { return l.w }

func (l *Log) onTerminal() bool {
	file, ok := l.w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// add puts a bar below the lines.
func (l *Log) add(total int64, filler mpb.BarFillerBuilder, options ...mpb.BarOption) *mpb.Bar {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.below == nil {
		l.below = mpb.New(mpb.WithOutput(l.w), mpb.WithRefreshRate(refresh))
	}
	l.bars++
	return l.below.New(total, filler, options...)
}

const refresh = 150 * time.Millisecond

// drop takes a bar away again. With the last one nothing stands below the lines any more.
func (l *Log) drop(bar *mpb.Bar) {
	l.mu.Lock()
	defer l.mu.Unlock()
	bar.Abort(true)
	bar.Wait()
	if l.bars--; l.bars == 0 {
		l.below.Wait()
		l.below = nil
	}
}

// Seconds is a duration as lines show it: "41 s".
func Seconds(d time.Duration) string { return fmt.Sprintf("%.0f s", d.Seconds()) }
