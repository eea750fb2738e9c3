package stage

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func TestDraw(t *testing.T) {
	begin := time.Now()
	at := func(seconds float64) time.Time { return begin.Add(time.Duration(seconds * float64(time.Second))) }
	drawing, err := draw("a<b", map[string][]moment{
		"core02": {{"firmware", at(0)}, {"Ignition", at(4)}, {"ready", at(30)}, {"etcd", at(33)}},
		"core01": {{"firmware", at(1)}, {"kernel", at(5)}, {"ready", at(25)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	text := string(drawing)
	for decoder := xml.NewDecoder(strings.NewReader(text)); ; {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("no XML: %v\n%s", err, text)
		}
	}
	for _, want := range []string{
		"a&lt;b: the last up, 33.0 s", "<title>core02: Ignition, 26.0 s</title>", "<title>core02: ready, 3.0 s</title>", "<title>core01: kernel, 20.0 s</title>",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Index(text, ">core01<") > strings.Index(text, ">core02<") || strings.Contains(text, "core01: ready") {
		t.Errorf("got\n%s", text)
	}
}

func TestReachIsOnce(t *testing.T) {
	var all times
	all.reach("core01", "kernel")
	first := all.all["core01"][0]
	all.reach("core01", "kernel")
	all.reach("core01", "ready")
	if got := all.all["core01"]; len(got) != 2 || got[0] != first || got[1].Phase != "ready" {
		t.Errorf("got %+v", got)
	}
}
