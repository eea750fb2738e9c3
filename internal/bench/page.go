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
		if r.Peer == Itself {
			fmt.Fprintf(&text, "| %s | %d | %.2f s | | | |\n", r.Name, r.Nodes, r.OursTook)
			continue
		}
		fmt.Fprintf(&text, "| %s | %d | %.2f s | %s | %.2f s | %.2f |\n", r.Name, r.Nodes, r.OursTook, r.Peer, r.TheirsTook, r.Ratio())
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
	X, Y              float64 // of its name
}

// Growth draws how times grow with the number of nodes, both axes logarithmic.
func Growth(results []Result) ([]byte, error) {
	series := seriesOf(results)
	at := scale(series)
	curves := []curve{}
	for i, name := range slices.Sorted(maps.Keys(series)) {
		curves = append(curves, drawCurve(name, i, series[name], at))
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

// seriesOf are the times of each command by the number of nodes.
func seriesOf(results []Result) map[string]map[int]float64 {
	series := map[string]map[int]float64{}
	add := func(name string, nodes int, took float64) {
		if series[name] == nil {
			series[name] = map[int]float64{}
		}
		series[name][nodes] = took
	}
	for _, r := range results {
		if r.Nodes > 1 {
			add(r.Name, r.Nodes, r.OursTook)
		}
		if r.Nodes > 1 && r.Peer != Itself {
			add(r.Name+", "+string(r.Peer), r.Nodes, r.TheirsTook)
		}
	}
	return series
}

// scale is where a number of nodes and of seconds is in the drawing.
func scale(series map[string]map[int]float64) func(nodes int, seconds float64) (x, y float64) {
	least, most := math.Inf(1), 0.0
	for _, points := range series {
		for _, took := range points {
			least, most = min(least, took), max(most, took)
		}
	}
	least, most = math.Log10(max(least, 0.001)/2), math.Log10(max(most, 0.01)*2)
	return func(nodes int, seconds float64) (x, y float64) {
		x = left + wide*(math.Log10(float64(nodes))-math.Log10(2))/(2-math.Log10(2))
		return x, top + high*(most-math.Log10(max(seconds, 0.001)))/(most-least)
	}
}

func drawCurve(name string, i int, points map[int]float64, at func(int, float64) (float64, float64)) curve {
	sizes := []int{}
	for n := range points {
		sizes = append(sizes, n)
	}
	slices.Sort(sizes)
	path := []string{}
	for _, n := range sizes {
		x, y := at(n, points[n])
		path = append(path, fmt.Sprintf("%.1f,%.1f", x, y))
	}
	c := curve{Name: name, Class: fmt.Sprintf("s%d", i%6), Path: strings.Join(path, " ")}
	c.X, c.Y = left+wide+12, top+14+float64(i)*18
	return c
}
