// Command loop makes a moving picture of a terminal, an SVG, of a recording of one:
//
//	go run ./internal/ci/loop -speed 5 <loop.cast >docs/loop.svg
//
// The recording is asciinema's, version 2. record.sh makes that of README.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

func main() {
	idle := flag.Duration("idle", time.Second, "the longest wait that is shown as long as it was")
	speed := flag.Float64("speed", 1, "how many times as quick as it was")
	last := flag.Duration("last", 4*time.Second, "how long the last picture stays")
	flag.Parse()
	if err := run(os.Stdin, os.Stdout, pace{*idle, *speed, *last}); err != nil {
		fmt.Fprintln(os.Stderr, "loop:", err)
		os.Exit(1)
	}
}

// pace is how quick a recording is shown.
type pace struct {
	idle  time.Duration // the longest wait that is shown as long as it was
	speed float64       // how many times as quick as it was; 0 is 1
	last  time.Duration // how long the last picture stays
}

// of is how long a wait is in the picture.
func (p pace) of(wait time.Duration) time.Duration {
	wait = min(wait, p.idle)
	if p.speed <= 0 {
		return wait
	}
	return time.Duration(float64(wait) / p.speed)
}

// run reads a recording and writes its picture.
func run(in io.Reader, out io.Writer, p pace) error {
	recorded, err := read(in)
	if err != nil {
		return err
	}
	return draw(out, play(recorded, p), p.last)
}
