// Command loop makes a moving picture of a terminal, an SVG, of a recording of one:
//
//	go run ./internal/ci/loop <loop.cast >docs/loop.svg
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
	last := flag.Duration("last", 4*time.Second, "how long the last picture stays")
	flag.Parse()
	if err := run(os.Stdin, os.Stdout, *idle, *last); err != nil {
		fmt.Fprintln(os.Stderr, "loop:", err)
		os.Exit(1)
	}
}

// run reads a recording and writes its picture.
func run(in io.Reader, out io.Writer, idle, last time.Duration) error {
	recorded, err := read(in)
	if err != nil {
		return err
	}
	return draw(out, play(recorded, idle), last)
}
