package progress

import (
	"fmt"
	"io"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"coreos-libvirt/internal/terminal/printable"
)

// meterEvery is how often a meter prints a line where there is no terminal.
const meterEvery = 5 * time.Second

// Meter counts the bytes that are written to it, of which there will be total, or -1 if that is not
// known; done are there already. On a terminal it is a bar, elsewhere a line each few seconds.
func (l *Log) Meter(what string, done, total int64) io.WriteCloser {
	what = printable.Line(what)
	if l.onTerminal() {
		return l.newBar(what, done, total)
	}
	return &lines{log: l, what: what, done: done, total: total, begin: time.Now(), last: time.Now()}
}

type bar struct {
	log   *Log
	shown *mpb.Bar
}

func (l *Log) newBar(what string, done, total int64) io.WriteCloser {
	begin := time.Now()
	shown := l.add(max(total, 0), mpb.BarStyle(),
		mpb.PrependDecorators(decor.Name(what+" "), decor.CountersKibiByte("% .1f / % .1f")),
		mpb.AppendDecorators(decor.Any(func(s decor.Statistics) string {
			return pace(s.Current-done, total-s.Current, time.Since(begin))
		})))
	shown.SetCurrent(done)
	shown.SetRefill(done)
	return &bar{l, shown}
}

// pace is how fast came bytes came since begin, which was so long ago, and where it is known how many are left
// how long they will take. What was there before does not count.
func pace(came, left int64, since time.Duration) string {
	rate := float64(came) / max(since.Seconds(), 0.001)
	text := Bytes(int64(rate)) + "/s"
	if left < 0 || came == 0 {
		return text
	}
	return text + ", " + Seconds(time.Duration(float64(left)/rate*float64(time.Second))) + " left"
}

func (b *bar) Write(p []byte) (int, error) {
	b.shown.IncrBy(len(p))
	return len(p), nil
}

func (b *bar) Close() error {
	b.log.drop(b.shown)
	return nil
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
	there, since := m.done+m.came, now.Sub(m.begin)
	if m.total < 0 {
		return fmt.Sprintf("%s: %s, %s", m.what, Bytes(there), pace(m.came, -1, since))
	}
	return fmt.Sprintf("%s: %s of %s, %s", m.what, Bytes(there), Bytes(m.total), pace(m.came, m.total-there, since))
}

func (m *lines) Close() error { return nil }

// Bytes is a number of bytes as people read it: "1.2 GiB".
func Bytes(n int64) string { return humanize.IBytes(uint64(max(n, 0))) }
