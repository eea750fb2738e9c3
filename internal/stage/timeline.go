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

	"coreos-libvirt/internal/artifact"
	"coreos-libvirt/internal/hint"
)

// times are what nodes reached when.
type times struct {
	mu  sync.Mutex
	all map[string][]moment // by node
}

// moment is the begin of a phase.
type moment struct {
	Phase string    `json:"phase"`
	At    time.Time `json:"at"`
}

// reach notes that the node is at the phase now, unless it was before.
func (t *times) reach(node, phase string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all == nil {
		t.all = map[string][]moment{}
	}
	if slices.ContainsFunc(t.all[node], func(m moment) bool { return m.Phase == phase }) {
		return
	}
	t.all[node] = append(t.all[node], moment{phase, time.Now()})
}

func (r *Run) timesFile() string { return r.vm(timelineOf(r.Prefix, "json")) }

// timelineOf is the name in vm/ of a cluster's timeline, as data (json) or drawing (svg).
func timelineOf(prefix, kind string) string { return "timeline." + prefix + "." + kind }

// keepTimes keeps what this run saw, where it booted anything.
func (r *Run) keepTimes() {
	booted := false
	for _, moments := range r.times.all {
		booted = booted || moments[0].Phase != "ready"
	}
	data, err := json.Marshal(r.times.all)
	if booted && err == nil {
		err = artifact.Write(r.timesFile(), data, 0o644)
	}
	if err != nil {
		r.log.Say("timeline: %v", err)
	}
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
	path := r.vm(timelineOf(r.Prefix, "svg"))
	if err := artifact.Write(path, drawing, 0o644); err != nil {
		return err
	}
	r.log.Say("timeline: %s", r.relative(path))
	return nil
}

// colours of the phases, of Okabe and Ito's palette, which most colour-blind people can tell apart.
var phaseColours = map[string]string{
	"overlay": "#999999", "define": "#bbbbbb", "start": "#cccccc", "firmware": "#e69f00", "boot loader": "#f0e442", "kernel": "#56b4e9",
	"Ignition": "#d55e00", "system": "#0072b2", "login": "#cc79a7", "ready": "#009e73", "etcd": "#009e73",
}

func draw(cluster string, all map[string][]moment) ([]byte, error) {
	begin, end := bounds(all)
	scale := barsWidth / max(end.Sub(begin).Seconds(), 1)
	rows := []row{}
	for _, node := range slices.Sorted(maps.Keys(all)) {
		rows = append(rows, row{Node: node, Y: 50 + len(rows)*rowHeight, Bars: segments(all[node], begin, end, scale)})
	}
	picture := map[string]any{
		"Cluster": cluster, "Rows": rows, "Width": labelWidth + barsWidth + 20, "Height": 90 + len(rows)*rowHeight,
		"Ticks": ticks(end.Sub(begin), scale), "Bottom": 50 + len(rows)*rowHeight, "Left": labelWidth, "Total": end.Sub(begin).Seconds(),
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
	bars := []segment{}
	for i, m := range moments {
		until := end
		if i+1 < len(moments) {
			until = moments[i+1].At
		} else if m.Phase == "ready" || m.Phase == "etcd" {
			break
		}
		seconds := until.Sub(m.At).Seconds()
		bars = append(bars, segment{
			Phase: m.Phase, Seconds: seconds, X: labelWidth + m.At.Sub(begin).Seconds()*scale, Width: max(seconds*scale, 1), Colour: phaseColours[m.Phase],
			Dark: m.Phase == "Ignition" || m.Phase == "system" || m.Phase == "ready",
		})
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
