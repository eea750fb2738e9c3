package progress

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/creack/pty"
)

// onTerminal is what a terminal of that width gets to see of a log.
func onTerminal(t *testing.T, width uint16, show func(*Log)) string {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := pty.Setsize(slave, &pty.Winsize{Rows: 24, Cols: width}); err != nil {
		t.Fatal(err)
	}
	var seen bytes.Buffer
	read := make(chan struct{})
	go func() {
		_, _ = seen.ReadFrom(master) // ends with an error when nobody has the other end any more
		close(read)
	}()
	show(New(slave))
	if err := slave.Close(); err != nil {
		t.Fatal(err)
	}
	<-read
	_ = master.Close()
	return seen.String()
}

// TestLiveLines has one for each node, in their order, with phase and seconds, below what is said meanwhile.
func TestLiveLines(t *testing.T) {
	seen := onTerminal(t, 60, func(l *Log) {
		two, one := l.Track("core02", "start", 2), l.Track("core01", "start", 1)
		one.Phase("kernel")
		l.Say("core02: booting")
		time.Sleep(3 * refresh)
		two.Phase("Ignition")
		time.Sleep(1100*time.Millisecond + 3*refresh)
		one.Done()
		two.Done()
		l.Say("after it")
	})
	plain := ansi.Strip(seen)
	if !regexp.MustCompile(`core01 +kernel +[1-9] s.*\r?\n.*core02 +Ignition +[1-9] s`).MatchString(plain) {
		t.Errorf("got %q", plain)
	}
	if strings.Count(plain, "core02: booting") != 1 || !strings.HasSuffix(strings.TrimSpace(plain), "after it") {
		t.Errorf("got %q", plain)
	}
	if strings.Contains(seen, "\x1b[3") { // a colour
		t.Errorf("got %q", seen)
	}
}

// TestLiveLinesAreAsWideAsTheTerminal at most: one that is wrapped could not be taken away again.
func TestLiveLinesAreAsWideAsTheTerminal(t *testing.T) {
	const width = 20
	seen := onTerminal(t, width, func(l *Log) {
		line := l.Track("a-node-of-a-long-name01", "boot loader", 1)
		time.Sleep(3 * refresh)
		line.Done()
	})
	for line := range strings.SplitSeq(ansi.Strip(seen), "\n") {
		if line = strings.TrimSpace(line); ansi.StringWidth(line) > width {
			t.Errorf("%q is too wide", line)
		}
	}
	if !strings.Contains(seen, "a-node") {
		t.Errorf("got %q", seen)
	}
}

// TestNoLiveLinesElsewhere: a file has plain lines only.
func TestNoLiveLinesElsewhere(t *testing.T) {
	var out bytes.Buffer
	l := New(&out)
	line := l.Track("core01", "start", 1)
	line.Phase("kernel")
	l.Say("core01: booting")
	time.Sleep(2 * refresh)
	line.Done()
	if out.String() != "core01: booting\n" {
		t.Errorf("got %q", out.String())
	}
}

// TestSayIsPrintable: what a guest or a server has put into a line does nothing to the terminal. Colours of our own stay.
func TestSayIsPrintable(t *testing.T) {
	seen := onTerminal(t, 60, func(l *Log) {
		l.Say("core01: etcd \x1b[2J%s\n  at %s", "3.6\x1b]52;c;ZXZpbA==\x07", "http://\u202ex\r")
		l.Say("  as it is")
		l.SayOwn("\x1b[36mcore01\x1b[0m up")
		tracked := l.Track("core01", "start", 1)
		tracked.Phase("no\x1b[31m address")
		time.Sleep(3 * refresh)
		tracked.Done()
	})
	if !strings.HasPrefix(seen, "core01: etcd 3.6\r\n  at http://x\r\n  as it is\r\n\x1b[36mcore01\x1b[0m up\r\n") || strings.Contains(seen, "\x1b[31m") || !strings.Contains(seen, "no address") {
		t.Errorf("got %q", seen)
	}
}

// TestRedraw shows lines in the place of those before, cut where the terminal ends.
func TestRedraw(t *testing.T) {
	seen := onTerminal(t, 20, func(l *Log) {
		redraw := l.Redraw()
		for _, lines := range [][]string{{"one", "two\x1b[2J"}, {"a line that is longer than the terminal"}, make([]string, 100)} {
			if err := redraw.Draw(lines); err != nil {
				t.Error(err)
			}
		}
	})
	if want := "one\r\ntwo\r\n\x1b[2A\x1b[Ja line that is long…\r\n\x1b[A\x1b[J\r\n"; !strings.HasPrefix(seen, want) || !strings.HasSuffix(seen, "… and 78 lines\r\n") || strings.Count(seen, "\n") != 26 {
		t.Errorf("got %q", seen)
	}
	if New(&bytes.Buffer{}).Redraw() != nil {
		t.Error("there is a terminal")
	}
}
