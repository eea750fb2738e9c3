package progress

import (
	"bytes"
	"fmt"
	"os"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/term"

	"coreos-libvirt/internal/terminal/printable"
)

// Redraw shows lines on a terminal in the place of those that it showed before.
type Redraw struct {
	to    *os.File
	shown int // lines
}

// Redraw is one on the log's terminal, or nil if there is none.
func (l *Log) Redraw() *Redraw {
	if !l.onTerminal() {
		return nil
	}
	return &Redraw{to: l.w.(*os.File)}
}

// Draw shows the lines, of which each is cut at the end of the terminal's: one that is wrapped could not be taken away again. Those
// for which the terminal has no room are only counted.
func (r *Redraw) Draw(lines []string) error {
	width, height, err := term.GetSize(int(r.to.Fd()))
	if err != nil {
		return fmt.Errorf("cannot get the size of the terminal: %w", err)
	}
	if room := max(height-2, 1); len(lines) > room && height > 0 {
		lines = append(lines[:room:room], fmt.Sprintf("… and %d lines", len(lines)-room))
	}
	var text bytes.Buffer
	if r.shown > 0 {
		text.WriteString(ansi.CursorUp(r.shown) + ansi.EraseScreenBelow)
	}
	for _, line := range lines {
		fmt.Fprintln(&text, ansi.Truncate(printable.Line(line), max(width, 1), "…"))
	}
	r.shown = len(lines)
	_, err = r.to.Write(text.Bytes())
	return err
}
