package progress

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// meterEvery is how often a meter prints a line where there is no terminal.
const meterEvery = 5 * time.Second

// Meter counts the bytes that are written to it, of which there will be total, or -1 where that is not
// known; done are there already. On a terminal it is a bar, elsewhere a line each few seconds.
func (l *Log) Meter(what string, done, total int64) io.WriteCloser {
	if file, ok := l.w.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		return l.bar(what, done, total)
	}
	return &lines{log: l, what: what, done: done, total: total, begin: time.Now(), last: time.Now()}
}

type bar struct {
	log   *Log
	shown *progressbar.ProgressBar
}

func (l *Log) bar(what string, done, total int64) io.WriteCloser {
	b := &bar{log: l, shown: progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(l.w), progressbar.OptionSetDescription(what), progressbar.OptionShowBytes(true),
		progressbar.OptionShowCount(), progressbar.OptionUseIECUnits(true), progressbar.OptionSetPredictTime(true),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(), progressbar.OptionFullWidth(),
		progressbar.OptionUseANSICodes(true))}
	_ = b.shown.Set64(done)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.below = b.shown
	return b
}

func (b *bar) Write(p []byte) (int, error) {
	b.log.mu.Lock()
	defer b.log.mu.Unlock()
	return len(p), b.shown.Add(len(p))
}

func (b *bar) Close() error {
	b.log.mu.Lock()
	defer b.log.mu.Unlock()
	b.log.below = nil
	return b.shown.Clear()
}

// lines is a meter where there is no terminal.
type lines struct {
	log         *Log
	what        string
	done, total int64
	came        int64 // bytes since begin
	begin, last time.Time
}

func (m *lines) Write(p []byte) (int, error) {
	m.came += int64(len(p))
	if now := time.Now(); now.Sub(m.last) >= meterEvery {
		m.last = now
		m.log.Say("%s", m.line(now))
	}
	return len(p), nil
}

func (m *lines) line(now time.Time) string {
	rate := float64(m.came) / now.Sub(m.begin).Seconds()
	text := fmt.Sprintf("%s: %s, %s/s", m.what, Bytes(m.done+m.came), Bytes(int64(rate)))
	if m.total < 0 {
		return text
	}
	left := time.Duration(float64(m.total-m.done-m.came) / rate * float64(time.Second))
	return fmt.Sprintf("%s: %s of %s, %s/s, %s left", m.what,
		Bytes(m.done+m.came), Bytes(m.total), Bytes(int64(rate)), Seconds(left))
}

// Bytes is a number of bytes as people read it: "1.2 GiB".
func Bytes(n int64) string { return humanize.IBytes(uint64(max(n, 0))) }

func (m *lines) Close() error { return nil }
