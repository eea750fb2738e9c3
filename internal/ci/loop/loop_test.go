package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write testdata/plan.svg")

// TestPlan: a recording of `mage plan` on libvirt's test driver gives the kept picture, which is XML.
func TestPlan(t *testing.T) {
	recorded, err := os.Open("testdata/plan.cast")
	if err != nil {
		t.Fatal(err)
	}
	defer recorded.Close()
	var drawn bytes.Buffer
	if err := run(recorded, &drawn, pace{idle: time.Second, last: 4 * time.Second}); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("testdata/plan.svg", drawn.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if kept, err := os.ReadFile("testdata/plan.svg"); err != nil || !bytes.Equal(kept, drawn.Bytes()) {
		t.Errorf("testdata/plan.svg is another: %v\n%s", err, drawn.Bytes())
	}
	for decoder := xml.NewDecoder(&drawn); ; {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

const head = `{"version": 2, "width": 20, "height": 3}` + "\n"

// TestPlay: lines that are drawn again are shown for their time, and waits are cut.
func TestPlay(t *testing.T) {
	recorded, err := read(strings.NewReader(head + `[0, "o", "\u001b[1;31ma<b\u001b[0m 1\r\nsecond"]
[0.5, "i", "q"]
[2, "o", "\r\u001b[A\u001b[2Ka 2"]
[60, "o", "\r\n\u001b[2Kmüde"]
`))
	if err != nil {
		t.Fatal(err)
	}
	if m := play(recorded, pace{idle: time.Second, speed: 4}); m.length != time.Second/2 {
		t.Errorf("four times as quick it takes %s", m.length)
	}
	m := play(recorded, pace{idle: time.Second})
	if m.length != 2*time.Second || len(m.lines) != 4 {
		t.Fatalf("got %+v", m)
	}
	if got := m.lines[0]; got.spans[0] != (span{0, "a<b", "c1 b"}) || got.spans[1] != (span{3, " 1", ""}) || got.from != 0 || got.until != time.Second {
		t.Errorf("got %+v", got)
	}
	if got := m.lines[1]; got.row != 1 || got.spans[0].text != "second" || got.until != 2*time.Second {
		t.Errorf("got %+v", got)
	}
	var drawn bytes.Buffer
	if err := draw(&drawn, m, time.Second); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{">a&lt;b</text>", `class="c1 b"`, ">müde</text>", "prefers-color-scheme: dark", "prefers-reduced-motion", "animation-duration: 3.00s"} {
		if !strings.Contains(drawn.String(), want) {
			t.Errorf("no %q in\n%s", want, drawn.String())
		}
	}
}

// TestNoRecording: what is refused, with its line.
func TestNoRecording(t *testing.T) {
	for text, want := range map[string]string{
		"": "empty", head: "empty", "x\n": "line 1", `{"version": 3, "width": 80, "height": 24}` + "\n": "line 1: want asciicast 2",
		`{"version": 2, "width": 100000, "height": 24}` + "\n": "line 1: want asciicast 2", head + "[1, 2]\n": "line 2", head + `["x", "o", "y"]`: "line 2",
	} {
		if err := run(strings.NewReader(text), io.Discard, pace{idle: time.Second, last: time.Second}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: want %q, got %v", text, want, err)
		}
	}
}
