package stage

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/workspace/artifact"
)

// times are what nodes reached when.
type times struct {
	mu     sync.Mutex
	all    map[string][]moment      // by node
	silent map[string]time.Duration // the longest silence of the node's console in its first boot, by node
}

// moment is the begin of a phase.
type moment struct {
	Phase string    `json:"phase"`
	At    time.Time `json:"at"`
}

// reach notes that the node is at the phase now, unless it was before in the same boot.
func (t *times) reach(node, phase string) { t.reachAt(node, phase, time.Now()) }

func (t *times) reachAt(node, phase string, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all == nil {
		t.all = map[string][]moment{}
	}
	moments := t.all[node]
	this := moments // of this boot
	for i, m := range moments {
		if m.Phase == "start" {
			this = moments[i+1:]
		}
	}
	if phase == "start" || !slices.ContainsFunc(this, func(m moment) bool { return m.Phase == phase }) {
		t.all[node] = append(moments, moment{phase, at})
	}
}

// ready notes what the node's report tells of its boot, and that it came now.
func (t *times) ready(node string, report guest.Report) {
	now := time.Now()
	for _, of := range []struct {
		phase  string
		uptime float64
	}{{"network", report.Network.At}, {"sshd", report.SSHD.At}} {
		if of.uptime > 0 && t.booted(node) {
			t.reachAt(node, of.phase, now.Add(-time.Duration((report.Uptime-of.uptime)*float64(time.Second))))
		}
	}
	t.reachAt(node, "ready", now)
}

// booted tells whether this run has started the node.
func (t *times) booted(node string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.ContainsFunc(t.all[node], func(m moment) bool { return m.Phase == "start" })
}

func (r *Run) timesFile() string { return r.ws().Timeline(r.Prefix, "json") }

// keepTimes keeps what this run saw, where it booted anything.
func (r *Run) keepTimes() {
	booted := false
	for node := range r.times.all {
		booted = booted || r.times.booted(node)
	}
	data, err := json.Marshal(r.times.all)
	if booted && err == nil {
		err = artifact.Write(r.timesFile(), data, 0o644)
	}
	if err != nil {
		r.log.Say("timeline: %v", err)
	}
	r.keepSilence()
}

//go:embed timeline.svg.tmpl
var timelineTemplate string

// The drawing's measures, in pixels.
const (
	labelWidth = 90
	barsWidth  = 860
	rowHeight  = 26
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

type row struct {
	Node string
	Y    int
	Bars []segment
}

// Timeline draws what the nodes went through in the last `up` as an SVG beside its data.
func (r *Run) Timeline(context.Context) error {
	data, err := os.ReadFile(r.timesFile())
	if err != nil {
		return hint.Errorf("`mage up` keeps one when it boots nodes", "there is no timeline of the cluster %s: %w", r.Prefix, err)
	}
	var all map[string][]moment
	if err := json.Unmarshal(data, &all); err != nil {
		return fmt.Errorf("%s: %w", r.timesFile(), err)
	}
	drawing, err := draw(r.Prefix, all)
	if err != nil {
		return err
	}
	path := r.ws().Timeline(r.Prefix, "svg")
	if err := artifact.Write(path, drawing, 0o644); err != nil {
		return err
	}
	r.log.Say("timeline: %s", r.relative(path))
	return nil
}

// inColour are the phases in their order, with colours of Okabe and Ito's palette, which most colour-blind people can tell
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
	{"etcd", "#009e73", true},
}

// legend explains the colours of bars that are too short for a word.
func legend(rows []row, y int) (keys []segment) {
	x := float64(labelWidth)
	for _, c := range inColour {
		drawn := slices.ContainsFunc(rows, func(r row) bool {
			return slices.ContainsFunc(r.Bars, func(s segment) bool { return s.Phase == c.phase })
		})
		if drawn {
			keys = append(keys, segment{Phase: c.phase, X: x, Y: y, Colour: c.colour})
			x += 24 + 6.5*float64(len(c.phase))
		}
	}
	return keys
}

func draw(cluster string, all map[string][]moment) ([]byte, error) {
	begin, end := bounds(all)
	scale := barsWidth / max(end.Sub(begin).Seconds(), 1)
	rows := []row{}
	for _, node := range slices.Sorted(maps.Keys(all)) {
		rows = append(rows, row{Node: node, Y: 50 + len(rows)*rowHeight, Bars: segments(all[node], begin, end, scale)})
	}
	picture := map[string]any{
		"Cluster": cluster, "Rows": rows, "Width": labelWidth + barsWidth + 20, "Height": 110 + len(rows)*rowHeight,
		"Ticks": ticks(end.Sub(begin), scale), "Bottom": 50 + len(rows)*rowHeight, "Left": labelWidth, "Total": end.Sub(begin).Seconds(),
		"Legend": legend(rows, 80+len(rows)*rowHeight),
	}
	parsed, err := template.New("timeline").Parse(timelineTemplate)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = parsed.Execute(&out, picture)
	return out.Bytes(), err
}

func bounds(all map[string][]moment) (begin, end time.Time) {
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

// segments are a node's phases, each up to the begin of the next. The last has no length: it was reached.
func segments(moments []moment, begin, end time.Time, scale float64) []segment {
	moments = slices.Clone(moments)
	slices.SortStableFunc(moments, func(a, b moment) int { return a.At.Compare(b.At) }) // some are told afterwards
	bars := []segment{}
	for i, m := range moments {
		until := end
		if i+1 < len(moments) {
			until = moments[i+1].At
		} else if m.Phase == "ready" || m.Phase == "etcd" {
			break
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

// tick is a line of the scale.
type tick struct {
	X       float64
	Seconds int
}

func ticks(total time.Duration, scale float64) []tick {
	every := 1
	for _, step := range []int{1, 2, 5, 10, 30, 60, 120, 300} {
		if every = step; total.Seconds()/float64(step) <= 12 {
			break
		}
	}
	all := []tick{}
	for s := 0; float64(s) <= total.Seconds(); s += every {
		all = append(all, tick{labelWidth + float64(s)*scale, s})
	}
	return all
}
