package main

import (
	_ "embed"
	"html/template"
	"io"
	"time"
)

//go:embed loop.svg.tmpl
var picture string

// The picture's measures, in pixels.
const (
	fontSize   = 14
	charWidth  = 8.43 // of the fonts that are asked for, at that size
	lineHeight = 19
	margin     = 14
)

// drawn is a line as the template takes it.
type drawn struct {
	Spans []drawnSpan
	Y     int
	From  float64 // parts of the whole, in percent
	Until float64
	Last  bool // whether it is in the last picture
	First bool // whether it is in the first
}

type drawnSpan struct {
	X           float64
	Width       float64
	Text, Class string
}

// draw writes the movie as an SVG that begins again and again; who wants no motion sees the last picture.
func draw(w io.Writer, m movie, last time.Duration) error {
	total := m.length + last
	lines := []drawn{}
	for _, l := range m.lines {
		if l.from == l.until && l.until != m.length {
			continue
		}
		d := drawn{Y: margin + (l.row+1)*lineHeight, From: percent(l.from, total), Until: percent(l.until, total), Last: l.until == m.length, First: l.from == 0}
		for _, s := range l.spans {
			d.Spans = append(d.Spans, drawnSpan{margin + float64(s.column)*charWidth, float64(len([]rune(s.text))) * charWidth, s.text, s.class})
		}
		lines = append(lines, d)
	}
	parsed, err := template.New("loop").Parse(picture)
	if err != nil {
		return err
	}
	return parsed.Execute(w, map[string]any{
		"Lines": lines, "Seconds": total.Seconds(), "FontSize": fontSize,
		"Width": int(float64(m.width)*charWidth) + 2*margin, "Height": m.height*lineHeight + 2*margin,
	})
}

func percent(part, whole time.Duration) float64 { return 100 * part.Seconds() / whole.Seconds() }
