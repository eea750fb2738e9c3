package progress

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/vbauerster/mpb/v8"
)

func TestMeterLines(t *testing.T) {
	begin := time.Now()
	for _, c := range []struct {
		done, total, came int64
		want              string
	}{
		{0, 300 << 20, 100 << 20, "image: 100 MiB of 300 MiB, 10 MiB/s, 20 s left"},
		{100 << 20, 300 << 20, 100 << 20, "image: 200 MiB of 300 MiB, 10 MiB/s, 10 s left"}, // a resumed run
		{100 << 20, -1, 100 << 20, "image: 200 MiB, 10 MiB/s"},
		{100 << 20, 300 << 20, 0, "image: 100 MiB of 300 MiB, 0 B/s"},
	} {
		m := &lines{what: "image", done: c.done, total: c.total, came: c.came, begin: begin}
		if got := m.line(begin.Add(10 * time.Second)); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// TestMeterBar of a resumed run: what was there before is no speed.
func TestMeterBar(t *testing.T) {
	var out bytes.Buffer
	l := New(&out)
	l.below = mpb.New(mpb.WithOutput(&out), mpb.WithAutoRefresh(), mpb.WithRefreshRate(20*time.Millisecond), mpb.WithWidth(100))
	meter := l.newBar("image", 900<<30, 1000<<30)
	time.Sleep(200 * time.Millisecond)
	_, _ = meter.Write(make([]byte, 1<<20))
	time.Sleep(200 * time.Millisecond)
	_ = meter.Close()
	if !strings.Contains(out.String(), "900.0 GiB / 1000.0 GiB") || !strings.Contains(out.String(), "MiB/s, ") || strings.Contains(out.String(), "GiB/s") {
		t.Errorf("got %q", out.String())
	}
}
