package timeline

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"time"
)

//go:embed timeline.svg.tmpl
var timelineTemplate string

// The drawing's measures, in pixels.
const (
	labelWidth = 90
	barsWidth  = 860
	rowHeight  = 26

	letterWidth = 6.5 // on average, of the drawing's letters
)

// segment is one phase of one node in the drawing.
type segment struct {
	Phase    string
	Y        int // of a key of the legend
	X, Width float64
	Seconds  float64
	Colour   string
	Dark     bool // whether letters on it are white
}

// Fits reports whether the bar has room for the name of its phase.
func (s segment) Fits() bool { return s.Width > 10+letterWidth*float64(len(s.Phase)) }

type row struct {
	Node string
	Y    int
	Bars []segment
}

// inColour are the phases in their order, with colours of Okabe and Ito's palette, which most colour-blind people can distinguish
// apart, and greys.
var inColour = []struct {
	phase, colour string
	dark          bool // whether letters on it are white
}{
	{"overlay", "#999999", false},
	{"define", "#bbbbbb", false},
	{"start", "#dddddd", false},
	{"firmware", "#e69f00", false},
	{"boot loader", "#f0e442", false},
	{"kernel", "#56b4e9", false},
	{"Ignition", "#d55e00", true},
	{"system", "#0072b2", true},
	{"login", "#882255", true},
	{"network", "#cc79a7", false},
	{"sshd", "#332288", true},
	{"ready", "#009e73", true},
	{Joins, "#117733", true},
	{Leaves, "#aa4499", true},
	{Forms, "#44aa99", false},
}

// legend explains the colours, as some bars are too short for a word: keys in lines from y on. bottom is the y below them.
func legend(rows []row, y int) (keys []segment, bottom int) {
	const lineHeight = 18
	x := float64(labelWidth)
	for _, c := range inColour {
		drawn := slices.ContainsFunc(rows, func(r row) bool {
			return slices.ContainsFunc(r.Bars, func(s segment) bool { return s.Phase == c.phase })
		})
		if !drawn {
			continue
		}
		width := 24 + letterWidth*float64(len(c.phase))
		if x+width > labelWidth+barsWidth {
			x, y = labelWidth, y+lineHeight
		}
		keys = append(keys, segment{Phase: c.phase, X: x, Y: y, Colour: c.colour})
		x += width
	}
	return keys, y + lineHeight
}

// Title says of which cluster and up the timeline is, when that was, and which version of the program did it.
func (t Timeline) Title() string {
	begin, end := bounds(t.Nodes)
	title := fmt.Sprintf("%s: the last up, %.1f s, %s", t.Cluster, end.Sub(begin).Seconds(), begin.UTC().Format("2006-01-02 15:04 MST"))
	if t.Version != "" {
		title += ", by " + t.Version
	}
	return title
}

// Draw is the drawing of the timeline, as SVG, in the colours that the reader's screen prefers, light or dark.
func (t Timeline) Draw() ([]byte, error) {
	all := t.Nodes
	begin, end := bounds(all)
	scale := barsWidth / max(end.Sub(begin).Seconds(), 1)
	rows := []row{}
	for _, node := range slices.Sorted(maps.Keys(all)) {
		rows = append(rows, row{Node: t.label(node), Y: 50 + len(rows)*rowHeight, Bars: segments(all[node], begin, end, scale)})
	}
	keys, height := legend(rows, 80+len(rows)*rowHeight)
	picture := map[string]any{
		"Title": t.Title(), "Rows": rows, "Width": labelWidth + barsWidth + 20, "Height": height + 12,
		"Ticks": ticks(end.Sub(begin), scale), "Bottom": 50 + len(rows)*rowHeight, "Left": labelWidth,
		"Legend": keys,
	}
	parsed, err := template.New("timeline").Parse(timelineTemplate)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = parsed.Execute(&out, picture)
	return out.Bytes(), err
}

func bounds(all map[string][]Moment) (begin, end time.Time) {
	for _, moments := range all {
		for _, m := range moments {
			if begin.IsZero() || m.At.Before(begin) {
				begin = m.At
			}
			if m.At.After(end) {
				end = m.At
			}
		}
	}
	return begin, end
}

// segments are a node's phases, each up to the begin of the next. The last has no length: it is a moment.
func segments(moments []Moment, begin, end time.Time, scale float64) []segment {
	moments = named(moments)
	bars := []segment{}
	for i, m := range moments {
		until := end
		if i+1 < len(moments) {
			until = moments[i+1].At
		} else if m.Phase == "ready" || m.Phase == "etcd" {
			break
		}
		if m.Phase == "etcd" { // its member is healthy, and nothing is done to it
			continue
		}
		seconds := until.Sub(m.At).Seconds()
		bar := segment{Phase: m.Phase, Seconds: seconds, X: labelWidth + m.At.Sub(begin).Seconds()*scale, Width: max(seconds*scale, 1)}
		for _, c := range inColour {
			if c.phase == m.Phase {
				bar.Colour, bar.Dark = c.colour, c.dark
			}
		}
		bars = append(bars, bar)
	}
	return bars
}

// named are the moments in their order, with the time between a node that is ready and its healthy member of etcd called by what it is.
func named(moments []Moment) []Moment {
	moments = slices.Clone(moments)
	slices.SortStableFunc(moments, func(a, b Moment) int { return a.At.Compare(b.At) }) // some are noted afterwards
	for i := range moments {
		if moments[i].Phase == "ready" && i+1 < len(moments) && moments[i+1].Phase == "etcd" {
			moments[i].Phase = Forms
		}
	}
	return moments
}

// tick is a line of the scale.
type tick struct {
	X       float64
	Seconds int
}

func ticks(total time.Duration, scale float64) []tick {
	const most = 12
	every := 0
	for _, step := range []int{1, 2, 5, 10, 30, 60, 120, 300} {
		if every = step; total.Seconds()/float64(step) <= most {
			break
		}
	}
	for total.Seconds()/float64(every) > most { // a file can say anything
		every *= 2
	}
	all := []tick{}
	for s := 0; float64(s) <= total.Seconds(); s += every {
		all = append(all, tick{labelWidth + float64(s)*scale, s})
	}
	return all
}
