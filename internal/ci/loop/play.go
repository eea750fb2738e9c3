package main

import (
	"fmt"
	"image/color"
	"strings"
	"time"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"
)

// span is text of one look in a line.
type span struct {
	column int
	text   string
	class  string // of CSS; empty is plain
}

// shown is a line of the screen while it does not change.
type shown struct {
	row         int
	spans       []span
	from, until time.Duration
}

// movie is all that a terminal showed.
type movie struct {
	width, height int
	lines         []shown
	length        time.Duration
}

// frame is for how long what is printed is one picture: nobody sees more of them.
const frame = 80 * time.Millisecond

// burst is how soon after each other a program writes what belongs together.
const burst = 20 * time.Millisecond

// play has a terminal show the recording. Waits are as the pace has them.
func play(c cast, p pace) movie {
	screen := vt.NewEmulator(c.Width, c.Height)
	m := movie{width: c.Width, height: c.Height}
	current := make([]shown, c.Height)
	var now, was, drawn time.Duration
	for i, e := range c.events {
		now += p.of(e.at - was)
		was = e.at
		_, _ = screen.WriteString(e.text)
		if i+1 < len(c.events) {
			if wait := c.events[i+1].at - e.at; wait < burst || now+p.of(wait)-drawn < frame {
				continue
			}
		}
		drawn = now
		for row := range current {
			if spans := line(screen, row); key(spans) != key(current[row].spans) {
				m.end(current[row], now)
				current[row] = shown{row: row, spans: spans, from: now}
			}
		}
	}
	m.length = now
	for _, l := range current {
		m.end(l, now)
	}
	return m
}

// end notes a line that was shown until then, unless it was empty.
func (m *movie) end(l shown, until time.Duration) {
	if l.until = until; len(l.spans) > 0 {
		m.lines = append(m.lines, l)
	}
}

// key is the same for lines that look the same.
func key(spans []span) string { return fmt.Sprint(spans) }

// line is a row of the screen, without blanks at its end.
func line(screen *vt.Emulator, row int) (spans []span) {
	for x := 0; x < screen.Width(); {
		cell := screen.CellAt(x, row)
		if cell == nil || cell.Width == 0 {
			x++
			continue
		}
		class := classOf(cell.Style)
		if n := len(spans); n > 0 && spans[n-1].class == class {
			spans[n-1].text += cell.Content
		} else {
			spans = append(spans, span{x, cell.Content, class})
		}
		x += cell.Width
	}
	for len(spans) > 0 {
		last := &spans[len(spans)-1]
		if last.text = strings.TrimRight(last.text, " "); last.text != "" {
			break
		}
		spans = spans[:len(spans)-1]
	}
	return spans
}

// classOf is how a style is called in CSS: the terminal's colours have other values in the dark.
func classOf(style uv.Style) string {
	classes := []string{}
	if number, is := basic(style.Fg); is {
		classes = append(classes, fmt.Sprintf("c%d", number))
	}
	if style.Attrs&uv.AttrBold != 0 {
		classes = append(classes, "b")
	}
	if style.Attrs&uv.AttrFaint != 0 {
		classes = append(classes, "f")
	}
	return strings.Join(classes, " ")
}

// basic is the number of one of the terminal's 16 colours.
func basic(c color.Color) (number int, is bool) {
	switch c := c.(type) {
	case ansi.BasicColor:
		return int(c), true
	case ansi.IndexedColor:
		return int(c), c < 16
	}
	return 0, false
}
