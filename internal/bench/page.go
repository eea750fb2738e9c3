package bench

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"maps"
	"math"
	"slices"
	"strings"
)

// Table is the results as a table of Markdown.
func Table(results []Result) string {
	text := strings.Builder{}
	text.WriteString("| what | nodes | this project | beside | takes | ratio |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, r := range results {
		nodes := ""
		if r.Nodes > 0 {
			nodes = fmt.Sprintf("%d ", r.Nodes)
		}
		if r.Peer == Itself {
			fmt.Fprintf(&text, "| %s | %s| %.2f s | | | |\n", r.Name, nodes, r.OursTook)
			continue
		}
		fmt.Fprintf(&text, "| %s | %s| %.2f s | %s | %.2f s | %.2f |\n", r.Name, nodes, r.OursTook, r.Peer, r.TheirsTook, r.Ratio())
	}
	return text.String()
}

// The marks between which the page has the figures.
const begin, end = "<!-- bench -->\n", "<!-- end of bench -->\n"

// Into puts the figures into a page, in place of those that are there.
func Into(page, figures string) (string, error) {
	before, rest, is := strings.Cut(page, begin)
	_, after, ends := strings.Cut(rest, end)
	if !is || !ends {
		return "", fmt.Errorf("the page has no place for the figures: %q and %q", strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return before + begin + figures + end + after, nil
}

//go:embed growth.svg.tmpl
var growth string

// The curve's measures, in pixels.
const (
	left, top, wide, high = 60.0, 40.0, 560.0, 240.0
)

// curve is how one command's time grows.
type curve struct {
	Name, Class, Path string
	X, Y              float64 // of its mark in the legend
}

// End is where the mark ends and the name begins.
func (c curve) End() float64 { return c.X + 26 }

// Growth draws how times grow with the number of nodes, both axes logarithmic.
func Growth(results []Result) ([]byte, error) {
	all := seriesOf(results)
	at := scale(all)
	curves := []curve{}
	for i, s := range all {
		curves = append(curves, drawCurve(s, i, at))
	}
	ticks := []curve{}
	for _, n := range []int{3, 10, 30, 100} {
		x, _ := at(n, 1)
		ticks = append(ticks, curve{Name: fmt.Sprint(n), X: x})
	}
	seconds := []curve{}
	for _, s := range []float64{0.01, 0.1, 1, 10, 100} {
		if _, y := at(3, s); y >= top && y <= top+high {
			seconds = append(seconds, curve{Name: fmt.Sprintf("%g s", s), Y: y})
		}
	}
	parsed, err := template.New("growth").Parse(growth)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = parsed.Execute(&out, map[string]any{"Curves": curves, "Ticks": ticks, "Seconds": seconds})
	return out.Bytes(), err
}

// series are the times of one command by the number of nodes.
type series struct {
	name, class string
	took        map[int]float64
}

// seriesOf are those of all commands, a case's own before its peers'. What is compared has one colour.
func seriesOf(results []Result) (all []series) {
	names := []string{}
	add := func(name, class string, r Result, took float64) {
		i := slices.IndexFunc(all, func(s series) bool { return s.name == name })
		if i < 0 {
			i, all = len(all), append(all, series{name, class, map[int]float64{}})
		}
		all[i].took[r.Nodes] = took
	}
	for _, r := range results {
		if r.Nodes == 0 {
			continue
		}
		if !slices.Contains(names, r.Name) {
			names = append(names, r.Name)
		}
		class := fmt.Sprintf("s%d", slices.Index(names, r.Name)%6)
		add(r.Name, class, r, r.OursTook)
		if r.Peer != Itself {
			add(r.Name+", "+string(r.Peer), class+" peer", r, r.TheirsTook)
		}
	}
	return all
}

// scale is where a number of nodes and of seconds is in the drawing.
func scale(all []series) func(nodes int, seconds float64) (x, y float64) {
	least, most := math.Inf(1), 0.0
	for _, s := range all {
		for _, took := range s.took {
			least, most = min(least, took), max(most, took)
		}
	}
	least, most = math.Log10(max(least, 0.001)/2), math.Log10(max(most, 0.01)*2)
	return func(nodes int, seconds float64) (x, y float64) {
		x = left + wide*(math.Log10(float64(nodes))-math.Log10(2))/(2-math.Log10(2))
		return x, top + high*(most-math.Log10(max(seconds, 0.001)))/(most-least)
	}
}

func drawCurve(s series, i int, at func(int, float64) (float64, float64)) curve {
	path := []string{}
	for _, n := range slices.Sorted(maps.Keys(s.took)) {
		x, y := at(n, s.took[n])
		path = append(path, fmt.Sprintf("%.1f,%.1f", x, y))
	}
	return curve{Name: s.name, Class: s.class, Path: strings.Join(path, " "), X: left + wide + 12, Y: top + 14 + float64(i)*20}
}
